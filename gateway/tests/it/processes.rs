//! Processes that are written to by whoever likes, and that send to each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oxbeam_kernel::{Call, Device, NodeMessage, Outcome, Reply, reply};
use oxbeam_protocol::commitment;
use oxbeam_protocol::{Message, NoContent, Value, Wallet};

use crate::node::TestNode;
use crate::wire::{commitments, post, signed, stranger};

/// An execution device that sends each message back, or to its `peer` if nobody sent it.
#[derive(Debug)]
pub(crate) struct Echo;

impl Device for Echo {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        reply(Ok(Outcome::ok(match call.function().as_str() {
            "init" => call.base,
            _ => echoed(&call),
        })))
    }
}

fn echoed(call: &Call) -> Message {
    let body = call.request.get("body").and_then(Value::as_map).unwrap();
    let to = body.get("from-process").or_else(|| body.get("peer"));
    let sent = to.map(|to| Message::from([("action", "ping")]).with("target", to.clone()));
    let outbox: Message = sent.map(|sent| ("1", sent)).into_iter().collect();
    call.base.clone().with("results", Message::new().with("outbox", outbox))
}

pub(crate) fn definition(node: &TestNode, name: &str) -> Message {
    Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "echo@1.0"),
        ("name", name),
        ("scheduler", node.node.address()),
        ("authority", node.node.address()),
    ])
}

pub(crate) async fn spawn(node: &TestNode, owner: &Wallet, name: &str) -> String {
    let definition = signed(&definition(node, name), owner);
    let answer = post(node, "/~scheduler@1.0/schedule", &definition).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    commitment::signed_id(&definition.into()).unwrap().to_string()
}

pub(crate) fn message_to(process: &str, owner: &Wallet) -> Message {
    signed(&Message::from([("type", "Message"), ("target", process), ("data", "same")]), owner)
}

#[actix_rt::test]
async fn the_same_content_signed_twice_keeps_exactly_its_own_commitments() {
    let node = TestNode::start().await;
    let [owner, other] = [stranger(), stranger()];
    let salted = Wallet::generate_rsa().unwrap();
    let process = spawn(&node, &owner, "p").await;
    let messages = [&owner, &other, &salted, &salted].map(|by| message_to(&process, by));
    assert_ne!(commitments(&messages[2]), commitments(&messages[3]), "two salts");
    for message in &messages {
        let answer = post(&node, &format!("/{process}/schedule"), message).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let path = format!("/~scheduler@1.0/schedule?target={process}&from=1&to=4");
    let schedule = node.get(&path).await.message();
    let assignments = schedule.get("assignments").and_then(Value::as_map).unwrap();
    for (slot, message) in (1..).zip(&messages) {
        let assignment = assignments.get(slot.to_string()).and_then(Value::as_map).unwrap();
        commitment::verify_all(assignment, &NoContent).unwrap();
        let body = assignment.get("body").and_then(Value::as_map).unwrap();
        assert_eq!(commitments(body), commitments(message), "slot {slot}");
    }
    let by_id = commitment::signed_id(&messages[0].clone().into()).unwrap();
    let kept = node.get(&format!("/{by_id}")).await.message().without(&["status"]);
    commitment::verify_all(&kept, &NoContent).unwrap();
}

#[actix_rt::test]
async fn processes_that_send_to_each_other_for_ever_hold_nobody_up() {
    let mut configuration = NodeMessage::default();
    configuration.settings.push_time = Duration::from_secs(2);
    let node = TestNode::with(Default::default(), configuration).await;
    let owner = stranger();
    let [a, b] = [spawn(&node, &owner, "a").await, spawn(&node, &owner, "b").await];
    let ping = Message::from([("type", "Message"), ("target", &a), ("peer", &b)]);
    let since = Instant::now();
    let answer = post(&node, &format!("/{a}/push"), &signed(&ping, &owner)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(since.elapsed() < Duration::from_secs(20), "within the bound and what it takes");
    assert_eq!(answer.message().get("slot"), Some(&1.into()));
    for _ in 0..3 {
        assert_eq!(node.get("/a?a=5").await.text(), "5", "the node answers others meanwhile");
    }
}
