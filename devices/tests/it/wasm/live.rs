//! Whose memory an instance has: that of the state which holds it, and of no other.

use oxbeam_kernel::CallError;
use oxbeam_protocol::{Message, Value};

use super::{image, list};
use crate::node::TestNode;

const COUNTER: &str = r#"(module (memory 1)
  (func (export "next") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0))))"#;

async fn step(node: &TestNode, base: Message, key: &str) -> Result<Message, CallError> {
    let request = Message::from([("path", key), ("function", "next")]);
    match node.context().resolve(base, request).await?.into_result() {
        Ok(Value::Map(state)) => Ok(state),
        other => panic!("{key}: {other:?}"),
    }
}

#[actix_rt::test]
async fn a_state_that_the_instance_has_left_behind_is_refused() {
    let node = TestNode::start().await;
    let base = image(COUNTER).with("device", "wasm-64@1.0");
    let first = step(&node, base, "init").await.unwrap();
    let second = step(&node, first.clone(), "compute").await.unwrap();
    for key in ["compute", "snapshot"] {
        let refused = step(&node, first.clone(), key).await.unwrap_err();
        assert!(refused.to_string().contains("gone on to a later state"), "{refused}");
    }
    let third = step(&node, second, "compute").await.unwrap();
    let output = node.context().find(&third, "results/output").await.unwrap();
    assert_eq!(output, Some(list([2.into()])));
}

#[actix_rt::test]
async fn a_snapshot_starts_another_instance_where_this_one_is() {
    let node = TestNode::start().await;
    let base = image(COUNTER).with("device", "wasm-64@1.0");
    let state = step(&node, base, "init").await.unwrap();
    let state = step(&node, state, "compute").await.unwrap();
    let snapshot = step(&node, state.clone(), "snapshot").await.unwrap();
    let copy = state.clone().without_handles().without(&["results"]).with("snapshot", snapshot);
    let copy = step(&node, copy, "compute").await.unwrap();
    assert!(!copy.contains("snapshot"));
    for state in [copy, step(&node, state, "compute").await.unwrap()] {
        let output = node.context().find(&state, "results/output").await.unwrap();
        assert_eq!(output, Some(list([2.into()])));
    }
}

#[actix_rt::test]
async fn a_damaged_snapshot_is_refused() {
    let node = TestNode::start().await;
    let base = image(COUNTER).with("device", "wasm-64@1.0");
    let state = step(&node, base, "init").await.unwrap();
    let snapshot = step(&node, state.clone(), "snapshot").await.unwrap();
    let Some(Value::Bytes(body)) = snapshot.get("body") else { panic!("{snapshot:?}") };
    let mut body = body.to_vec();
    body[100] ^= 1;
    let copy = state.without_handles().with("snapshot", snapshot.with("body", body));
    let refused = step(&node, copy, "normalize").await.unwrap_err();
    assert!(refused.to_string().contains("damaged"), "{refused}");
}
