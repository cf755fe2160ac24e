//! Damage is found and named, and never read as data.

use oxbeam_store::{
    Append, CatchUp, Change, Checkpoints, Commit, ContentBatch, Family, Limit, LocalStore, Log,
    Memory, MemoryDisk, NewCheckpoint, Origin, Outbox, Persist, Results, StoreError, Table, Tables,
    Timer, Timers,
};

use crate::common::{Place, append, append_with, bytes, commit, id, on_both, outgoing, small};

/// Something of everything.
pub(crate) async fn fill(store: &LocalStore) {
    for name in ["a", "b"] {
        let process = id(name);
        for slot in 0..5 {
            let content = ContentBatch {
                messages: vec![(id(&format!("{name} {slot}")), bytes("body"))],
                aliases: vec![(
                    id(&format!("{name} {slot} signed")),
                    id(&format!("{name} {slot}")),
                )],
                links: vec![(format!("{name}/{slot}"), "target".into())],
            };
            let origin = Some(Origin { process: id("sender"), slot, index: 0 });
            store.append(Append { content, origin, ..append(process, slot) }).await.unwrap();
        }
        for slot in 0..3 {
            let outbox = vec![outgoing(0, slot), outgoing(1, 100 + slot)];
            store.commit(Commit { outbox, ..commit(process, slot) }).await.unwrap();
        }
        store.count_attempt(process, 3).await.unwrap();
        let dead = oxbeam_store::EntryKey { process, slot: 0, index: 0 };
        store.give_up(dead, "gone".into()).await.unwrap();
        store.delivered(oxbeam_store::EntryKey { slot: 1, ..dead }, Some(4)).await.unwrap();
        let memory = Some(Memory::whole(&[name.as_bytes()[0]; 70_000]));
        let (state, hashpath) = (bytes("state"), "path".into());
        let checkpoint = NewCheckpoint { process, slot: 1, hashpath, state, memory };
        store.put_checkpoint(checkpoint).await.unwrap();
    }
    let timer = Timer {
        id: id("timer"),
        request: bytes("request"),
        next_run: Some(50),
        interval: None,
        last_run: None,
        runs: 0,
        missed: 0,
        began: Some(40),
        catch_up: CatchUp::All,
        owners: vec!["owner".into()],
        failure: None,
    };
    store.put_timer(timer, Persist::Synced).await.unwrap();
    for table in [Table::Names, Table::Ledgers, Table::Node] {
        let change = Change { name: bytes("name"), expected: None, value: Some(bytes("value")) };
        store.change(table, vec![change], Persist::Synced).await.unwrap();
    }
}

#[tokio::test]
async fn a_sound_store_has_no_findings() {
    on_both(|place| async move {
        let store = place.open();
        fill(&store).await;
        let store = place.reopen(store).await;
        let report = store.check().unwrap();
        assert!(report.is_sound(), "{:?}", report.findings);
        assert_eq!((report.processes, report.slots, report.results), (2, 10, 6));
        assert_eq!((report.entries, report.checkpoints), (12, 2));
        // A full page, a last one that is partly zeros, and a list, for each process.
        assert_eq!(report.pages, 6);
    })
    .await;
}

#[tokio::test]
async fn every_flipped_bit_is_found_by_the_check_and_named() {
    let mut families = std::collections::BTreeSet::new();
    for seed in 0..900 {
        let disk = MemoryDisk::new();
        let (store, _) = LocalStore::open_memory(&disk, &small()).unwrap();
        fill(&store).await;
        store.close().await;
        // Entries of indexes have no value in which a bit could flip.
        let Some((family, key)) = disk.flip_bit(seed) else { continue };
        families.insert(family);
        let named = |error: &StoreError| {
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            matches!(error, StoreError::Corrupt { family: f, key: k, .. } if *f == family && *k == key)
        };
        match LocalStore::open_memory(&disk, &small()) {
            Ok((store, _)) => {
                let report = store.check().unwrap();
                assert!(
                    report.findings.iter().any(named),
                    "{family} {key:?}: {:?}",
                    report.findings
                );
            }
            Err(error) => assert!(named(&error), "{error}"),
        }
    }
    assert_eq!(families.len(), Family::ALL.len(), "{families:?}");
}

#[tokio::test]
async fn a_damaged_log_stops_its_own_process_and_no_other() {
    for seed in 0..2000 {
        let place = Place::memory();
        let Place::Memory(disk) = &place else { unreachable!() };
        let store = place.open();
        for name in ["a", "b"] {
            store.append(append(id(name), 0)).await.unwrap();
        }
        store.close().await;
        let Some((Family::Log, key)) = disk.flip_bit(seed) else { continue };
        let (store, recovery) = place.open_with(&small()).unwrap();
        assert_eq!(recovery.damaged.len(), 1);
        let damaged = if key[1..33] == *id("a").as_bytes() { "a" } else { "b" };
        let other = if damaged == "a" { "b" } else { "a" };
        store.append(append(id(other), 1)).await.unwrap();
        if key[0] == 0 {
            let refused = store.append(append(id(damaged), 1)).await.unwrap_err();
            assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        } else {
            let refused = store.assignment(id(damaged), 0).await.unwrap_err();
            assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        }
        return;
    }
    panic!("no seed hit a log");
}

/// Works on a closed store's log as it lies in RocksDB.
fn in_log<T>(place: &Place, work: impl FnOnce(&rocksdb::DB, &rocksdb::ColumnFamily) -> T) -> T {
    let names = Family::ALL.map(Family::name);
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), place.path(), names).unwrap();
    // The list of files as they were closed does not hold any more.
    std::fs::remove_file(place.path().join("CLOSED")).unwrap();
    work(&db, db.cf_handle("log").unwrap())
}

#[tokio::test]
async fn a_slot_is_not_assigned_again_when_the_head_is_behind_or_missing() {
    let process = id("process");
    let key = [&[0], &process.as_bytes()[..]].concat();
    for missing in [false, true] {
        let place = Place::folder();
        let store = place.open();
        store.append(append(process, 0)).await.unwrap();
        store.close().await;
        drop(store);
        let head = in_log(&place, |db, log| db.get_cf(log, &key).unwrap().unwrap());
        let store = place.open();
        for slot in 1..4 {
            store.append(append(process, slot)).await.unwrap();
        }
        store.close().await;
        drop(store);
        in_log(&place, |db, log| match missing {
            true => db.delete_cf(log, &key).unwrap(),
            false => db.put_cf(log, &key, &head).unwrap(),
        });
        let store = place.open();
        let slot = u64::from(!missing);
        let other = Append { assignment: bytes("other"), ..append(process, slot) };
        let refused = store.append(other).await.unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        let found = store.assignment(process, slot).await.unwrap().unwrap();
        assert_eq!(found.assignment, append(process, slot).assignment);
        store.append(append(id("healthy"), 0)).await.unwrap();
    }
}

#[tokio::test]
async fn compacting_gives_space_back_and_changes_nothing() {
    on_both(|place| async move {
        let store = place.open();
        fill(&store).await;
        let process = id("large");
        for slot in 0..100 {
            let mut rng = fastrand::Rng::with_seed(slot);
            let mut assignment = vec![0; 20_000];
            rng.fill(&mut assignment);
            store
                .append(Append { assignment: assignment.into(), ..append(process, slot) })
                .await
                .unwrap();
        }
        let before = store.usage().unwrap().total();
        oxbeam_store::Processes::delete_process(&store, process).await.unwrap();
        store.compact().unwrap();
        let after = store.usage().unwrap().total();
        assert!(before > 2_000_000 && after < before / 10, "{before} before, {after} after");
        assert!(store.check().unwrap().is_sound());
        let read = store.assignments(id("a"), 0, Limit::default()).await.unwrap();
        assert_eq!(read.items.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn compacting_gives_back_long_values_that_lie_between_others() {
    let place = Place::folder();
    let store = place.open();
    let mut rng = fastrand::Rng::with_seed(3);
    for slot in 0..200 {
        for name in ["a", "b"] {
            let mut assignment = vec![0; 20_000];
            rng.fill(&mut assignment);
            let append = append_with(id(name), slot, id("chain"));
            store.append(Append { assignment: assignment.into(), ..append }).await.unwrap();
        }
        if slot % 25 == 24 {
            store.compact().unwrap();
        }
    }
    let before = store.usage().unwrap().total();
    oxbeam_store::Processes::delete_process(&store, id("a")).await.unwrap();
    store.compact().unwrap();
    let after = store.usage().unwrap().total();
    assert!(after < before * 6 / 10, "half is deleted: {before} bytes before, {after} after");
}

#[tokio::test]
async fn data_of_a_newer_version_is_left_alone() {
    let disk = MemoryDisk::new();
    let (store, _) = LocalStore::open_memory(&disk, &small()).unwrap();
    store.append(append(id("a"), 0)).await.unwrap();
    store.close().await;
    disk.set_format(oxbeam_store::FORMAT_VERSION + 1);
    let refused = LocalStore::open_memory(&disk, &small()).unwrap_err();
    assert!(matches!(refused, StoreError::VersionTooNew { found: 2, supported: 1 }), "{refused}");
    disk.set_format(oxbeam_store::FORMAT_VERSION);
    let (store, _) = LocalStore::open_memory(&disk, &small()).unwrap();
    assert_eq!(store.head(id("a")).await.unwrap().unwrap().slot, 0);
}

#[tokio::test]
async fn statistics_count_what_was_done() {
    on_both(|place| async move {
        let store = place.open();
        fill(&store).await;
        let statistics = store.statistics();
        assert!(statistics.syncs > 0 && statistics.syncs <= statistics.batches);
        assert!(statistics.requests >= statistics.batches && statistics.bytes > 0);
        if let Place::Folder(_) = place {
            let wal = statistics.engine.iter().find(|(name, _)| name == "rocksdb.wal.bytes");
            assert!(wal.is_some_and(|(_, bytes)| *bytes > 0), "{:?}", statistics.engine);
        }
    })
    .await;
}
