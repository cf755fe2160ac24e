//! What an operator does over HTTP, and what others may not.

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::codec::Json;
use oxbeam_protocol::{Message, Value, Wallet};

use crate::node::TestNode;
use crate::wire::{post, post_json, signed, stranger};

/// A node that belongs to somebody.
async fn owned() -> (TestNode, Wallet) {
    let operator = stranger();
    let options = Message::from([("operator", &*operator.address().to_string())]);
    let configuration = NodeMessage::from_message(&options).unwrap();
    (TestNode::with(Default::default(), configuration).await, operator)
}

fn trace(nonce: &str) -> Message {
    let words = [("action", "trace"), ("actor", "node/timers"), ("messages", "3")];
    Message::from(words).with("nonce", nonce)
}

/// The value of a metric with its labels.
async fn sample(node: &TestNode, name: &str) -> f64 {
    let text = node.get("/metrics").await.text().to_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[actix_rt::test]
async fn an_order_takes_the_operators_signature_and_is_carried_out_once() {
    let (node, operator) = owned().await;
    let path = "/~supervisor@1.0/trace";
    assert_eq!(post(&node, path, &trace("1")).await.status, 403, "nobody signed it");
    assert_eq!(post(&node, path, &signed(&trace("1"), &stranger())).await.status, 403);
    assert_eq!(node.get(&format!("{path}?actor=node/timers&messages=3")).await.status, 403);
    let order = signed(&trace("1"), &operator);
    let elsewhere = post(&node, "/~supervisor@1.0/restart", &order).await;
    assert_eq!(elsewhere.status, 403, "it is for something else: {}", elsewhere.text());
    let done = post(&node, path, &order).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(post(&node, path, &order).await.status, 409, "it was done");
    assert_eq!(post_json(&node, path, &order).await.status, 409, "in whatever form");
    assert_eq!(post_json(&node, path, &signed(&trace("2"), &operator)).await.status, 200);
    let counted = async |result: &str| {
        sample(&node, &format!("oxbeam_operator_actions_total{{result=\"{result}\"}}")).await
    };
    assert_eq!((counted("refused").await, counted("repeated").await), (4.0, 2.0));
    assert_eq!(counted("done").await, 2.0);
}

#[actix_rt::test]
async fn what_somebody_adds_to_an_order_on_its_way_changes_nothing() {
    let (node, operator) = owned().await;
    let words = Message::from([("action", "suspend"), ("actor", "node/timers"), ("nonce", "1")]);
    let order = signed(&words, &operator);
    let answer = post(&node, "/~supervisor@1.0/suspend?actor=node/outbox", &order).await;
    let state = |path: &str| format!("{:?}", node.node.realm().at(path).unwrap().state());
    assert_eq!(state("node/outbox"), "Running", "{}", answer.text());
}

#[actix_rt::test]
async fn an_admin_reads_the_audit_by_signing_its_path() {
    let (node, operator) = owned().await;
    assert_eq!(
        post(&node, "/~supervisor@1.0/trace", &signed(&trace("1"), &operator)).await.status,
        200
    );
    let path = "/~supervisor@1.0/audit";
    assert_eq!(node.get(path).await.status, 403);
    assert_eq!(post(&node, path, &signed(&trace("9"), &operator)).await.status, 403);
    let asked = Message::from([("path", path)]);
    let answer = post(&node, path, &signed(&asked, &operator)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.message();
    let entries = answer.get("entries").and_then(Value::as_list).unwrap();
    let entry = entries[0].as_map().unwrap();
    assert!(entry.get("action").unwrap().is_name("trace"), "{entry:?}");
    assert!(entry.get("outcome").unwrap().is_name("done"), "{entry:?}");
}

#[actix_rt::test]
async fn the_tree_is_plain_json_for_those_who_accept_it() {
    let (node, _) = owned().await;
    for (key, list) in [("tree", "rows"), ("summary", "groups"), ("crashes", "crashes")] {
        let head = format!(
            "GET /~supervisor@1.0/{key} HTTP/1.1\r\nhost: x\r\naccept: application/json\r\n\
             accept-bundle: true"
        );
        let answer = node.send(&head, b"").await;
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(json[list].is_array(), "{json}");
        let Value::Map(read) = Json::decode(&answer.body).unwrap() else { panic!("no message") };
        assert!(read.get(list).and_then(Value::as_list).is_some(), "{json}");
    }
}
