//! Names, ledgers and the node's own facts.

use oxbeam_store::{Change, Limit, LocalStore, Persist, StoreError, Table, Tables};

use crate::common::{bytes, id, on_both};

fn change(name: &str, expected: Option<u64>, value: Option<&str>) -> Change {
    Change { name: bytes(name), expected, value: value.map(bytes) }
}

async fn set(store: &LocalStore, changes: Vec<Change>) -> Result<Vec<u64>, StoreError> {
    store.change(Table::Ledgers, changes, Persist::Synced).await
}

async fn value(store: &LocalStore, name: &str) -> (u64, Option<String>) {
    let found = store.value(Table::Ledgers, bytes(name)).await.unwrap();
    (found.version, found.value.map(|value| String::from_utf8_lossy(&value).into_owned()))
}

#[tokio::test]
async fn a_value_is_changed_only_by_who_saw_the_last_one() {
    on_both(|place| async move {
        let store = place.open();
        assert_eq!(value(&store, "alice").await, (0, None));
        assert_eq!(set(&store, vec![change("alice", Some(0), Some("10"))]).await.unwrap(), [1]);
        let (first, second) = tokio::join!(
            set(&store, vec![change("alice", Some(1), Some("11"))]),
            set(&store, vec![change("alice", Some(1), Some("12"))]),
        );
        assert_eq!(first.unwrap(), [2]);
        let refused = second.unwrap_err();
        assert!(matches!(refused, StoreError::Conflict { expected: 1, found: 2, .. }), "{refused}");
        let store = place.reopen(store).await;
        assert_eq!(value(&store, "alice").await, (2, Some("11".into())));
    })
    .await;
}

#[tokio::test]
async fn a_transfer_happens_on_both_sides_or_on_none() {
    on_both(|place| async move {
        let store = place.open();
        set(&store, vec![change("alice", None, Some("10"))]).await.unwrap();
        let stale = vec![change("alice", Some(1), Some("5")), change("bob", Some(7), Some("5"))];
        set(&store, stale).await.unwrap_err();
        assert_eq!(value(&store, "alice").await.1, Some("10".into()));
        let transfer = vec![change("alice", Some(1), Some("5")), change("bob", Some(0), Some("5"))];
        assert_eq!(set(&store, transfer).await.unwrap(), [2, 1]);
        assert_eq!(value(&store, "bob").await, (1, Some("5".into())));
    })
    .await;
}

#[tokio::test]
async fn a_value_that_is_forgotten_leaves_nothing() {
    on_both(|place| async move {
        let store = place.open();
        let both = vec![change("one", None, Some("1")), change("two", None, Some("2"))];
        set(&store, both).await.unwrap();
        store.forget(Table::Ledgers, vec![bytes("one"), bytes("none")]).await.unwrap();
        let store = place.reopen(store).await;
        assert_eq!(value(&store, "one").await, (0, None));
        assert_eq!(value(&store, "two").await, (1, Some("2".into())));
    })
    .await;
}

#[tokio::test]
async fn a_removed_value_is_not_mistaken_for_its_successor() {
    on_both(|place| async move {
        let store = place.open();
        set(&store, vec![change("name", Some(0), Some("first"))]).await.unwrap();
        set(&store, vec![change("name", Some(1), None)]).await.unwrap();
        set(&store, vec![change("name", Some(2), Some("second"))]).await.unwrap();
        set(&store, vec![change("name", Some(1), Some("stale"))]).await.unwrap_err();
        assert_eq!(value(&store, "name").await, (3, Some("second".into())));
    })
    .await;
}

#[tokio::test]
async fn values_are_read_by_prefix_a_piece_at_a_time() {
    on_both(|place| async move {
        let store = place.open();
        let process = id("process").to_string();
        let changes = (0..10).map(|n| change(&format!("{process}/{n}"), None, Some("v"))).collect();
        set(&store, changes).await.unwrap();
        set(&store, vec![change("zzz", None, Some("other"))]).await.unwrap();
        let read = |after, limit| store.values(Table::Ledgers, bytes(&process), after, limit);
        let first = read(None, Limit::count(4)).await.unwrap();
        assert_eq!((first.items.len(), first.last.is_some()), (4, true));
        let rest = read(first.last, Limit::default()).await.unwrap();
        assert_eq!((rest.items.len(), rest.last), (6, None));
    })
    .await;
}

#[tokio::test]
async fn values_have_their_prefix_wherever_they_begin() {
    on_both(|place| async move {
        let store = place.open();
        let changes = ["a", "ab", "b1", "c"].map(|name| change(name, None, Some("v")));
        set(&store, changes.into()).await.unwrap();
        for (after, expected) in
            [("a", vec!["b1"]), ("b0", vec!["b1"]), ("b1", vec![]), ("c", vec![])]
        {
            let read =
                store.values(Table::Ledgers, bytes("b"), Some(bytes(after)), Limit::default());
            let read = read.await.unwrap();
            let names: Vec<_> = read.items.into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expected, "after {after}");
        }
    })
    .await;
}

#[tokio::test]
async fn tables_do_not_see_each_other() {
    on_both(|place| async move {
        let store = place.open();
        let names = vec![change("name", None, Some("a name"))];
        store.change(Table::Names, names, Persist::Buffered).await.unwrap();
        let facts = vec![change("name", None, Some("a fact"))];
        store.change(Table::Node, facts, Persist::Buffered).await.unwrap();
        assert_eq!(value(&store, "name").await, (0, None));
        let found = store.value(Table::Node, bytes("name")).await.unwrap();
        assert_eq!(found.value.unwrap(), "a fact");
        let all = store.values(Table::Node, bytes(""), None, Limit::default()).await.unwrap();
        assert_eq!(all.items.len(), 1, "the store's own records are not values");
    })
    .await;
}
