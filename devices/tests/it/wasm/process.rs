//! Processes that run a module: their memory, limits and checkpoints.

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Message, Value};

use super::{at, call, image, list, node, output, send, spawn, state, text, texts};
use crate::node::TestNode;

const COUNTER: &str = r#"(module
  (memory (export "memory") 1)
  (global $calls (mut i64) (i64.const 0))
  (func (export "add") (param i64) (result i64)
    (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (local.get 0)))
    (i64.load (i32.const 8)))
  (func (export "calls") (result i64)
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (global.get $calls))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "mark") (param i32) (i32.store (local.get 0) (i32.const 77)))
  (func (export "read") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "fail") (i64.store (i32.const 8) (i64.const 1000)) unreachable)
  (func (export "loop") (loop $again (br $again))))"#;

fn definition() -> Message {
    Message::new().with("image", image(COUNTER)).with("device-stack", texts(&["wasm-64@1.0"]))
}

fn numbers(number: i64) -> Value {
    list([number.into()])
}

#[actix_rt::test]
async fn memory_lives_from_slot_to_slot() {
    let node = TestNode::start().await;
    let process = spawn(&node, definition()).await;
    for number in 1..=5 {
        call(&node, process, "add", numbers(number)).await;
    }
    assert_eq!(output(&node, process, 5).await, numbers(15));
    assert_eq!(output(&node, process, 3).await, numbers(6));
    assert!(!state(&node, process, 0).await.contains("results"));
}

#[actix_rt::test]
async fn the_past_is_computed_on_an_instance_of_its_own() {
    let node = TestNode::start().await;
    let process = spawn(&node, definition()).await;
    for _ in 0..40 {
        call(&node, process, "add", numbers(1)).await;
    }
    assert_eq!(output(&node, process, 40).await, numbers(40));
    assert_eq!(output(&node, process, 3).await, numbers(3));
    call(&node, process, "add", numbers(1)).await;
    assert_eq!(output(&node, process, 41).await, numbers(41));
}

#[actix_rt::test]
async fn a_restart_goes_on_exactly_where_the_checkpoint_was() {
    let mut configuration = NodeMessage::default();
    configuration.settings.checkpoint_slots = 4;
    let mut node = TestNode::configured(configuration.clone()).await;
    let process = spawn(&node, definition()).await;
    let far = 300_000;
    call(&node, process, "grow", numbers(5)).await;
    call(&node, process, "mark", numbers(far)).await;
    for round in 0..3 {
        // A global, which begins anew with each slot, restart or not.
        call(&node, process, "calls", list([])).await;
        let slot = 3 + 4 * round;
        assert_eq!(output(&node, process, slot).await, numbers(1));
        for _ in 0..2 {
            call(&node, process, "add", numbers(10)).await;
        }
        call(&node, process, "read", numbers(far)).await;
        assert_eq!(output(&node, process, slot + 3).await, numbers(77));
        node = node.restarted(configuration.clone(), Vec::new()).await;
    }
    call(&node, process, "add", numbers(0)).await;
    assert_eq!(output(&node, process, 15).await, numbers(60));
}

#[actix_rt::test]
async fn a_trap_is_a_result_and_leaves_memory_as_it_was_then() {
    let node = TestNode::start().await;
    let process = spawn(&node, definition()).await;
    call(&node, process, "fail", list([])).await;
    call(&node, process, "add", numbers(1)).await;
    assert_eq!(text(&output(&node, process, 1).await), "Exception: unreachable");
    assert!(at(&node, process, 1, "results/type").await.unwrap().is_name("error"));
    assert_eq!(output(&node, process, 2).await, numbers(1001));
}

#[actix_rt::test]
async fn a_loop_without_end_is_ended_and_the_process_goes_on() {
    let node = node(20_000_000, 1 << 20).await;
    let process = spawn(&node, definition()).await;
    call(&node, process, "loop", list([])).await;
    call(&node, process, "add", numbers(2)).await;
    assert_eq!(
        text(&output(&node, process, 1).await),
        "Exception: out of fuel in loop: the limit is 20000000"
    );
    assert_eq!(output(&node, process, 2).await, numbers(2));
}

#[actix_rt::test]
async fn memory_ends_at_its_limit() {
    let node = node(1_000_000_000, 4 << 16).await;
    let process = spawn(&node, definition()).await;
    call(&node, process, "grow", numbers(3)).await;
    call(&node, process, "grow", numbers(1)).await;
    call(&node, process, "mark", numbers(4 << 16)).await;
    assert_eq!(output(&node, process, 1).await, numbers(1));
    assert_eq!(output(&node, process, 2).await, numbers(-1));
    assert!(text(&output(&node, process, 3).await).starts_with("Exception: out of bounds"));
    let huge = image("(module (memory 100) (func (export \"f\")))");
    let definition = Message::new().with("image", huge);
    let process = spawn(&node, definition.with("device-stack", texts(&["wasm-64@1.0"]))).await;
    let refused = node.node.state(&node.context(), process, oxbeam_kernel::Wanted::Slot(0)).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("the limit is 262144 bytes"), "{refused}");
}

#[actix_rt::test]
async fn a_slot_that_fails_leaves_nothing_in_memory() {
    let node = TestNode::start().await;
    let process = spawn(&node, definition()).await;
    call(&node, process, "add", numbers(5)).await;
    assert_eq!(output(&node, process, 1).await, numbers(5));
    // The parameter is no number: no state, now or later, and those before can still be read.
    send(&node, process, Message::from([("function", "add")]).with("parameters", texts(&["x"])))
        .await;
    for _ in 0..2 {
        let failed = node.run(&format!("/{process}/compute&slot=2"), Message::new()).await;
        assert_eq!(failed.unwrap_err().http_status(), 500);
    }
    assert_eq!(output(&node, process, 1).await, numbers(5));
}
