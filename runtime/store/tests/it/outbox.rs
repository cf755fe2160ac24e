//! The outbox.

use oxbeam_store::{
    Change, Commit, Entry, EntryKey, Limit, LocalStore, Log, Outbox, Results, Status, StoreError,
    Table, Tables,
};

use crate::common::{Place, append, bytes, commit, id, on_both, outgoing};

fn key(slot: u64, index: u32) -> EntryKey {
    EntryKey { process: id("process"), slot, index }
}

async fn sent(place: &Place, tries: &[&[u64]]) -> LocalStore {
    let store = place.open();
    for (slot, tries) in (0..).zip(tries) {
        store.append(append(id("process"), slot)).await.unwrap();
        let outbox = (0..).zip(*tries).map(|(index, at)| outgoing(index, *at)).collect();
        store.commit(Commit { outbox, ..commit(id("process"), slot) }).await.unwrap();
    }
    store
}

async fn due(store: &LocalStore, now: u64) -> Vec<EntryKey> {
    store.due(now, None, Limit::default()).await.unwrap().items
}

async fn entry(store: &LocalStore, key: EntryKey) -> Entry {
    store.entry(key).await.unwrap().unwrap()
}

#[tokio::test]
async fn entries_are_due_in_the_order_of_their_next_try() {
    on_both(|place| async move {
        let store = sent(&place, &[&[30, 10], &[20, 40]]).await;
        assert_eq!(due(&store, 30).await, [key(0, 1), key(1, 0), key(0, 0)]);
        assert_eq!(due(&store, 9).await, []);
        assert_eq!(store.next_due().await.unwrap(), Some(10));
        let two = store.due(u64::MAX, None, Limit::count(2)).await.unwrap();
        assert_eq!(two.items, [key(0, 1), key(1, 0)]);
        let rest = store.due(u64::MAX, two.last, Limit::count(2)).await.unwrap();
        assert_eq!((rest.items, rest.last), (vec![key(0, 0), key(1, 1)], None));
    })
    .await;
}

#[tokio::test]
async fn every_attempt_sends_the_same_signed_message() {
    on_both(|place| async move {
        let store = sent(&place, &[&[10]]).await;
        let first = entry(&store, key(0, 0)).await;
        assert_eq!(store.begin(key(0, 0), 50).await.unwrap(), 1);
        store.retry(key(0, 0), 70, "no answer".into()).await.unwrap();
        let store = place.reopen(store).await;
        assert_eq!(due(&store, 69).await, []);
        assert_eq!(due(&store, 70).await, [key(0, 0)]);
        let again = entry(&store, key(0, 0)).await;
        assert_eq!((again.id, &again.message), (first.id, &first.message));
        assert_eq!((again.attempts, again.next_try), (1, 70));
        assert_eq!(again.reason.as_deref(), Some("no answer"));
    })
    .await;
}

#[tokio::test]
async fn who_never_comes_back_from_an_attempt_tries_again_later() {
    on_both(|place| async move {
        let store = sent(&place, &[&[10]]).await;
        store.begin(key(0, 0), 50).await.unwrap();
        assert_eq!(due(&store, 49).await, []);
        assert_eq!(due(&store, 50).await, [key(0, 0)]);
    })
    .await;
}

#[tokio::test]
async fn a_delivered_entry_is_not_due_and_says_where_it_arrived() {
    on_both(|place| async move {
        let store = sent(&place, &[&[10, 20]]).await;
        store.delivered(key(0, 0), Some(42)).await.unwrap();
        assert_eq!(due(&store, 100).await, [key(0, 1)]);
        assert_eq!(entry(&store, key(0, 0)).await.status, Status::Delivered { slot: Some(42) });
    })
    .await;
}

#[tokio::test]
async fn a_dead_entry_is_kept_found_and_sent_again_on_request() {
    on_both(|place| async move {
        let store = sent(&place, &[&[10, 20], &[30]]).await;
        store.begin(key(0, 0), 50).await.unwrap();
        store.give_up(key(0, 0), "no such process".into()).await.unwrap();
        store.give_up(key(1, 0), "no such process".into()).await.unwrap();
        assert_eq!(due(&store, 100).await, [key(0, 1)]);
        let first = store.dead(None, Limit::count(1)).await.unwrap();
        assert_eq!(first.items[0].status, Status::Dead);
        let rest = store.dead(first.last, Limit::default()).await.unwrap();
        assert_eq!(rest.items[0].key, key(1, 0));
        store.redrive(key(0, 0), 5, Vec::new()).await.unwrap();
        assert_eq!(due(&store, 100).await, [key(0, 0), key(0, 1)]);
        assert_eq!(entry(&store, key(0, 0)).await.attempts, 0);
        assert_eq!(store.dead(None, Limit::default()).await.unwrap().items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_entry_is_redriven_with_what_is_noted_or_not_at_all() {
    on_both(|place| async move {
        let store = sent(&place, &[&[10, 20]]).await;
        store.begin(key(0, 0), 50).await.unwrap();
        store.give_up(key(0, 1), "no such process".into()).await.unwrap();
        let note =
            || Change { name: bytes("ordered"), expected: Some(0), value: Some(bytes("once")) };
        store.redrive(key(0, 0), 5, vec![note()]).await.unwrap();
        let late = store.redrive(key(0, 1), 5, vec![note()]).await.unwrap_err();
        assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
        let store = place.reopen(store).await;
        assert_eq!(due(&store, 5).await, [key(0, 0)]);
        assert_eq!(entry(&store, key(0, 0)).await.attempts, 1, "it had not run out of them");
        assert_eq!(entry(&store, key(0, 1)).await.status, Status::Dead);
        assert_eq!(store.value(Table::Node, bytes("ordered")).await.unwrap().version, 1);
    })
    .await;
}

#[tokio::test]
async fn entries_of_a_process_are_read_from_any_place_on() {
    on_both(|place| async move {
        let store = sent(&place, &[&[1, 1, 1], &[1, 1]]).await;
        let piece = store.entries(id("process"), None, Limit::count(2)).await.unwrap();
        assert_eq!(piece.last, Some(key(0, 1)));
        let rest = store.entries(id("process"), piece.last, Limit::default()).await.unwrap();
        let keys: Vec<_> = rest.items.iter().map(|entry| entry.key).collect();
        assert_eq!(keys, [key(0, 2), key(1, 0), key(1, 1)]);
        let after = Some(key(0, u32::MAX));
        let slot = store.entries(id("process"), after, Limit::default()).await.unwrap();
        assert_eq!(slot.items.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_entry_that_is_not_there_is_an_error() {
    on_both(|place| async move {
        let store = sent(&place, &[&[1]]).await;
        let refused = store.begin(key(0, 9), 1).await.unwrap_err();
        assert!(matches!(refused, StoreError::NoEntry { slot: 0, index: 9, .. }), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn an_entry_moves_only_as_the_table_says() {
    on_both(|place| async move {
        let store = sent(&place, &[&[5, 5]]).await;
        let (arrived, dead) = (key(0, 0), key(0, 1));
        store.begin(arrived, 9).await.unwrap();
        store.delivered(arrived, Some(3)).await.unwrap();
        store.give_up(dead, "refused".into()).await.unwrap();
        let moved = |answer: Result<(), StoreError>| {
            assert!(matches!(answer, Err(StoreError::EntryMoved { .. })), "{answer:?}");
        };
        for key in [arrived, dead] {
            moved(store.begin(key, 10).await.map(drop));
            moved(store.retry(key, 10, "timed out".into()).await);
            moved(store.give_up(key, "too often".into()).await);
        }
        moved(store.redrive(arrived, 11, Vec::new()).await);
        store.delivered(arrived, Some(4)).await.unwrap();
        assert_eq!(entry(&store, arrived).await.status, Status::Delivered { slot: Some(3) });
        store.delivered(dead, None).await.unwrap();
        assert_eq!(entry(&store, dead).await.status, Status::Delivered { slot: None });
        assert_eq!((due(&store, u64::MAX).await, store.next_due().await.unwrap()), (vec![], None));
    })
    .await;
}

#[tokio::test]
async fn what_is_due_at_the_end_of_time_is_due() {
    on_both(|place| async move {
        let store = sent(&place, &[&[u64::MAX]]).await;
        assert_eq!(due(&store, u64::MAX).await, [key(0, 0)]);
    })
    .await;
}

#[tokio::test]
async fn entries_are_those_of_the_process_wherever_they_begin() {
    on_both(|place| async move {
        let store = sent(&place, &[&[5, 6]]).await;
        for other in ["a", "b", "c", "d"] {
            let after = Some(EntryKey { process: id(other), slot: 0, index: 0 });
            let found = store.entries(id("process"), after, Limit::default()).await.unwrap();
            let all = id(other).as_bytes() < id("process").as_bytes();
            assert_eq!(found.items.len(), if all { 2 } else { 0 }, "from {other} on");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_owed_is_not_put_off_nor_counted_by_whoever_asks_again() {
    on_both(|place| async move {
        let store = sent(&place, &[&[u64::MAX]]).await;
        store.owe(key(0, 0), 50).await.unwrap();
        assert_eq!(store.begin(key(0, 0), 70).await.unwrap(), 1);
        for _ in 0..3 {
            store.owe(key(0, 0), 90).await.unwrap();
        }
        let again = entry(&store, key(0, 0)).await;
        assert_eq!((again.attempts, again.next_try), (1, 70));
        store.delivered(key(0, 0), Some(1)).await.unwrap();
        store.owe(key(0, 0), 90).await.unwrap();
        assert_eq!(due(&store, u64::MAX).await, []);
        assert!(matches!(store.owe(key(9, 9), 1).await, Err(StoreError::NoEntry { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_message_that_becomes_known_later_is_added_once() {
    on_both(|place| async move {
        let store = sent(&place, &[&[10]]).await;
        store.add(id("process"), 0, outgoing(1, 20)).await.unwrap();
        store.add(id("process"), 0, outgoing(1, 5)).await.unwrap();
        store.add(id("process"), 0, outgoing(0, 5)).await.unwrap();
        let refused = store.add(id("process"), 1, outgoing(0, 5)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotComputed { .. }), "{refused}");
        store.commit(commit(id("process"), 0)).await.unwrap();
        let store = place.reopen(store).await;
        assert_eq!(due(&store, 30).await, [key(0, 0), key(0, 1)]);
        let report = store.check().unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
    })
    .await;
}
