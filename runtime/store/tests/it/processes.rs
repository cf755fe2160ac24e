//! Processes as a whole.

use oxbeam_store::{
    Append, Checkpoints, Commit, Family, Limit, Log, Memory, NewCheckpoint, Origin, Outbox,
    ProcessUsage, Processes, Results, StoreError,
};

use crate::common::{Place, append, bytes, commit, id, on_both, outgoing};

#[tokio::test]
async fn processes_are_listed_a_piece_at_a_time() {
    on_both(|place| async move {
        let store = place.open();
        let mut names: Vec<_> = (0..10).map(|n| id(&n.to_string())).collect();
        for name in &names {
            store.append(append(*name, 0)).await.unwrap();
        }
        names.sort();
        let first = store.processes(None, Limit::count(6)).await.unwrap();
        let rest = store.processes(first.last, Limit::count(6)).await.unwrap();
        let found: Vec<_> = first.items.iter().chain(&rest.items).map(|(id, _)| *id).collect();
        assert_eq!((found, rest.last), (names, None));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_process_leaves_nothing_and_others_stay() {
    on_both(|place| async move {
        let store = place.open();
        for name in ["gone", "stays"] {
            let process = id(name);
            let origin = Some(Origin { process: id("sender"), slot: 1, index: 1 });
            store.append(Append { origin, ..append(process, 0) }).await.unwrap();
            let outbox = (0..2500).map(|index| outgoing(index, u64::from(index))).collect();
            store.commit(Commit { outbox, ..commit(process, 0) }).await.unwrap();
            let dead = oxbeam_store::EntryKey { process, slot: 0, index: 3 };
            store.give_up(dead, "gone".into()).await.unwrap();
            store.append(append(process, 1)).await.unwrap();
            store.count_attempt(process, 1).await.unwrap();
            let memory = Some(Memory::whole(&[1; 5000]));
            let (state, hashpath) = (bytes("state"), String::new());
            let checkpoint = NewCheckpoint { process, slot: 0, hashpath, state, memory };
            store.put_checkpoint(checkpoint).await.unwrap();
        }
        let before = store.process_usage(id("stays")).await.unwrap();
        assert_eq!((before.log.count, before.log_index.count), (2, 2));
        assert_eq!((before.results.count, before.outbox.count), (3, 5000));
        assert_eq!(before.checkpoints.count, 2);
        store.delete_process(id("gone")).await.unwrap();
        let store = place.reopen(store).await;
        let gone = store.process_usage(id("gone")).await.unwrap();
        assert_eq!(gone, oxbeam_store::ProcessUsage::default());
        assert_eq!(store.process_usage(id("stays")).await.unwrap(), before);
        let due = store.due(u64::MAX, None, Limit::count(10_000)).await.unwrap().items;
        assert!(due.len() == 2499 && due.iter().all(|entry| entry.process == id("stays")));
        assert_eq!(store.dead(None, Limit::default()).await.unwrap().items.len(), 1);
        assert_eq!(store.head(id("gone")).await.unwrap(), None);
        let refused = store.delete_process(id("gone")).await.unwrap_err();
        assert!(matches!(refused, StoreError::NoProcess { .. }), "{refused}");
        store.append(append(id("gone"), 0)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_a_crash_interrupts_is_finished_at_the_next_start() {
    let place = crate::common::Place::memory();
    let crate::common::Place::Memory(disk) = &place else { unreachable!() };
    let process = id("process");
    // The mark, some pieces of the outbox, the rest: the write that fails is each of them in turn.
    for writes in 0..6 {
        let store = place.open();
        store.append(append(process, 0)).await.unwrap();
        let outbox = (0..2500).map(|index| outgoing(index, 1)).collect();
        store.commit(Commit { outbox, ..commit(process, 0) }).await.unwrap();
        disk.fail_write(writes, writes);
        let deleted = store.delete_process(process).await;
        disk.kill();
        let (store, recovery) = place.open_with(&crate::common::small()).unwrap();
        let usage = store.process_usage(process).await.unwrap();
        let there = store.head(process).await.unwrap().is_some();
        if deleted.is_err() && there {
            assert_eq!((writes, usage.outbox.count), (0, 5000), "all of it is there");
        } else {
            assert_eq!(usage, oxbeam_store::ProcessUsage::default(), "none of it is");
            assert_eq!(recovery.deletions_finished.len(), usize::from(deleted.is_err()));
            assert!(store.due(u64::MAX, None, Limit::default()).await.unwrap().items.is_empty());
        }
        if there {
            store.delete_process(process).await.unwrap();
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_process_with_a_damaged_outbox_is_deleted_and_the_store_opens_again() {
    let mut tried = 0;
    for seed in 0..400 {
        let place = Place::memory();
        let Place::Memory(disk) = &place else { unreachable!() };
        let (process, healthy) = (id("process"), id("healthy"));
        let store = place.open();
        store.append(append(process, 0)).await.unwrap();
        let outbox = vec![outgoing(0, 5)];
        store.commit(Commit { outbox, ..commit(process, 0) }).await.unwrap();
        store.append(append(healthy, 0)).await.unwrap();
        store.close().await;
        let Some((Family::Outbox, key)) = disk.flip_bit(seed) else { continue };
        if key[0] != 0 {
            continue;
        }
        tried += 1;
        let store = place.open();
        store.delete_process(process).await.unwrap();
        let store = place.reopen(store).await;
        assert_eq!(store.process_usage(process).await.unwrap(), ProcessUsage::default());
        assert_eq!(store.next_due().await.unwrap(), None);
        assert!(store.check().unwrap().is_sound());
        store.append(append(healthy, 1)).await.unwrap();
    }
    assert!(tried > 0, "no seed hit an entry");
}

/// A process whose deletion was begun, and cannot go on because the disk is full.
async fn half_deleted(place: &Place) -> (oxbeam_store::LocalStore, StoreError) {
    let Place::Memory(disk) = place else { unreachable!() };
    let store = place.open();
    store.append(append(id("process"), 0)).await.unwrap();
    let outbox = (0..2500).map(|index| outgoing(index, 1)).collect();
    store.commit(Commit { outbox, ..commit(id("process"), 0) }).await.unwrap();
    // There is room for the mark, and not for what comes after it.
    disk.set_capacity(Some(disk.used() + 500));
    let full = store.delete_process(id("process")).await.unwrap_err();
    (store, full)
}

#[tokio::test]
async fn a_process_that_is_being_deleted_is_gone_for_all_who_read() {
    let place = Place::memory();
    let (store, full) = half_deleted(&place).await;
    assert!(matches!(full, StoreError::DiskFull { .. }), "{full}");
    let (p, all) = (id("process"), Limit::default());
    assert!(store.process_usage(p).await.unwrap().outbox.count > 0, "it is not gone yet");
    assert!(store.processes(None, all).await.unwrap().items.is_empty());
    assert_eq!(store.head(p).await.unwrap(), None);
    assert_eq!(store.assignment(p, 0).await.unwrap(), None);
    assert!(store.assignments(p, 0, all).await.unwrap().items.is_empty());
    assert_eq!(store.computed(p).await.unwrap(), None);
    assert_eq!(store.result(p, 0).await.unwrap(), None);
    let key = oxbeam_store::EntryKey { process: p, slot: 0, index: 0 };
    assert_eq!(store.entry(key).await.unwrap(), None);
    assert_eq!(store.next_due().await.unwrap(), None);
    let refused = store.export_process(p, &mut Vec::new()).unwrap_err();
    assert!(matches!(refused, StoreError::ProcessBusy { .. }), "{refused}");
    let whole = store.export(&mut Vec::new()).unwrap();
    assert_eq!(whole.processes, 0);
}

#[tokio::test]
async fn a_deletion_goes_on_when_the_full_disk_has_space_again() {
    let place = Place::memory();
    let Place::Memory(disk) = &place else { unreachable!() };
    let (store, _) = half_deleted(&place).await;
    disk.set_capacity(None);
    while store.process_usage(id("process")).await.unwrap() != ProcessUsage::default() {
        tokio::task::yield_now().await;
    }
    let refused = store.delete_process(id("process")).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoProcess { .. }), "{refused}");
    store.append(append(id("process"), 0)).await.unwrap();
    assert!(store.check().unwrap().is_sound());
}

#[tokio::test]
async fn a_deletion_goes_on_although_its_caller_goes_away() {
    on_both(|place| async move {
        let store = place.open();
        store.append(append(id("process"), 0)).await.unwrap();
        let outbox = (0..2500).map(|index| outgoing(index, 1)).collect();
        store.commit(Commit { outbox, ..commit(id("process"), 0) }).await.unwrap();
        drop(store.delete_process(id("process")));
        while store.process_usage(id("process")).await.unwrap() != ProcessUsage::default() {
            tokio::task::yield_now().await;
        }
        assert!(store.check().unwrap().is_sound());
    })
    .await;
}
