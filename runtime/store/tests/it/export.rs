//! Exports and imports.

use std::io::Read;

use oxbeam_store::{
    Append, Checkpoints, Commit, Content, ContentBatch, EntryKey, Limit, LocalStore, Log, Outbox,
    Persist, Processes, Results, StoreError, Tables, Timers,
};

use crate::common::{Place, append, body, bytes, commit, id, on_both, outgoing, small};
use crate::integrity::fill;

async fn exported(store: &LocalStore) -> Vec<u8> {
    let mut stream = Vec::new();
    fill(store).await;
    store.export(&mut stream).unwrap();
    stream
}

#[tokio::test]
async fn an_import_is_the_same_store_whichever_engine() {
    on_both(|place| async move {
        let stream = exported(&place.open()).await;
        for other in [Place::memory(), Place::folder()] {
            let store = other.open();
            let imported = store.import(&mut &*stream).unwrap();
            assert_eq!((imported.processes, imported.kept), (2, 0));
            let mut again = Vec::new();
            store.export(&mut again).unwrap();
            assert!(again == stream, "byte for byte");
            let report = store.check().unwrap();
            assert!(report.is_sound(), "{:?}", report.findings);
            assert_eq!(store.due(99, None, Limit::default()).await.unwrap().items.len(), 2);
            assert_eq!(store.dead(None, Limit::default()).await.unwrap().items.len(), 2);
            assert_eq!(store.next_timer().await.unwrap(), Some(50));
            let name = store.value(oxbeam_store::Table::Names, bytes("name")).await.unwrap();
            assert_eq!(name.value.unwrap(), "value");
        }
    })
    .await;
}

#[tokio::test]
async fn one_process_is_exported_with_all_that_it_needs() {
    on_both(|place| async move {
        let store = place.open();
        fill(&store).await;
        let mut stream = Vec::new();
        let exported = store.export_process(id("a"), &mut stream).unwrap();
        assert_eq!(exported.processes, 1);
        let other = Place::memory().open();
        other.import(&mut &*stream).unwrap();
        assert!(other.check().unwrap().is_sound());
        assert_eq!(other.head(id("a")).await.unwrap(), store.head(id("a")).await.unwrap());
        assert_eq!(other.head(id("b")).await.unwrap(), None);
        assert_eq!(other.computed(id("a")).await.unwrap(), store.computed(id("a")).await.unwrap());
        assert_eq!(other.content(id("a 1")).await.unwrap().unwrap(), "body");
        let memory = other.restore(id("a"), 1).await.unwrap().memory.unwrap();
        assert!(memory[..70_000].iter().all(|byte| *byte == b'a'));
        let refused = store.export_process(id("nobody"), &mut Vec::new()).unwrap_err();
        assert!(matches!(refused, StoreError::NoProcess { .. }), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn what_came_with_a_process_is_readable_after_its_import_as_before() {
    on_both(|place| async move {
        let store = place.open();
        let p = id("p");
        let with = |name: &str| ContentBatch {
            messages: vec![(id(name), bytes(name))],
            aliases: vec![(id(&format!("{name} signed")), id(name))],
            links: vec![(format!("{name}/path"), format!("{name}/target"))],
        };
        // Named by the log and the results, and put by itself: as a message, and under an alias.
        let alone = ContentBatch {
            messages: vec![(body(p, 0), bytes("the body")), (id("state"), bytes("the state"))],
            aliases: vec![(id("state signed"), id("state"))],
            ..ContentBatch::default()
        };
        store.put_content(alone, Persist::Synced).await.unwrap();
        store.append(Append { content: with("append"), ..append(p, 0) }).await.unwrap();
        let state = Some(id("state signed"));
        store.commit(Commit { content: with("commit"), state, ..commit(p, 0) }).await.unwrap();
        let mut stream = Vec::new();
        store.export_process(p, &mut stream).unwrap();
        let other = Place::memory().open();
        other.import(&mut &*stream).unwrap();
        for name in ["append", "append signed", "commit", "commit signed", "state signed"] {
            let before = store.content(id(name)).await.unwrap();
            assert!(before.is_some() && other.content(id(name)).await.unwrap() == before, "{name}");
        }
        assert_eq!(other.content(body(p, 0)).await.unwrap().unwrap(), "the body");
        for name in ["append", "commit"] {
            let found = other.resolve(format!("{name}/path")).await.unwrap();
            assert_eq!(found, format!("{name}/target"));
        }
        let repeated = Commit { state, ..commit(p, 0) };
        assert!(other.commit(repeated).await.unwrap().repeated, "whatever comes with it");
    })
    .await;
}

#[tokio::test]
async fn an_export_that_is_cut_or_changed_anywhere_leaves_nothing() {
    let stream = exported(&Place::memory().open()).await;
    let store = Place::memory().open();
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..200 {
        let mut damaged = stream.clone();
        if rng.bool() {
            damaged.truncate(rng.usize(..stream.len()));
        } else {
            damaged[rng.usize(..stream.len())] ^= 1 << rng.u8(..8);
        }
        let refused = store.import(&mut &*damaged).unwrap_err();
        let expected = matches!(
            refused,
            StoreError::InvalidExport { .. }
                | StoreError::Corrupt { .. }
                | StoreError::VersionTooNew { .. }
        );
        assert!(expected, "{refused}");
        assert!(store.processes(None, Limit::default()).await.unwrap().items.is_empty());
        assert!(store.due(u64::MAX, None, Limit::default()).await.unwrap().items.is_empty());
    }
    store.import(&mut &*stream).unwrap();
    assert!(store.check().unwrap().is_sound());
}

#[tokio::test]
async fn processes_that_are_here_already_are_not_touched() {
    on_both(|place| async move {
        let store = place.open();
        let stream = exported(&store).await;
        let refused = store.import(&mut &*stream).unwrap_err();
        assert!(matches!(refused, StoreError::ProcessExists { .. }), "{refused}");
        assert!(store.check().unwrap().is_sound());
        assert_eq!(store.processes(None, Limit::default()).await.unwrap().items.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_import_that_a_crash_interrupts_is_dropped_at_the_next_start() {
    let stream = exported(&Place::memory().open()).await;
    let mut dropped = 0;
    for writes in 0..8 {
        let place = Place::memory();
        let Place::Memory(disk) = &place else { unreachable!() };
        let store = place.open();
        disk.fail_write(writes, writes);
        let imported = store.import(&mut &*stream);
        disk.kill();
        let (store, recovery) = place.open_with(&small()).unwrap();
        let report = store.check().unwrap();
        assert!(report.is_sound(), "after {writes} writes: {:?}", report.findings);
        dropped += recovery.imports_dropped.len();
        let processes = if imported.is_ok() { vec![2] } else { vec![0, 2] };
        assert!(processes.contains(&report.processes), "all or nothing");
    }
    assert!(dropped > 0, "some crash came in the middle");
}

/// Gives a stream, and at its end, before that is told, looks what the store shows.
struct Peek<'a> {
    rest: &'a [u8],
    store: LocalStore,
    runtime: tokio::runtime::Runtime,
    looked: bool,
}

impl Read for Peek<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() && !self.looked {
            self.looked = true;
            self.runtime.block_on(async {
                let store = &self.store;
                let first = id("a").min(id("b"));
                let key = EntryKey { process: first, slot: 0, index: 0 };
                let usage = store.process_usage(key.process).await.unwrap();
                assert_eq!(usage.outbox.count, 2, "it is written and not shown");
                assert!(store.due(9, None, Limit::default()).await.unwrap().items.is_empty());
                assert_eq!(store.next_due().await.unwrap(), None);
                let (p, all) = (key.process, Limit::default());
                assert_eq!(store.assignment(p, 0).await.unwrap(), None);
                assert!(store.assignments(p, 0, all).await.unwrap().items.is_empty());
                assert_eq!(store.result(p, 0).await.unwrap(), None);
                assert!(store.results(p, 0, all).await.unwrap().items.is_empty());
                assert_eq!(store.entry(key).await.unwrap(), None);
                assert!(store.entries(p, None, all).await.unwrap().items.is_empty());
                let refused = store.begin(key, 9).await.unwrap_err();
                assert!(matches!(refused, StoreError::ProcessBusy { .. }), "{refused}");
            });
        }
        self.rest.read(into)
    }
}

#[test]
fn no_message_of_an_import_is_sent_before_its_end() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = Place::memory().open();
    runtime().block_on(async {
        for name in ["a", "b"] {
            let assignment = vec![1; 2 << 20].into();
            store.append(Append { assignment, ..append(id(name), 0) }).await.unwrap();
            let outbox = vec![outgoing(0, 5)];
            store.commit(Commit { outbox, ..commit(id(name), 0) }).await.unwrap();
        }
    });
    let mut stream = Vec::new();
    store.export(&mut stream).unwrap();
    let other = Place::memory().open();
    let rest = &stream[..stream.len() - 10];
    let mut cut = Peek { rest, store: other.clone(), runtime: runtime(), looked: false };
    other.import(&mut cut).unwrap_err();
    assert!(cut.looked);
    other.import(&mut &*stream).unwrap();
    assert_eq!(runtime().block_on(other.next_due()).unwrap(), Some(5));
}

#[tokio::test]
async fn an_import_that_meets_a_full_disk_is_undone_when_there_is_space_and_takes_nothing_along() {
    let source = Place::memory().open();
    let stream = exported(&source).await;
    let mut one = Vec::new();
    source.export_process(id("a"), &mut one).unwrap();
    for room in (0..one.len() + 2000).step_by(one.len() / 10) {
        let place = Place::memory();
        let Place::Memory(disk) = &place else { unreachable!() };
        let store = place.open();
        store.append(append(id("b"), 0)).await.unwrap();
        disk.set_capacity(Some(disk.used() + room));
        let outcome = store.import(&mut &*one);
        // The other process of this one is here already, and stays, whatever is told of it.
        store.import(&mut &*stream).unwrap_err();
        disk.set_capacity(None);
        if let Err(error) = outcome {
            assert!(matches!(error, StoreError::DiskFull { .. }), "{room}: {error}");
            while let Err(error) = store.import(&mut &*one) {
                let expected = [StoreError::ProcessBusy { process: id("a") }.to_string()];
                let full = matches!(error, StoreError::DiskFull { .. });
                assert!(full || expected.contains(&error.to_string()), "{room}: {error}");
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(store.head(id("b")).await.unwrap().unwrap().slot, 0);
        assert_eq!(store.head(id("a")).await.unwrap().unwrap().slot, 4);
        assert!(store.check().unwrap().is_sound());
    }
}
