//! Each slot is recorded with what its guest was allowed, so that other options change no result.

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Message, Value};

use super::{call, image, list, output, spawn, text, texts};
use crate::node::TestNode;

const PAGE: usize = 1 << 16;

const GUEST: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "spin") (loop $again (br $again)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

/// Options by which guests may use this much, and checkpoints are written after so many slots.
fn allowing(fuel: u64, pages: usize, checkpoint_slots: u64) -> NodeMessage {
    let mut options = NodeMessage::default();
    options.settings.guest.fuel = fuel;
    options.settings.guest.memory_bytes = pages * PAGE;
    options.settings.checkpoint_slots = checkpoint_slots;
    options
}

fn definition() -> Message {
    Message::new().with("image", image(GUEST)).with("device-stack", texts(&["wasm-64@1.0"]))
}

fn numbers(number: i64) -> Value {
    list([number.into()])
}

#[actix_rt::test]
async fn a_slot_is_computed_again_within_the_limits_of_its_first_time() {
    let node = TestNode::configured(allowing(2_000_000, 4, 1_000)).await;
    let process = spawn(&node, definition()).await;
    call(&node, process, "spin", list([])).await;
    call(&node, process, "grow", numbers(3)).await;
    call(&node, process, "grow", numbers(1)).await;
    let narrow = "Exception: out of fuel in spin: the limit is 2000000";
    assert_eq!(text(&output(&node, process, 1).await), narrow);
    assert_eq!(output(&node, process, 2).await, numbers(1));
    assert_eq!(output(&node, process, 3).await, numbers(-1));

    let node = node.restarted(allowing(3_000_000, 64, 1_000), Vec::new()).await;
    call(&node, process, "spin", list([])).await;
    call(&node, process, "grow", numbers(1)).await;
    let wide = "Exception: out of fuel in spin: the limit is 3000000";
    assert_eq!(text(&output(&node, process, 4).await), wide);
    assert_eq!(output(&node, process, 5).await, numbers(4));

    let node = node.restarted(allowing(4_000_000, 1, 1_000), Vec::new()).await;
    assert_eq!(text(&output(&node, process, 1).await), narrow);
    assert_eq!(output(&node, process, 3).await, numbers(-1));
    assert_eq!(text(&output(&node, process, 4).await), wide);
    assert_eq!(output(&node, process, 5).await, numbers(4));
}

#[actix_rt::test]
async fn memory_beyond_a_lowered_limit_stays_and_does_not_grow() {
    let node = TestNode::configured(allowing(2_000_000, 16, 1)).await;
    let process = spawn(&node, definition()).await;
    call(&node, process, "grow", numbers(7)).await;
    assert_eq!(output(&node, process, 1).await, numbers(1));

    let node = node.restarted(allowing(2_000_000, 2, 1), Vec::new()).await;
    call(&node, process, "grow", numbers(0)).await;
    call(&node, process, "grow", numbers(1)).await;
    assert_eq!(output(&node, process, 2).await, numbers(8));
    assert_eq!(output(&node, process, 3).await, numbers(-1));

    // The checkpoint is one of a slot that was allowed less than it holds.
    let node = node.restarted(allowing(2_000_000, 2, 1), Vec::new()).await;
    call(&node, process, "grow", numbers(1)).await;
    assert_eq!(output(&node, process, 4).await, numbers(-1));
    let node = node.restarted(allowing(2_000_000, 16, 1), Vec::new()).await;
    call(&node, process, "grow", numbers(1)).await;
    assert_eq!(output(&node, process, 5).await, numbers(8));
    assert_eq!(output(&node, process, 3).await, numbers(-1));
}
