//! Guests that are handed JSON: `json-iface@1.0`.

use oxbeam_protocol::{Id, Message, Value, commitment};

use super::{at, image, send, spawn, state, texts};
use crate::node::TestNode;

/// A module whose `handle` answers with this text.
fn answering(answer: &str) -> Message {
    let escaped: String = answer.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    image(&format!(
        r#"(module (memory (export "memory") 4)
  (global $free (mut i32) (i32.const 32768))
  (data (i32.const 1024) "{escaped}\00")
  (func (export "malloc") (param i32) (result i32)
    (global.get $free) (global.set $free (i32.add (global.get $free) (local.get 0))))
  (func (export "handle") (param i32 i32) (result i32)
    (global.set $free (i32.const 32768)) (i32.const 1024)))"#
    ))
}

/// A module that answers with the message that it was given, as text.
const ECHO: &str = r#"(module (memory (export "memory") 4)
  (global $free (mut i32) (i32.const 1024))
  (data (i32.const 0) "{\"ok\":true,\"response\":{\"Output\":{\"data\":")
  (func (export "malloc") (param i32) (result i32)
    (global.get $free) (global.set $free (i32.add (global.get $free) (local.get 0))))
  (func (export "handle") (param $message i32) (param $environment i32) (result i32)
    (local $end i32)
    (memory.copy (i32.const 100000) (i32.const 0) (i32.const 40))
    (local.set $end (i32.sub (i32.sub (local.get $environment) (local.get $message)) (i32.const 1)))
    (memory.copy (i32.const 100040) (local.get $message) (local.get $end))
    (local.set $end (i32.add (local.get $end) (i32.const 100040)))
    (i32.store (local.get $end) (i32.const 0x7d7d7d))
    (global.set $free (i32.const 1024))
    (i32.const 100000)))"#;

fn definition(image: Message) -> Message {
    Message::new()
        .with("image", image)
        .with("output-prefix", "wasm")
        .with("passes", 2)
        .with("stack-keys", texts(&["init", "compute", "snapshot", "normalize"]))
        .with("device-stack", texts(&["json-iface@1.0", "wasm-64@1.0", "multipass@1.0"]))
}

async fn failed(node: &TestNode, process: Id, slot: u64) -> String {
    let failed = node.run(&format!("/{process}/compute&slot={slot}"), Message::new()).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.http_status(), 500);
    failed.to_string()
}

#[actix_rt::test]
async fn a_guest_gets_the_message_as_legacy_nodes_write_it() {
    let node = TestNode::start().await;
    let process = spawn(&node, definition(image(ECHO))).await;
    send(&node, process, Message::from([("action", "Eval"), ("data", "return \"ü\"")])).await;
    let data = state(&node, process, 1).await;
    let data = node.context().find(&data, "results/data").await.unwrap().unwrap();
    let data = data.as_map().unwrap();
    let text = |key: &str| data.get_exact(key).and_then(Value::as_bytes).cloned().unwrap();
    assert_eq!(text("Data"), "return \"ü\"");
    assert_eq!(text("Owner"), node.node.address());
    assert_eq!(text("From"), node.node.address());
    assert_eq!(text("Target"), process.to_string());
    assert_eq!(data.get_exact("Block-Height"), Some(&0.into()));
    assert!(!text("Signature").is_empty());
    let tags = data.get_exact("Tags").unwrap().as_list().unwrap();
    let first = Message::from([("name", "Action"), ("value", "Eval")]);
    assert_eq!(tags[0], first.into());
}

#[actix_rt::test]
async fn what_a_guest_sends_lies_in_the_outbox() {
    let node = TestNode::start().await;
    let answer = r#"{"ok":true,"response":{"Output":{"data":"done"},"Messages":[
      {"Target":"T","Data":{"deep":[1,2.5,true,null]},"from-process":"forged",
       "Tags":[{"name":"Action","value":"Ping"},{"name":"from-image","value":"forged"}]}],
      "patches":[{"Tags":[{"name":"x","value":"1"}]}],"Spawns":[1]}}"#;
    let definition = definition(answering(answer));
    let process = spawn(&node, definition).await;
    assert_eq!(at(&node, process, 0, "results/data").await, Some("done".into()));
    let entry = at(&node, process, 0, "results/outbox/1").await.unwrap();
    let entry = entry.as_map().unwrap();
    let unsigned = at(&node, process, 0, "process").await.unwrap();
    let unsigned = commitment::unsigned_id(&unsigned).unwrap().to_string();
    assert_eq!(entry.get_exact("from-process"), Some(&unsigned.into()));
    assert_eq!(entry.get_exact("Action"), Some(&"Ping".into()));
    assert!(entry.get_exact("from-image").unwrap().as_map().is_some(), "the definition's image");
    let deep = at(&node, process, 0, "results/outbox/1/Data/deep").await.unwrap();
    assert_eq!(deep.as_list().unwrap()[1], Value::Float(2.5));
    let patch = at(&node, process, 0, "results/patches").await.unwrap();
    assert_eq!(patch.as_list().unwrap()[0], Message::from([("x", "1")]).into());
    assert!(at(&node, process, 0, "results/wasm/type").await.unwrap().is_name("ok"));
}

#[actix_rt::test]
async fn an_error_of_the_program_is_its_data() {
    let node = TestNode::start().await;
    let answer = r#"{"ok":true,"response":{"Error":"broken","Messages":[{"Target":"T"}]}}"#;
    let process = spawn(&node, definition(answering(answer))).await;
    assert_eq!(at(&node, process, 0, "results/data").await, Some("broken".into()));
    assert_eq!(at(&node, process, 0, "results/outbox").await, Some(Message::new().into()));
}

#[actix_rt::test]
async fn an_answer_that_cannot_be_read_fails_the_slot() {
    let node = TestNode::start().await;
    for (answer, reason) in [
        (r#"{"ok":false,"response":{}}"#, "the guest's answer is not ok"),
        ("[]", "the guest's answer is not ok"),
        ("no json", "JSON error parsing result output."),
    ] {
        let process = spawn(&node, definition(answering(answer))).await;
        let failed = failed(&node, process, 0).await;
        assert!(failed.contains(reason), "{failed}");
    }
}

#[actix_rt::test]
async fn a_slot_of_a_trap_says_which() {
    let node = TestNode::start().await;
    let module = r#"(module (memory 1)
      (func (export "malloc") (param i64) (result i64) (i64.const 16))
      (func (export "handle") (param i64 i64) (result i64) unreachable))"#;
    let process = spawn(&node, definition(image(module))).await;
    let failed = failed(&node, process, 0).await;
    assert!(failed.contains("WASM execution error. Exception: unreachable"), "{failed}");
}

#[actix_rt::test]
async fn a_guest_without_memory_to_give_fails_the_slot() {
    let node = TestNode::start().await;
    for (malloc, reason) in [
        ("", "exports no malloc"),
        (r#"(func (export "malloc") (param i32) (result i32) (i32.const 0))"#, "has no memory"),
        (r#"(func (export "malloc") (param i32) (result i32) (i32.const 65535))"#, "has no memory"),
    ] {
        let module = format!("(module (memory 1) {malloc})");
        let process = spawn(&node, definition(image(&module))).await;
        let failed = failed(&node, process, 0).await;
        assert!(failed.contains(reason), "{failed}");
    }
}

#[actix_rt::test]
async fn a_guest_without_memory_of_its_own_gets_the_texts() {
    let node = TestNode::start().await;
    let base = Message::from([("device", "json-iface@1.0")]).with("pass", 1);
    let request = Message::from([("path", "compute")])
        .with("body", Message::from([("data", "x")]))
        .with("block-height", 7);
    let state = node.context().resolve(base.clone(), request).await.unwrap();
    let parameters = node.context().find(state.value.as_map().unwrap(), "parameters").await;
    let parameters = parameters.unwrap().unwrap();
    let text = parameters.as_list().unwrap()[0].as_bytes().unwrap().clone();
    let text = std::str::from_utf8(&text).unwrap();
    assert!(
        text.starts_with(r#"{"Anchor":"","Block-Height":7,"Data":"x","From":"","Id":"#),
        "{text}"
    );
    let request = Message::from([("path", "compute")]);
    let other = node.context().resolve(base.with("pass", 3), request).await.unwrap();
    assert!(!other.value.as_map().unwrap().contains("parameters"));
}
