//! Slots that are to be pushed.

use oxbeam_store::{
    Family, Limit, LocalStore, Log, MemoryDisk, Processes, Push, Pushes, StoreError,
};

use crate::common::{append, id, on_both, small};

async fn due(store: &LocalStore, now: u64) -> Vec<(u64, u32)> {
    let due = store.due_pushes(now, None, Limit::default()).await.unwrap();
    due.items.iter().map(|push| (push.slot, push.attempts)).collect()
}

#[tokio::test]
async fn a_slot_is_to_be_pushed_until_it_was_whatever_happens_to_the_program() {
    on_both(|place| async move {
        let store = place.open();
        for slot in 0..2 {
            store.append(append(id("process"), slot)).await.unwrap();
            store.ask_push(id("process"), slot, 20 - slot).await.unwrap();
        }
        let store = place.reopen(store).await;
        assert_eq!(store.next_push(0).await.unwrap(), Some(19));
        assert_eq!(due(&store, 19).await, [(1, 0)]);
        assert_eq!(due(&store, 20).await, [(1, 0), (0, 0)], "the longest due first");
        store.pushed(id("process"), 1).await.unwrap();
        store.put_off_push(id("process"), 1, 30).await.unwrap();
        store.put_off_push(id("process"), 0, 30).await.unwrap();
        assert_eq!(due(&store, 29).await, []);
        assert_eq!(due(&store, 30).await, [(0, 1)]);
        store.ask_push(id("process"), 0, 25).await.unwrap();
        assert_eq!(due(&store, 25).await, [(0, 1)], "whoever asks again does not wait");
        let report = store.check().unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_process_that_is_deleted_is_pushed() {
    on_both(|place| async move {
        let store = place.open();
        let unknown = store.ask_push(id("process"), 0, 1).await;
        assert!(matches!(unknown, Err(StoreError::NoProcess { .. })), "{unknown:?}");
        store.append(append(id("process"), 0)).await.unwrap();
        store.ask_push(id("process"), 0, 1).await.unwrap();
        store.delete_process(id("process")).await.unwrap();
        assert_eq!(due(&store, 9).await, []);
        assert_eq!(store.next_push(0).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn what_is_due_is_read_a_piece_at_a_time() {
    on_both(|place| async move {
        let store = place.open();
        for slot in 0..5 {
            store.append(append(id("process"), slot)).await.unwrap();
            store.ask_push(id("process"), slot, 10 - slot).await.unwrap();
        }
        let slots = |pushes: &[Push]| pushes.iter().map(|push| push.slot).collect::<Vec<_>>();
        let (mut pieces, mut after) = (Vec::new(), None);
        loop {
            let piece = store.due_pushes(9, after, Limit::count(2)).await.unwrap();
            pieces.push(slots(&piece.items));
            after = piece.last;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pieces, [[4, 3], [2, 1]]);
        assert_eq!(store.next_push(9).await.unwrap(), Some(10), "what is due is not next");
        assert_eq!(store.next_push(10).await.unwrap(), None);
        let all = store.pushes_of(id("process"), 1, Limit::count(3)).await.unwrap();
        assert_eq!((slots(&all.items), all.last), (vec![1, 2, 3], Some(3)));
    })
    .await;
}

#[tokio::test]
async fn a_damaged_record_stops_no_other_push() {
    let mut damaged = 0;
    for seed in 0..200 {
        let disk = MemoryDisk::new();
        let (store, _) = LocalStore::open_memory(&disk, &small()).unwrap();
        for slot in 0..4 {
            store.append(append(id("process"), slot)).await.unwrap();
            store.ask_push(id("process"), slot, 1).await.unwrap();
        }
        store.close().await;
        let Some((Family::Outbox, key)) = disk.flip_bit(seed) else { continue };
        let (store, _) = LocalStore::open_memory(&disk, &small()).unwrap();
        assert_eq!(due(&store, 1).await.len(), 3, "{key:?}");
        let all = store.pushes_of(id("process"), 0, Limit::default()).await.unwrap();
        assert_eq!(all.items.len(), 3, "{key:?}");
        damaged += 1;
    }
    assert!(damaged > 0, "no seed hit a push");
}
