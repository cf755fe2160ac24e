//! Each slot is recorded with what its script was allowed, so that other options change no result.

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Id, Message, Value};

use super::{now, read, send, spawn};
use crate::node::TestNode;

const MIB: i64 = 1 << 20;

/// Keeps as much as it is asked for, if it can.
const HOARDER: &str = "
    kept = ''
    function compute(base, req)
        local size = tonumber(req.body.size or 0)
        local fits, text = pcall(string.rep, 'x', size)
        if fits and size > 0 then kept = text end
        base.fits = fits
        base.kept = #kept
        return base
    end";

fn allowing(mebibytes: i64, checkpoint_slots: u64) -> NodeMessage {
    let mut options = NodeMessage::default();
    options.settings.guest.memory_bytes = usize::try_from(mebibytes * MIB).unwrap();
    options.settings.checkpoint_slots = checkpoint_slots;
    options
}

async fn ask_for(node: &TestNode, process: Id, mebibytes: i64) {
    send(node, process, Message::new().with("size", mebibytes * MIB)).await;
}

async fn fits(node: &TestNode, process: Id, slot: u64) -> bool {
    let fits = read(node, process, &format!("compute&slot={slot}/fits")).await.unwrap();
    fits.value.is_name("true")
}

#[actix_rt::test]
async fn a_slot_is_computed_again_within_the_limits_of_its_first_time() {
    let node = TestNode::configured(allowing(8, 1_000)).await;
    let process = spawn(&node, HOARDER).await;
    ask_for(&node, process, 16).await;
    ask_for(&node, process, 2).await;
    assert!(!fits(&node, process, 1).await && fits(&node, process, 2).await);

    let node = node.restarted(allowing(64, 1_000), Vec::new()).await;
    ask_for(&node, process, 16).await;
    for (slot, expected) in [(3, true), (2, true), (1, false)] {
        assert_eq!(fits(&node, process, slot).await, expected, "slot {slot}");
    }
}

#[actix_rt::test]
async fn a_script_larger_than_a_lowered_limit_goes_on() {
    let node = TestNode::configured(allowing(64, 1)).await;
    let process = spawn(&node, HOARDER).await;
    ask_for(&node, process, 16).await;
    assert!(fits(&node, process, 1).await);

    let node = node.restarted(allowing(8, 1), Vec::new()).await;
    ask_for(&node, process, 32).await;
    assert!(!fits(&node, process, 2).await);
    assert_eq!(now(&node, process, "kept").await, Value::Integer((16 * MIB).into()));

    // The checkpoint is one of a slot that was allowed less than it holds.
    let node = node.restarted(allowing(8, 1), Vec::new()).await;
    ask_for(&node, process, 32).await;
    assert!(!fits(&node, process, 3).await);
    let node = node.restarted(allowing(64, 1), Vec::new()).await;
    ask_for(&node, process, 8).await;
    for (slot, expected) in [(4, true), (3, false), (2, false)] {
        assert_eq!(fits(&node, process, slot).await, expected, "slot {slot}");
    }
}
