//! Messages, aliases and links.

use oxbeam_store::{Content, ContentBatch, Limit, LocalStore, Persist, StoreError};

use crate::common::{bytes, id, on_both};

fn links(pairs: &[(&str, &str)]) -> ContentBatch {
    let links = pairs.iter().map(|(path, target)| ((*path).into(), (*target).into())).collect();
    ContentBatch { links, ..ContentBatch::default() }
}

async fn put(store: &LocalStore, batch: ContentBatch) {
    store.put_content(batch, Persist::Synced).await.unwrap();
}

#[tokio::test]
async fn a_message_is_found_by_its_id_and_by_every_alias() {
    on_both(|place| async move {
        let store = place.open();
        let long = vec![7; 1 << 20];
        let batch = ContentBatch {
            messages: vec![(id("short"), bytes("hello")), (id("long"), long.clone().into())],
            aliases: vec![(id("signed"), id("short")), (id("all signers"), id("short"))],
            links: Vec::new(),
        };
        put(&store, batch).await;
        let store = place.reopen(store).await;
        for name in ["short", "signed", "all signers"] {
            assert_eq!(store.content(id(name)).await.unwrap().unwrap(), "hello");
        }
        assert_eq!(store.content(id("long")).await.unwrap().unwrap(), long);
        assert_eq!(store.content(id("unknown")).await.unwrap(), None);
        assert_eq!(store.alias(id("signed")).await.unwrap(), Some(id("short")));
    })
    .await;
}

#[tokio::test]
async fn the_first_message_under_an_id_stays_until_it_is_replaced() {
    on_both(|place| async move {
        let store = place.open();
        let message = |text| ContentBatch {
            messages: vec![(id("message"), bytes(text))],
            ..ContentBatch::default()
        };
        put(&store, message("first")).await;
        put(&store, message("second")).await;
        assert_eq!(store.content(id("message")).await.unwrap().unwrap(), "first");
        let replace = |expected: &str, new| {
            store.replace_content(id("message"), Some(bytes(expected)), bytes(new), Persist::Synced)
        };
        let (merged, late) = tokio::join!(replace("first", "merged"), replace("first", "lost"));
        merged.unwrap();
        assert!(matches!(late.unwrap_err(), StoreError::ContentChanged { .. }));
        assert_eq!(store.content(id("message")).await.unwrap().unwrap(), "merged");
    })
    .await;
}

#[tokio::test]
async fn links_are_followed_segment_by_segment() {
    on_both(|place| async move {
        let store = place.open();
        put(&store, links(&[("a/b", "x"), ("x/c", "y/z"), ("self", "self"), ("name", "a/b")]))
            .await;
        for (path, resolved) in [
            ("a/b/c", "y/z"),
            ("a/b/d", "x/d"),
            ("name/c/e", "y/z/e"),
            ("self", "self"),
            ("none/at/all", "none/at/all"),
        ] {
            assert_eq!(store.resolve(path.into()).await.unwrap(), resolved, "{path}");
        }
        put(&store, links(&[("name", "other")])).await;
        assert_eq!(store.resolve("name".into()).await.unwrap(), "other", "the newer link counts");
    })
    .await;
}

#[tokio::test]
async fn links_in_a_circle_are_an_error() {
    on_both(|place| async move {
        let store = place.open();
        put(&store, links(&[("a", "b"), ("b", "a"), ("grow", "grow/x")])).await;
        for path in ["a", "grow"] {
            let error = store.resolve(path.into()).await.unwrap_err();
            assert!(matches!(error, StoreError::TooManyLinks { .. }), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_group_lists_its_direct_children_once_and_a_piece_at_a_time() {
    on_both(|place| async move {
        let store = place.open();
        let pairs: Vec<(String, String)> = (0..10)
            .flat_map(|n| {
                [format!("g/{n}"), format!("g/{n}/deep/er"), format!("g/{n}-x"), format!("gg/{n}")]
            })
            .map(|path| (path, "target".into()))
            .collect();
        put(&store, ContentBatch { links: pairs, ..ContentBatch::default() }).await;
        let all = store.list("g".into(), None, Limit::default()).await.unwrap();
        let expected: Vec<String> =
            (0..10).flat_map(|n| [n.to_string(), format!("{n}-x")]).collect();
        assert_eq!(all.items, expected);
        let mut pieces = Vec::new();
        let mut after = None;
        loop {
            let piece = store.list("g".into(), after, Limit::count(3)).await.unwrap();
            pieces.extend(piece.items);
            match piece.last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        assert_eq!(pieces, expected);
        assert!(
            store.list("nothing".into(), None, Limit::default()).await.unwrap().items.is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_no_path_is_refused() {
    on_both(|place| async move {
        let store = place.open();
        for wrong in ["", "/a", "a//b", "a/", "zero\0byte"] {
            let refused = store.put_content(links(&[(wrong, "x")]), Persist::Synced).await;
            assert!(matches!(refused.unwrap_err(), StoreError::InvalidPath { .. }), "{wrong:?}");
            assert!(store.resolve(wrong.into()).await.is_err(), "{wrong:?}");
        }
    })
    .await;
}
