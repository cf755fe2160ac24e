//! What operators see of a node, and what they do to it.

mod access;
mod actors;
mod outbox;
mod quarantine;

use oxbeam_kernel::{Answer, CallError, NodeMessage};
use oxbeam_protocol::{Message, Value, Wallet};

use crate::node::TestNode;

/// A node's operator.
pub(crate) fn operator() -> Wallet {
    Wallet::generate_secp256k1().unwrap()
}

/// The configuration of a node that belongs to them.
pub(crate) fn of(operator: &Wallet) -> NodeMessage {
    configured(operator, Message::new())
}

fn configured(operator: &Wallet, options: Message) -> NodeMessage {
    let options = options.with("operator", operator.address().to_string());
    NodeMessage::from_message(&options).unwrap()
}

/// What somebody asks for who signs it with its path. No two of these are the same.
async fn ask(node: &TestNode, key: &str, request: Message, signer: &Wallet) -> Answer {
    node.answer_signed(order(key, request), signer).await
}

fn order(key: &str, request: Message) -> Message {
    let nonce = Wallet::generate_secp256k1().unwrap().address().to_string();
    request.with("path", format!("/~supervisor@1.0/{key}")).with("nonce", nonce)
}

/// What an operator sees or does.
async fn seen(node: &TestNode, key: &str, request: Message, operator: &Wallet) -> Message {
    let answer = ask(node, key, request, operator).await;
    assert_eq!(answer.status, 200, "{key}: {answer:?}");
    answer.message
}

fn number(message: &Message, key: &str) -> i64 {
    match message.get(key) {
        Some(Value::Integer(number)) => i64::try_from(number).unwrap(),
        other => panic!("{key} is {other:?} in {message:?}"),
    }
}

fn text(message: &Message, key: &str) -> String {
    let value = message.get(key).unwrap_or_else(|| panic!("no {key} in {message:?}"));
    String::from_utf8_lossy(value.as_name().unwrap()).into_owned()
}

/// The messages of a list.
fn rows(message: &Message, key: &str) -> Vec<Message> {
    let list = message.get(key).unwrap_or_else(|| panic!("no {key} in {message:?}"));
    list.as_list().unwrap().iter().map(|row| row.as_map().unwrap().clone()).collect()
}

/// What everybody sees.
async fn open(node: &TestNode, path: &str) -> Message {
    let outcome = node.run(&format!("/~supervisor@1.0/{path}"), Message::new()).await.unwrap();
    match outcome.into_result().unwrap() {
        Value::Map(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

async fn page(node: &TestNode, query: &str) -> Message {
    open(node, &format!("tree{query}")).await
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
    for name in ["store", "devices", "requests", "supervisor@1.0"] {
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
    let refused = node.run("/~supervisor@1.0/tree?limit=many", Message::new()).await;
    assert!(matches!(refused, Err(CallError::BadRequest(_))), "{refused:?}");
}
