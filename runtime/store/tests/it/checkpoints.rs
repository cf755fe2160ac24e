//! Checkpoints, their pages, and what becomes of those that nobody needs.

use bytes::Bytes;
use oxbeam_protocol::Id;
use oxbeam_store::{
    Checkpoints, LocalStore, Log, Memory, NewCheckpoint, PAGE_BYTES, Results, Retention,
    StoreConfig, StoreError,
};

use crate::common::{Place, append, bytes, commit, id, on_both, poll_once, small};

const PAGE: usize = PAGE_BYTES as usize;

fn keep(last: usize, every: u64) -> StoreConfig {
    StoreConfig { retention: Retention { last, every }, ..small() }
}

async fn computed(place: &Place, config: &StoreConfig, slots: u64) -> LocalStore {
    let (store, _) = place.open_with(config).unwrap();
    for slot in 0..slots {
        let (append, commit) =
            (store.append(append(id("process"), slot)), store.commit(commit(id("process"), slot)));
        append.await.unwrap();
        commit.await.unwrap();
    }
    store
}

fn new(slot: u64, memory: Option<Memory>) -> NewCheckpoint {
    let hashpath = format!("path/{slot}");
    NewCheckpoint { process: id("process"), slot, hashpath, state: bytes("globals"), memory }
}

/// A memory of `pages` pages whose bytes follow from `seed`.
fn memory(pages: usize, seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut memory = vec![0; pages * PAGE];
    rng.fill(&mut memory);
    memory
}

fn page(memory: &[u8], index: usize) -> (u32, Bytes) {
    (index as u32, Bytes::copy_from_slice(&memory[index * PAGE..(index + 1) * PAGE]))
}

fn changed(memory: &[u8], base: u64, indexes: &[usize]) -> Memory {
    Memory {
        bytes: memory.len() as u64,
        page_bytes: PAGE_BYTES,
        base: Some(base),
        pages: indexes.iter().map(|index| page(memory, *index)).collect(),
    }
}

async fn restored(store: &LocalStore, slot: u64) -> Vec<u8> {
    store.restore(id("process"), slot).await.unwrap().memory.unwrap()
}

async fn slots(store: &LocalStore, process: Id) -> Vec<u64> {
    let all = store.checkpoints(process, None, oxbeam_store::Limit::default()).await.unwrap();
    all.items.iter().map(|checkpoint| checkpoint.slot).collect()
}

#[tokio::test]
async fn a_checkpoint_is_restored_exactly() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 2).await;
        let first = memory(200, 1);
        store.put_checkpoint(new(0, Some(Memory::whole(&first)))).await.unwrap();
        let mut second = first.clone();
        second.resize(300 * PAGE, 0);
        second[5] ^= 1;
        second[150 * PAGE..151 * PAGE].fill(0);
        second[299 * PAGE] = 9;
        let given = changed(&second, 0, &[0, 150, 299]);
        let written = store.put_checkpoint(new(1, Some(given))).await.unwrap();
        assert_eq!(written.pages, 2 + 3, "two pages that are not zeros, and the lists they are in");
        let store = place.reopen(store).await;
        assert!(restored(&store, 0).await == first);
        assert!(restored(&store, 1).await == second);
        let found = store.restore(id("process"), 1).await.unwrap();
        assert_eq!((found.state, &*found.checkpoint.hashpath), (bytes("globals"), "path/1"));
        assert_eq!(found.checkpoint.memory, Some(300 * PAGE as u64));
    })
    .await;
}

#[tokio::test]
async fn equal_pages_are_kept_once_and_zeros_not_at_all() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 1).await;
        let mut repeated = memory(1, 7).repeat(64);
        repeated.resize(6400 * PAGE, 0);
        let written = store.put_checkpoint(new(0, Some(Memory::whole(&repeated)))).await.unwrap();
        assert_eq!((written.pages, written.bytes), (2, (PAGE + 64 * 32) as u64));
        assert!(restored(&store, 0).await == repeated);
    })
    .await;
}

#[tokio::test]
async fn pages_may_be_as_large_as_those_of_webassembly() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 1).await;
        let whole = memory(32, 3);
        let pages =
            whole.chunks(65_536).zip(0..).map(|(page, n)| (n, Bytes::copy_from_slice(page)));
        let memory = Memory {
            bytes: whole.len() as u64,
            page_bytes: 65_536,
            base: None,
            pages: pages.collect(),
        };
        store.put_checkpoint(new(0, Some(memory))).await.unwrap();
        assert!(restored(&store, 0).await == whole);
    })
    .await;
}

#[tokio::test]
async fn the_last_checkpoint_at_or_before_a_slot_is_found() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 10).await;
        for slot in [2, 5] {
            store.put_checkpoint(new(slot, None)).await.unwrap();
        }
        for (slot, found) in
            [(1, None), (2, Some(2)), (4, Some(2)), (5, Some(5)), (u64::MAX, Some(5))]
        {
            let checkpoint = store.checkpoint(id("process"), slot).await.unwrap();
            assert_eq!(checkpoint.map(|checkpoint| checkpoint.slot), found, "at {slot}");
        }
        assert_eq!(store.checkpoint(id("other"), 9).await.unwrap(), None);
        assert_eq!(store.restore(id("process"), 2).await.unwrap().memory, None);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 3).await;
        let whole = memory(4, 1);
        store.put_checkpoint(new(1, Some(Memory::whole(&whole)))).await.unwrap();
        let good = changed(&whole, 1, &[0]);
        for wrong in [
            Memory {
                pages: vec![page(&whole, 0), (4, whole[..PAGE].to_vec().into())],
                ..good.clone()
            },
            Memory { pages: vec![(0, bytes("short"))], ..good.clone() },
            Memory { bytes: 5, ..good.clone() },
            Memory { page_bytes: 4097, ..good.clone() },
            Memory { base: Some(2), ..good.clone() },
        ] {
            let refused = store.put_checkpoint(new(2, Some(wrong.clone()))).await.unwrap_err();
            assert!(matches!(refused, StoreError::WrongPage { .. }), "{refused} for {wrong:?}");
        }
        let missing = Memory { base: Some(0), ..good.clone() };
        let refused = store.put_checkpoint(new(2, Some(missing))).await.unwrap_err();
        assert!(matches!(refused, StoreError::NoCheckpoint { slot: 0, .. }), "{refused}");
        let refused = store.put_checkpoint(new(3, None)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotComputed { slot: 3, .. }), "{refused}");
        assert_eq!(slots(&store, id("process")).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn old_checkpoints_go_and_their_pages_with_them() {
    on_both(|place| async move {
        let config = keep(2, 0);
        let store = computed(&place, &config, 6).await;
        let mut content = memory(128, 1);
        store.put_checkpoint(new(0, Some(Memory::whole(&content)))).await.unwrap();
        for slot in 1..6 {
            content[slot as usize * PAGE] ^= 0xff;
            let memory = changed(&content, slot - 1, &[slot as usize]);
            store.put_checkpoint(new(slot, Some(memory))).await.unwrap();
        }
        assert_eq!(slots(&store, id("process")).await, [4, 5]);
        let collected = store.collect_pages().await.unwrap();
        // Of pages 1 to 4 the first version, of list 0 all but the last two.
        assert_eq!((collected.seen, collected.deleted), (128 + 2 + 5 * 2, 4 + 4));
        let again = store.collect_pages().await.unwrap();
        assert_eq!((again.seen, again.deleted), (132, 0));
        assert!(restored(&store, 5).await == content);
        content[5 * PAGE] ^= 0xff;
        assert!(restored(&store, 4).await == content);
    })
    .await;
}

#[tokio::test]
async fn pages_of_a_deleted_process_are_collected() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 1).await;
        let content = memory(100, 1);
        store.put_checkpoint(new(0, Some(Memory::whole(&content)))).await.unwrap();
        oxbeam_store::Processes::delete_process(&store, id("process")).await.unwrap();
        let collected = store.collect_pages().await.unwrap();
        assert_eq!((collected.deleted, collected.seen), (102, 102));
    })
    .await;
}

#[tokio::test]
async fn collection_does_not_take_what_a_checkpoint_being_written_needs() {
    on_both(|place| async move {
        let store = computed(&place, &keep(1, 0), 60).await;
        let mut content = memory(64, 1);
        store.put_checkpoint(new(0, Some(Memory::whole(&content)))).await.unwrap();
        // Every checkpoint drops the one before, and brings back a page that has just become unused.
        let original = page(&content, 7).1;
        let collecting = async {
            for _ in 0..30 {
                store.collect_pages().await.unwrap();
            }
        };
        let writing = async {
            for slot in 1..60 {
                let bring_back = slot % 2 == 0;
                let new_page = if bring_back { original.to_vec() } else { memory(1, slot) };
                content[7 * PAGE..8 * PAGE].copy_from_slice(&new_page);
                let memory = changed(&content, slot - 1, &[7]);
                store.put_checkpoint(new(slot, Some(memory))).await.unwrap();
                assert!(restored(&store, slot).await == content, "slot {slot}");
            }
        };
        tokio::join!(collecting, writing);
        store.collect_pages().await.unwrap();
        assert!(restored(&store, 59).await == content);
    })
    .await;
}

#[tokio::test]
async fn one_collection_runs_at_a_time_and_a_dropped_one_ends() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 1).await;
        store.put_checkpoint(new(0, Some(Memory::whole(&memory(64, 1))))).await.unwrap();
        let (first, second) = tokio::join!(store.collect_pages(), store.collect_pages());
        assert!(first.is_ok() ^ second.is_ok(), "{first:?} {second:?}");
        let mut dropped = store.collect_pages();
        let _ = poll_once(&mut dropped);
        drop(dropped);
        // What it has asked for is still done, and then it has ended.
        while let Err(error) = store.collect_pages().await {
            assert!(matches!(error, StoreError::Collecting), "{error}");
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_memory_that_shrinks_and_grows_has_zeros_where_it_grew() {
    on_both(|place| async move {
        let store = computed(&place, &small(), 4).await;
        let whole = memory(64, 7);
        store.put_checkpoint(new(0, Some(Memory::whole(&whole)))).await.unwrap();
        for (slot, pages) in [(1, 8), (2, 64)] {
            let bytes = pages * u64::from(PAGE_BYTES);
            let base = Some(slot - 1);
            let resized = Memory { bytes, page_bytes: PAGE_BYTES, base, pages: Vec::new() };
            store.put_checkpoint(new(slot, Some(resized))).await.unwrap();
        }
        let kept = 8 * PAGE_BYTES as usize;
        let grown = restored(&store, 2).await;
        assert!(grown[..kept] == whole[..kept] && grown[kept..].iter().all(|byte| *byte == 0));
    })
    .await;
}

#[tokio::test]
async fn checkpoints_written_at_once_leave_what_retention_says() {
    on_both(|place| async move {
        let store = computed(&place, &keep(1, 0), 8).await;
        let all = (0..8).map(|slot| store.put_checkpoint(new(slot, None)));
        futures_util::future::join_all(all).await.into_iter().for_each(|answer| {
            answer.unwrap();
        });
        assert_eq!(slots(&store, id("process")).await.len(), 1);
    })
    .await;
}
