//! Durable timers.

use oxbeam_store::{
    CatchUp, Change, Family, Limit, LocalStore, MemoryDisk, Persist, StoreError, Table, Tables,
    Timer, Timers,
};

use crate::common::{bytes, id, on_both, small};

fn timer(name: &str, next_run: Option<u64>) -> Timer {
    Timer {
        id: id(name),
        request: bytes(name),
        next_run,
        interval: Some(60_000),
        last_run: None,
        runs: 0,
        missed: 0,
        began: None,
        catch_up: CatchUp::Once,
        owners: Vec::new(),
        failure: None,
    }
}

#[tokio::test]
async fn timers_are_due_in_order_and_survive_a_restart() {
    on_both(|place| async move {
        let store = place.open();
        for (name, at) in [("late", Some(30)), ("early", Some(10)), ("done", None)] {
            store.put_timer(timer(name, at), Persist::Synced).await.unwrap();
        }
        let store = place.reopen(store).await;
        let due = store.due_timers(30, Limit::default()).await.unwrap();
        assert_eq!(due, [timer("early", Some(10)), timer("late", Some(30))]);
        assert!(store.due_timers(9, Limit::default()).await.unwrap().is_empty());
        assert_eq!(store.next_timer().await.unwrap(), Some(10));
        assert_eq!(store.timers(None, Limit::default()).await.unwrap().items.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_recorded_moves_the_timer() {
    on_both(|place| async move {
        let store = place.open();
        store.put_timer(timer("tick", Some(10)), Persist::Synced).await.unwrap();
        let ran = Timer { next_run: Some(70), last_run: Some(10), runs: 1, ..timer("tick", None) };
        store.put_timer(ran.clone(), Persist::Buffered).await.unwrap();
        assert!(store.due_timers(69, Limit::default()).await.unwrap().is_empty());
        assert_eq!(store.due_timers(70, Limit::default()).await.unwrap(), [ran]);
    })
    .await;
}

#[tokio::test]
async fn a_removed_timer_is_gone() {
    on_both(|place| async move {
        let store = place.open();
        store.put_timer(timer("tick", Some(10)), Persist::Synced).await.unwrap();
        assert!(store.remove_timer(id("tick")).await.unwrap());
        assert!(!store.remove_timer(id("tick")).await.unwrap());
        assert_eq!(store.timer(id("tick")).await.unwrap(), None);
        assert_eq!(store.next_timer().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn all_timers_are_read_a_piece_at_a_time() {
    on_both(|place| async move {
        let store = place.open();
        for number in 0..10 {
            let timer = timer(&number.to_string(), Some(number));
            store.put_timer(timer, Persist::Buffered).await.unwrap();
        }
        let mut seen = 0;
        let mut after = None;
        loop {
            let piece = store.timers(after, Limit::count(3)).await.unwrap();
            seen += piece.items.len();
            after = piece.last;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, 10);
    })
    .await;
}

#[tokio::test]
async fn a_damaged_timer_hides_no_other() {
    let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let mut damaged = 0;
    for seed in 0..40 {
        let disk = MemoryDisk::new();
        let (store, _) = LocalStore::open_memory(&disk, &small()).unwrap();
        for name in &names {
            store.put_timer(timer(name, None), Persist::Buffered).await.unwrap();
        }
        store.close().await;
        let Some((Family::Timers, key)) = disk.flip_bit(seed) else { continue };
        let (store, _) = LocalStore::open_memory(&disk, &small()).unwrap();
        let (mut read, mut failed, mut after) = (0, 0, None);
        loop {
            let piece = store.timers(after, Limit::count(3)).await.unwrap();
            read += piece.items.iter().flatten().count();
            failed += piece.items.iter().filter(|timer| timer.is_err()).count();
            after = piece.last;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((read, failed), (9, 1), "{key:?}");
        damaged += 1;
    }
    assert!(damaged > 0, "no seed hit a timer");
}

#[tokio::test]
async fn a_timer_is_started_with_what_is_noted_or_not_at_all() {
    on_both(|place| async move {
        let store = place.open();
        let note =
            || Change { name: bytes("started"), expected: Some(0), value: Some(bytes("tick")) };
        store.start_timer(timer("tick", Some(10)), vec![note()]).await.unwrap();
        let late = store.start_timer(timer("tock", Some(10)), vec![note()]).await.unwrap_err();
        assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
        let store = place.reopen(store).await;
        let due = store.due_timers(30, Limit::default()).await.unwrap();
        assert_eq!(due, [timer("tick", Some(10))]);
        assert_eq!(store.value(Table::Node, bytes("started")).await.unwrap().version, 1);
    })
    .await;
}
