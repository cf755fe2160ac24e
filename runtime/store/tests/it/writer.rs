//! Group commit as its callers see it: who is answered when, and what happens when writing fails.

use futures_util::future::join_all;
use oxbeam_store::{
    Content, ContentBatch, Durability, Ended, Limit, Log, Persist, Results, StoreConfig, StoreError,
};

use crate::common::{Place, append, bytes, commit, id, on_both, poll_once, small};

#[tokio::test]
async fn an_append_survives_a_power_cut_as_soon_as_it_is_answered() {
    let place = Place::memory();
    let Place::Memory(disk) = &place else { unreachable!() };
    for seed in 0..200 {
        let store = place.open();
        let next = store.head(id("process")).await.unwrap().map_or(0, |head| head.slot + 1);
        store.append(append(id("process"), next)).await.unwrap();
        // Results ride along unsynced, and may go.
        let computed = store.computed(id("process")).await.unwrap();
        let result = commit(id("process"), computed.map_or(0, |computed| computed.slot + 1));
        store.commit(result).await.unwrap();
        disk.power_loss(seed);
        let store = place.open();
        assert_eq!(store.head(id("process")).await.unwrap().unwrap().slot, next);
        store.close().await;
    }
}

#[tokio::test]
async fn what_was_there_unsynced_is_on_disk_once_a_synced_request_finds_it() {
    for seed in 0..20 {
        let place = Place::memory();
        let Place::Memory(disk) = &place else { unreachable!() };
        let store = place.open();
        let batch =
            || ContentBatch { messages: vec![(id("m"), bytes("body"))], ..ContentBatch::default() };
        store.put_content(batch(), Persist::Buffered).await.unwrap();
        store.put_content(batch(), Persist::Synced).await.unwrap();
        let syncs = store.statistics().syncs;
        store.put_content(batch(), Persist::Synced).await.unwrap();
        assert_eq!(store.statistics().syncs, syncs, "nothing is left to sync");
        disk.power_loss(seed);
        let store = place.open();
        assert!(store.content(id("m")).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn with_durability_os_a_power_cut_takes_a_suffix_of_what_was_answered() {
    let place = Place::memory();
    let Place::Memory(disk) = &place else { unreachable!() };
    let config = StoreConfig { durability: Durability::Os, ..small() };
    let mut lost = 0;
    for seed in 0..50 {
        let process = id(&seed.to_string());
        let (store, _) = place.open_with(&config).unwrap();
        for slot in 0..10 {
            store.append(append(process, slot)).await.unwrap();
        }
        disk.power_loss(seed);
        let (store, _) = place.open_with(&config).unwrap();
        let slots = store.head(process).await.unwrap().map_or(0, |head| head.slot + 1);
        let read = store.assignments(process, 0, Limit::default()).await.unwrap();
        assert_eq!(read.items.len() as u64, slots, "what is left is dense");
        lost += 10 - slots;
        store.close().await;
    }
    assert!(lost > 0, "the power cut took something");
}

#[tokio::test]
async fn a_failed_write_fails_all_that_counted_on_it_and_the_writer_ends() {
    on_memory(|place, disk| async move {
        for seed in 0..50 {
            let store = place.open();
            let process = id("process");
            let next = store.head(process).await.unwrap().map_or(0, |head| head.slot + 1);
            disk.fail_write(seed % 3, seed);
            let appends: Vec<_> =
                (next..next + 20).map(|slot| store.append(append(process, slot))).collect();
            let answers = join_all(appends).await;
            let done = answers.iter().take_while(|answer| answer.is_ok()).count();
            assert!(answers[done..].iter().all(Result::is_err), "none after the first that failed");
            // It fails now, whether or not the one told to fail was among those above.
            let late = store.append(append(process, next + done as u64)).await;
            if done < 20 {
                assert!(late.unwrap_err().outcome_is_unknown());
                assert!(matches!(store.ended().await, Ended::Poisoned { .. }));
            }
            let read = store.assignments(process, next, Limit::default()).await.unwrap();
            assert!(read.items.len() >= done, "reads go on");
            store.close().await;
            let store = place.open();
            let after = store.head(process).await.unwrap().map_or(0, |head| head.slot + 1);
            assert!(after >= next + done as u64, "what was answered is there");
            disk.kill();
        }
    })
    .await;
}

async fn on_memory<F: Future<Output = ()>>(test: impl Fn(Place, oxbeam_store::MemoryDisk) -> F) {
    let place = Place::memory();
    let Place::Memory(disk) = &place else { unreachable!() };
    let disk = disk.clone();
    test(place, disk).await;
}

#[tokio::test]
async fn a_full_disk_fails_writes_until_there_is_space_and_never_reads() {
    on_memory(|place, disk| async move {
        let store = place.open();
        let process = id("process");
        store.append(append(process, 0)).await.unwrap();
        disk.set_capacity(Some(disk.used() + 10));
        for _ in 0..3 {
            let refused = store.append(append(process, 1)).await.unwrap_err();
            assert!(matches!(refused, StoreError::DiskFull { .. }), "{refused}");
            assert_eq!(store.head(process).await.unwrap().unwrap().slot, 0);
        }
        disk.set_capacity(None);
        while let Err(error) = store.append(append(process, 1)).await {
            assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
            tokio::task::yield_now().await;
        }
        assert_eq!(store.head(process).await.unwrap().unwrap().slot, 1);
        assert_eq!(store.statistics().reopened, 1);
    })
    .await;
}

#[tokio::test]
async fn a_request_is_done_although_its_caller_goes_away() {
    on_both(|place| async move {
        let store = place.open();
        for slot in 0..100 {
            drop(store.append(append(id("process"), slot)));
        }
        store.append(append(id("process"), 100)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_asked_for_one_after_the_other_keep_their_order_when_the_queue_is_full() {
    on_both(|place| async move {
        let (store, _) = place.open_with(&StoreConfig { write_queue: 8, ..small() }).unwrap();
        let mut appends = Vec::new();
        for slot in 0..200 {
            appends.push(store.append(append(id("process"), slot)));
            if slot % 20 == 19 {
                // The queue has room again, and those that wait for it have not been asked.
                appends.pop().unwrap().await.unwrap();
            }
        }
        for answer in join_all(appends).await {
            answer.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn who_gives_up_waiting_for_room_leaves_nothing() {
    on_both(|place| async move {
        let config = StoreConfig { write_queue: 1, ..small() };
        let (store, _) = place.open_with(&config).unwrap();
        let mut waiting: Vec<_> =
            (0..50).map(|n| store.append(append(id(&n.to_string()), 0))).collect();
        for answer in &mut waiting {
            let _ = poll_once(answer);
        }
        drop(waiting);
        store.append(append(id("last"), 0)).await.unwrap();
        let all = oxbeam_store::Processes::processes(&store, None, Limit::default()).await.unwrap();
        for (process, _) in all.items {
            let read = store.assignments(process, 0, Limit::default()).await.unwrap();
            assert_eq!(read.items.len(), 1, "whole or not at all");
        }
    })
    .await;
}

#[tokio::test]
async fn a_read_never_waits_on_the_thread_that_asks_for_it() {
    let place = Place::folder();
    let store = place.open();
    store.append(append(id("process"), 0)).await.unwrap();
    // In memory: answered at once.
    let mut known = store.head(id("process"));
    assert!(matches!(poll_once(&mut known), Some(Ok(Some(_)))));
    // After a restart only the disk knows.
    let store = place.reopen(store).await;
    assert_eq!(store.content(id("nothing")).await.unwrap(), None);
    assert_eq!(store.head(id("process")).await.unwrap().unwrap().slot, 0);
}
