//! Streams of what happens to a process.

use std::time::Duration;

use oxbeam_gateway::http::Limits;
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Message, Wallet};

use crate::client::Client;
use crate::node::TestNode;
use crate::processes::{message_to, spawn};
use crate::wire::{post, signed, stranger};

async fn open(node: &TestNode, target: &str, more: &str) -> Client {
    let mut client = Client::connect(node.address).await;
    let accept = "accept: text/event-stream";
    client.request(&format!("GET {target} HTTP/1.1\r\nhost: test\r\n{accept}{more}"), b"").await;
    client
}

async fn schedule(node: &TestNode, process: &str, owner: &Wallet) {
    let answer = post(node, &format!("/{process}/schedule"), &message_to(process, owner)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[actix_rt::test]
async fn what_is_scheduled_comes_as_it_is_scheduled() {
    let node = TestNode::start().await;
    let owner = stranger();
    let process = spawn(&node, &owner, "p").await;
    let mut log = open(&node, &format!("/{process}/log"), "").await;
    let head = log.until("id: 0\n").await;
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    log.until("\n\n").await;
    schedule(&node, &process, &owner).await;
    let event = log.until("\n\n").await;
    assert!(event.contains("id: 1\ndata: {"), "{event}");
    assert!(event.contains("\"hash-chain\"") && event.contains("\"data\":\"same\""), "{event}");
}

#[actix_rt::test]
async fn results_are_computed_for_who_follows_them() {
    let node = TestNode::start().await;
    let owner = stranger();
    let process = spawn(&node, &owner, "p").await;
    schedule(&node, &process, &owner).await;
    let target = format!("/{process}~process@1.0/results?from=1&to=1");
    let all = open(&node, &target, "").await.until("\r\n0\r\n\r\n").await;
    assert!(all.contains("id: 1\ndata: {") && !all.contains("id: 0\n"), "{all}");
    assert!(all.contains("\"hashpath\":\"") && all.contains("\"result\":\""), "{all}");
}

#[actix_rt::test]
async fn a_stream_goes_on_behind_the_last_event_that_was_received() {
    let node = TestNode::start().await;
    let owner = stranger();
    let process = spawn(&node, &owner, "p").await;
    for _ in 0..3 {
        schedule(&node, &process, &owner).await;
    }
    let target = format!("/{process}/log?to=3");
    let rest = open(&node, &target, "\r\nlast-event-id: 1").await.until("\r\n0\r\n\r\n").await;
    let ids: Vec<&str> = rest.lines().filter_map(|line| line.split("id: ").nth(1)).collect();
    assert_eq!(ids, ["2", "3"], "{rest}");
    let wrong = open(&node, &target, "\r\nlast-event-id: last").await.response().await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.text(), "last-event-id of a stream is the number of a slot");
}

#[actix_rt::test]
async fn a_slot_without_a_result_is_told_and_the_stream_stays() {
    let limits = Limits { stream_pause: Duration::from_millis(200), ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let owner = stranger();
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "lua@5.3a"),
        ("scheduler", node.node.address()),
    ]);
    let script = Message::from([("body", "function compute() error('boom', 0) end")]);
    let module = [script.into()].into_iter().collect::<oxbeam_protocol::List>();
    let definition = signed(&definition.with("module", module), &owner);
    post(&node, "/~scheduler@1.0/schedule", &definition).await;
    let process = oxbeam_protocol::commitment::signed_id(&definition.into()).unwrap();
    let mut results = open(&node, &format!("/{process}/results"), "").await;
    results.until("event: failed\ndata: {").await;
    let told = results.until(": still there\n\n").await;
    assert!(told.contains("boom") && !told.contains("event: "), "{told}");
}

#[actix_rt::test]
async fn streams_are_limited_and_leave_room_for_requests() {
    let limits = Limits { streams: 2, streams_of_client: 1, requests: 1, ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let process = spawn(&node, &stranger(), "p").await;
    let target = format!("/{process}/log");
    let mut first = open(&node, &target, "").await;
    first.until("id: 0\n").await;
    let second = open(&node, &target, "").await.response().await;
    assert_eq!((second.status, &*second.headers["retry-after"]), (429, "1"));
    assert_eq!(node.get(&format!("/{process}/slot/current")).await.text(), "0");
}

#[actix_rt::test]
async fn streams_end_when_the_node_stops() {
    let node = TestNode::start().await;
    let process = spawn(&node, &stranger(), "p").await;
    let mut log = open(&node, &format!("/{process}/log"), "").await;
    log.until("id: 0\n").await;
    node.root.actor().shutdown();
    let rest = String::from_utf8(log.rest().await).unwrap();
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "{rest}");
}

#[actix_rt::test]
async fn only_who_asks_for_events_gets_them_and_only_of_a_process() {
    let node = TestNode::start().await;
    let process = spawn(&node, &stranger(), "p").await;
    let key = node.get(&format!("/{process}/log")).await;
    assert_eq!(key.status, 404, "a key of the definition: {}", key.text());
    let nobody = oxbeam_protocol::Id::of(b"nobody");
    let unknown = open(&node, &format!("/{nobody}/log"), "").await.response().await;
    assert_eq!(unknown.status, 404, "{}", unknown.text());
}

#[actix_rt::test]
async fn what_guards_requests_guards_streams() {
    let mut configuration = NodeMessage::default();
    configuration.message.insert("initialized", "false");
    let node = TestNode::with(Limits::default(), configuration).await;
    let process = oxbeam_protocol::Id::of(b"process");
    let refused = open(&node, &format!("/{process}/log"), "").await.response().await;
    assert_eq!(refused.text(), "Node must be initialized before use.");
}
