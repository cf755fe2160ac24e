use oxbeam_kernel::CallError;
use oxbeam_protocol::{Message, Value};

use crate::node::TestNode;

async fn page(node: &TestNode, query: &str) -> Message {
    let path = format!("/~supervision@1.0/tree{query}");
    match node.run(&path, Message::new()).await.unwrap().value {
        Value::Map(page) => page,
        other => panic!("no page: {other:?}"),
    }
}

fn names(page: &Message) -> Vec<String> {
    let rows = page.get("rows").and_then(Value::as_list).unwrap();
    let name = |row: &Value| row.as_map()?.get("name")?.as_name().cloned();
    rows.iter().map(|row| String::from_utf8(name(row).unwrap().to_vec()).unwrap()).collect()
}

#[actix_rt::test]
async fn the_tree_has_each_actor_behind_its_supervisor() {
    let node = TestNode::start().await;
    let page = page(&node, "").await;
    let names = names(&page);
    assert_eq!(names.first().map(String::as_str), Some("node"));
    for name in ["store", "devices", "requests", "supervision@1.0"] {
        assert!(names.iter().any(|known| known == name), "{name} of {names:?}");
    }
    let rows = page.get("rows").and_then(Value::as_list).unwrap();
    let root = rows[0].as_map().unwrap();
    assert_eq!(root.get("parent"), None);
    assert_eq!(root.get("state"), Some(&"running".into()));
    assert_eq!(root.get("restarts"), Some(&0.into()));
    assert_eq!(rows[1].as_map().unwrap().get("parent"), root.get("id"));
    assert_eq!(page.get("next"), None);
}

#[actix_rt::test]
async fn pages_hold_all_actors_once() {
    let node = TestNode::start().await;
    let all = names(&page(&node, "").await);
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = page(&node, &query).await;
        seen.extend(names(&page));
        match page.get("next") {
            Some(Value::Integer(next)) => query = format!("?limit=2&after={next}"),
            _ => break,
        }
    }
    assert_eq!(seen, all);
}

#[actix_rt::test]
async fn a_page_that_is_asked_for_in_words_is_refused() {
    let node = TestNode::start().await;
    let refused = node.run("/~supervision@1.0/tree?limit=many", Message::new()).await;
    assert!(matches!(refused, Err(CallError::BadRequest(_))), "{refused:?}");
}
