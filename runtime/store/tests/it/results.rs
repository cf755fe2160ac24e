//! Results, attempts, and that a slot is committed as a whole.

use oxbeam_protocol::Id;
use oxbeam_store::{
    Allowance, Begun, Commit, Content, ContentBatch, Limit, LocalStore, Log, Outbox, Results,
    StoreError,
};

use crate::common::{append, bytes, commit, id, on_both, outgoing, poll_once};

#[tokio::test]
async fn a_slot_is_committed_with_all_that_belongs_to_it() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        store.append(append(process, 0)).await.unwrap();
        let given = Commit {
            state: Some(id("state")),
            outbox: vec![outgoing(0, 10), outgoing(1, 5)],
            content: ContentBatch {
                messages: vec![(id("result"), bytes("the result"))],
                ..ContentBatch::default()
            },
            ..commit(process, 0)
        };
        assert!(!store.commit(given.clone()).await.unwrap().repeated);
        let store = place.reopen(store).await;
        let found = store.result(process, 0).await.unwrap().unwrap();
        assert_eq!((found.result, &found.hashpath), (given.result, &given.hashpath));
        assert_eq!((found.state, found.sent), (Some(id("state")), 2));
        assert_eq!(store.computed(process).await.unwrap(), Some(found));
        assert_eq!(store.entries(process, None, Limit::default()).await.unwrap().items.len(), 2);
        assert_eq!(store.content(id("result")).await.unwrap().unwrap(), "the result");
    })
    .await;
}

#[tokio::test]
async fn a_result_is_written_once() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        store.append(append(process, 0)).await.unwrap();
        store.commit(Commit { outbox: vec![outgoing(0, 1)], ..commit(process, 0) }).await.unwrap();
        let same =
            Commit { outbox: vec![outgoing(0, 99)], printed: "again".into(), ..commit(process, 0) };
        assert!(store.commit(same).await.unwrap().repeated);
        assert!(store.commit(commit(process, 0)).await.unwrap().repeated, "it was signed once");
        let entries = store.entries(process, None, Limit::default()).await.unwrap();
        assert_eq!(entries.items[0].next_try, 1, "the first signed message stays");
        for other in [
            Commit { result: id("another"), ..commit(process, 0) },
            Commit { hashpath: "another".into(), ..commit(process, 0) },
            Commit { state: Some(id("another")), ..commit(process, 0) },
        ] {
            let refused = store.commit(other).await.unwrap_err();
            assert!(matches!(refused, StoreError::ResultDiffers { slot: 0, .. }), "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_guests_were_allowed_the_first_time_holds() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        let allowing = |fuel, slot| Commit {
            allowance: Some(Allowance { fuel, memory_bytes: 1 << 29 }),
            ..commit(process, slot)
        };
        store.append(append(process, 0)).await.unwrap();
        store.append(append(process, 1)).await.unwrap();
        store.commit(allowing(7, 0)).await.unwrap();
        assert!(store.commit(allowing(8, 0)).await.unwrap().repeated);
        store.commit(allowing(8, 1)).await.unwrap();
        let store = place.reopen(store).await;
        for (slot, fuel) in [(0, 7), (1, 8)] {
            let found = store.result(process, slot).await.unwrap().unwrap();
            assert_eq!(found.allowance, allowing(fuel, slot).allowance);
        }
    })
    .await;
}

#[tokio::test]
async fn slots_are_committed_in_order_and_not_beyond_the_log() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        let refused = store.commit(commit(process, 0)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotScheduled { .. }), "{refused}");
        for slot in 0..3 {
            store.append(append(process, slot)).await.unwrap();
        }
        let refused = store.commit(commit(process, 1)).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::OutOfOrder { given: 1, expected: 0, .. }),
            "{refused}"
        );
        // Asked for at once, in order.
        let answers: Vec<_> = (0..3).map(|slot| store.commit(commit(process, slot))).collect();
        for answer in answers {
            answer.await.unwrap();
        }
        let refused = store.commit(commit(process, 3)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotScheduled { slot: 3, .. }), "{refused}");
        let read = store.results(process, 1, Limit::default()).await.unwrap();
        assert_eq!(read.items.iter().map(|r| r.slot).collect::<Vec<_>>(), [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn attempts_are_counted_across_restarts_until_the_slot_is_committed() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        store.append(append(process, 0)).await.unwrap();
        assert_eq!(store.attempts(process, 0).await.unwrap(), 0);
        assert_eq!(store.count_attempt(process, 0).await.unwrap(), 1);
        let store = place.reopen(store).await;
        assert_eq!(store.count_attempt(process, 0).await.unwrap(), 2);
        assert_eq!(store.attempts(process, 0).await.unwrap(), 2);
        drop(store.take_back_attempts(process, 0, 1));
        let store = place.reopen(store).await;
        assert_eq!(store.attempts(process, 0).await.unwrap(), 1);
        store.take_back_attempts(process, 0, 1).await.unwrap();
        store.take_back_attempts(process, 0, 1).await.unwrap();
        assert_eq!(store.attempts(process, 0).await.unwrap(), 0);
        assert_eq!(store.count_attempt(process, 0).await.unwrap(), 1);
        store.forget_attempts(process, 0).await.unwrap();
        assert_eq!(store.count_attempt(process, 0).await.unwrap(), 1);
        store.commit(commit(process, 0)).await.unwrap();
        assert_eq!(store.attempts(process, 0).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_begins_the_next_slots_counts_an_attempt_at_each() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        for slot in 0..6 {
            store.append(append(process, slot)).await.unwrap();
        }
        let begins = |slot, begins| Commit { begins, ..commit(process, slot) };
        let early = store.commit(begins(1, 2)).await.unwrap_err();
        assert!(matches!(early, StoreError::OutOfOrder { .. }), "{early}");
        assert_eq!(store.attempts(process, 2).await.unwrap(), 0, "it is refused");
        let begun = store.commit(begins(0, 2)).await.unwrap().begun;
        assert_eq!(begun, Some(Begun { slots: 2, attempts: 1 }));
        let again = store.commit(begins(0, 2)).await.unwrap();
        assert_eq!((again.repeated, again.begun), (true, None));
        let differs = Commit { result: id("another"), ..begins(0, 2) };
        store.commit(differs).await.unwrap_err();
        let store = place.reopen(store).await;
        assert_eq!(attempts(&store, process).await, [0, 1, 1, 0, 0, 0, 0]);
        assert_eq!(store.count_attempt(process, 1).await.unwrap(), 2);
        let begun = store.commit(begins(1, 4)).await.unwrap().begun;
        assert_eq!(begun, Some(Begun { slots: 1, attempts: 2 }), "it was tried before");
        store.take_back_attempts(process, 2, 1).await.unwrap();
        assert_eq!(attempts(&store, process).await, [0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(store.count_attempt(process, 4).await.unwrap(), 1);
        let begun = store.commit(begins(2, 4)).await.unwrap().begun;
        assert_eq!(begun, Some(Begun { slots: 1, attempts: 1 }), "the one after was tried");
        assert_eq!(attempts(&store, process).await, [0, 0, 0, 1, 1, 0, 0]);
        store.take_back_attempts(process, 3, 2).await.unwrap();
        assert_eq!(store.commit(begins(3, 0)).await.unwrap().begun, None);
        let begun = store.commit(begins(4, 9)).await.unwrap().begun;
        assert_eq!(begun, Some(Begun { slots: 1, attempts: 1 }), "the log has no more");
        assert_eq!(store.commit(begins(5, 9)).await.unwrap().begun, None);
        assert_eq!(attempts(&store, process).await, [0; 7]);
    })
    .await;
}

/// Attempts at the first slots.
async fn attempts(store: &LocalStore, process: Id) -> [u32; 7] {
    let mut attempts = [0; 7];
    for (slot, attempts) in (0..).zip(&mut attempts) {
        *attempts = store.attempts(process, slot).await.unwrap();
    }
    attempts
}

#[tokio::test]
async fn a_result_that_memory_knows_not_to_be_there_is_not_waited_for() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        store.append(append(process, 0)).await.unwrap();
        assert_eq!(poll_once(&mut store.result(process, 0)).unwrap().unwrap(), None);
        store.commit(commit(process, 0)).await.unwrap();
        assert!(poll_once(&mut store.result(process, 0)).unwrap().unwrap().is_some());
        assert_eq!(poll_once(&mut store.result(process, 1)).unwrap().unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_is_refused_leaves_nothing() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        store.append(append(process, 0)).await.unwrap();
        let twice = Commit { outbox: vec![outgoing(0, 1), outgoing(0, 1)], ..commit(process, 0) };
        let refused = store.commit(twice).await.unwrap_err();
        assert!(matches!(refused, StoreError::DuplicateIndex { index: 0 }), "{refused}");
        let early = Commit {
            outbox: vec![outgoing(0, 1)],
            content: ContentBatch {
                messages: vec![(id("early"), bytes("early"))],
                ..ContentBatch::default()
            },
            ..commit(process, 1)
        };
        store.commit(early).await.unwrap_err();
        assert_eq!(store.content(id("early")).await.unwrap(), None);
        assert!(store.due(u64::MAX, None, Limit::default()).await.unwrap().items.is_empty());
        assert_eq!(store.computed(process).await.unwrap(), None);
    })
    .await;
}
