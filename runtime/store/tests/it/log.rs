//! Logs.

use futures_util::future::join_all;
use oxbeam_store::{
    Append, Appended, Content, ContentBatch, Head, Limit, Log, MAX_VALUE_BYTES, Origin, StoreError,
};

use crate::common::{append, bytes, chain, id, on_both};

#[tokio::test]
async fn what_is_appended_is_read_back_in_order() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        for slot in 0..10 {
            let appended = store.append(append(process, slot)).await.unwrap();
            assert_eq!(appended, Appended { slot, repeated: false });
        }
        let store = place.reopen(store).await;
        let read = store.assignments(process, 3, Limit::default()).await.unwrap();
        assert_eq!(
            read.items.iter().map(|a| a.slot).collect::<Vec<_>>(),
            (3..10).collect::<Vec<_>>()
        );
        assert_eq!(read.last, None, "there is nothing more");
        let given = append(process, 5);
        let found = store.assignment(process, 5).await.unwrap().unwrap();
        assert_eq!(
            (found.assignment, found.chain, found.body),
            (given.assignment, given.chain, given.body)
        );
        assert_eq!(
            store.head(process).await.unwrap(),
            Some(Head { slot: 9, chain: chain(process, 9) })
        );
    })
    .await;
}

#[tokio::test]
async fn a_process_without_a_log_has_no_head_and_no_assignments() {
    on_both(|place| async move {
        let store = place.open();
        assert_eq!(store.head(id("nobody")).await.unwrap(), None);
        assert_eq!(store.assignment(id("nobody"), 0).await.unwrap(), None);
        let read = store.assignments(id("nobody"), 0, Limit::default()).await.unwrap();
        assert!(read.items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_slot_that_is_taken_or_leaves_a_gap_is_refused() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        store.append(append(process, 0)).await.unwrap();
        for wrong in [0, 2, 100] {
            let refused = store.append(append(process, wrong)).await.unwrap_err();
            assert!(
                matches!(refused, StoreError::OutOfOrder { given, expected: 1, .. } if given == wrong),
                "{refused}"
            );
        }
        assert_eq!(store.head(process).await.unwrap().unwrap().slot, 0);
        store.append(append(process, 1)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn appends_may_be_asked_for_without_waiting_for_those_before_them() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        let answers: Vec<_> = (0..100).map(|slot| store.append(append(process, slot))).collect();
        for answer in join_all(answers).await {
            assert!(!answer.unwrap().repeated);
        }
        assert_eq!(store.head(process).await.unwrap().unwrap().slot, 99);
        assert!(store.statistics().batches < 100, "they shared batches");
    })
    .await;
}

#[tokio::test]
async fn one_of_many_rivals_gets_a_slot() {
    on_both(|place| async move {
        let store = place.open();
        let rivals = (0..50).map(|rival| {
            let append =
                Append { assignment: bytes(&rival.to_string()), ..append(id("process"), 0) };
            store.append(append)
        });
        let won = join_all(rivals).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(won, 1);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_message_keeps_its_first_slot() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        let origin = Origin { process: id("sender"), slot: 7, index: 1 };
        let first = Append { origin: Some(origin), ..append(process, 0) };
        let again = Append { slot: 1, ..first.clone() };
        let other = Append { origin: Some(Origin { index: 2, ..origin }), ..append(process, 1) };
        // All in one batch, as far as the writer is concerned.
        let (first, second, other) =
            tokio::join!(store.append(first), store.append(again.clone()), store.append(other));
        assert_eq!(first.unwrap(), Appended { slot: 0, repeated: false });
        assert_eq!(second.unwrap(), Appended { slot: 0, repeated: true });
        assert_eq!(other.unwrap(), Appended { slot: 1, repeated: false });
        let store = place.reopen(store).await;
        assert_eq!(
            store.append(again.clone()).await.unwrap(),
            Appended { slot: 0, repeated: true }
        );
        assert_eq!(store.received(process, origin).await.unwrap(), Some(0));
        assert_eq!(store.received(id("sender"), origin).await.unwrap(), None);
        assert_eq!(store.head(process).await.unwrap().unwrap().slot, 1);
        let elsewhere = Append { process: id("other"), slot: 0, ..again };
        assert!(!store.append(elsewhere).await.unwrap().repeated, "each process counts for itself");
    })
    .await;
}

#[tokio::test]
async fn content_comes_with_the_assignment_or_not_at_all() {
    on_both(|place| async move {
        let store = place.open();
        let content = ContentBatch {
            messages: vec![(id("message"), bytes("hello"))],
            aliases: vec![(id("signed"), id("message"))],
            links: Vec::new(),
        };
        let refused = Append { content: content.clone(), ..append(id("process"), 1) };
        store.append(refused.clone()).await.unwrap_err();
        assert_eq!(store.content(id("message")).await.unwrap(), None);
        store.append(Append { content, ..append(id("process"), 0) }).await.unwrap();
        assert_eq!(store.content(id("signed")).await.unwrap().unwrap(), "hello");
    })
    .await;
}

#[tokio::test]
async fn a_range_is_read_a_bounded_piece_at_a_time() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process");
        for slot in 0..20 {
            let assignment = vec![b'x'; 1000].into();
            store.append(Append { assignment, ..append(process, slot) }).await.unwrap();
        }
        let by_count = store.assignments(process, 0, Limit::count(7)).await.unwrap();
        assert_eq!((by_count.items.len(), by_count.last), (7, Some(6)));
        let rest = store.assignments(process, 7, Limit::count(100)).await.unwrap();
        assert_eq!((rest.items.len(), rest.last), (13, None));
        let limit = Limit { count: 100, bytes: 3500 };
        let by_bytes = store.assignments(process, 0, limit).await.unwrap();
        assert_eq!((by_bytes.items.len(), by_bytes.last), (3, Some(2)));
        let limit = Limit { count: 100, bytes: 1 };
        let one = store.assignments(process, 0, limit).await.unwrap();
        assert_eq!(one.items.len(), 1, "at least one, or nobody would get on");
    })
    .await;
}

#[tokio::test]
async fn processes_do_not_see_each_others_slots() {
    on_both(|place| async move {
        let store = place.open();
        let names = ["a", "b", "c"];
        for slot in 0..5 {
            let appends = names.map(|name| store.append(append(id(name), slot)));
            join_all(appends).await.into_iter().for_each(|answer| assert!(answer.is_ok()));
        }
        for name in names {
            let read = store.assignments(id(name), 0, Limit::default()).await.unwrap();
            assert!(read.items.iter().all(|a| a.chain == chain(id(name), a.slot)));
            assert_eq!(read.items.len(), 5);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    on_both(|place| async move {
        let store = place.open();
        let assignment = vec![0; MAX_VALUE_BYTES + 1].into();
        let refused = store.append(Append { assignment, ..append(id("process"), 0) }).await;
        assert!(matches!(refused.unwrap_err(), StoreError::TooLarge { .. }));
    })
    .await;
}
