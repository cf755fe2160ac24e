//! What those see who watch the program, and those who decide whether to send it requests.

use std::net::Ipv4Addr;
use std::sync::Arc;

use oxbeam_gateway::http::{Limits, Listen};
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::Message;
use oxbeam_store::MemoryDisk;
use oxbeam_supervisor::State;

use crate::client::{Client, Response};
use crate::node::{Gated, TestNode, launch};
use crate::wire::{post, signed, stranger};

const WAIT: &str = "GET /~gated@1.0/wait HTTP/1.1\r\nhost: x\r\naccept-bundle: true";

async fn ask(address: std::net::SocketAddr, target: &str) -> Response {
    let mut client = Client::connect(address).await;
    client.request(&format!("GET {target} HTTP/1.1\r\nhost: x"), b"").await;
    client.response().await
}

#[actix_rt::test]
async fn a_node_that_runs_is_healthy_and_ready_and_signs_neither() {
    let node = TestNode::start().await;
    for target in ["/healthz", "/readyz"] {
        let answer = ask(node.address, target).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        assert!(!answer.headers.contains_key("signature"), "{}", answer.head);
    }
}

#[actix_rt::test]
async fn the_same_names_elsewhere_are_keys_of_messages() {
    let node = TestNode::start().await;
    assert_eq!(node.get("/healthz?healthz=5").await.text(), "5");
    assert_eq!(node.get("/~message@1.0&healthz=7/healthz").await.text(), "7");
}

#[actix_rt::test]
async fn a_node_that_lets_nobody_in_still_answers_probes() {
    let node = TestNode::limited(Limits { requests: 1, ..Limits::default() }).await;
    let mut client = Client::connect(node.address).await;
    client.request(WAIT, b"").await;
    node.gated.reaches(1).await;
    assert_eq!(node.get("/a?a=5").await.status, 503);
    assert_eq!(ask(node.address, "/healthz").await.status, 200);
    assert_eq!(ask(node.address, "/readyz").await.status, 200);
    node.gated.open.notify_one();
    assert_eq!(client.response().await.text(), "opened");
}

#[actix_rt::test]
async fn a_node_that_starts_is_healthy_and_not_ready() {
    let gated = Arc::new(Gated::default());
    let handler = Message::from([("device", "gated@1.0"), ("path", "wait")])
        .with("hook", Message::from([("result", "ignore")]));
    let on = Message::new().with("on", Message::new().with("start", handler));
    let configuration = NodeMessage::from_message(&on).unwrap();
    let listen = Listen::new((Ipv4Addr::LOCALHOST, 0).into());
    listen.open().unwrap();
    let address = listen.bound().address().unwrap();
    let launched = launch(gated.clone(), listen, configuration, MemoryDisk::default());
    let seen = async {
        gated.reaches(1).await;
        let answer = ask(address, "/readyz").await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text(), "not ready: the node is starting: its start hook is running\n");
        assert_eq!(ask(address, "/healthz").await.status, 200);
        let other = ask(address, "/a?a=5").await;
        assert_eq!((other.status, &*other.headers["retry-after"]), (503, "1"));
        gated.open.notify_one();
    };
    let (launched, ()) = futures_util::future::join(launched, seen).await;
    let (_node, root) = launched.unwrap();
    // Whoever was told to come back may have been let in just before the gateway took over.
    let ready = async { while ask(address, "/readyz").await.status != 200 {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), ready).await.unwrap();
    assert_eq!(ask(address, "/a?a=5").await.status, 200);
    root.actor().kill();
}

#[actix_rt::test]
async fn a_node_that_stops_is_not_ready_while_requests_go_on() {
    let node = TestNode::start().await;
    let mut client = Client::connect(node.address).await;
    client.request(WAIT, b"").await;
    node.gated.reaches(1).await;
    let root = node.root.actor();
    root.shutdown();
    let gateway = node.node.realm().snapshot(None, 1000).rows;
    let gateway = gateway.iter().find(|row| row.about.path.ends_with("gateway")).unwrap().about.id;
    let gateway = node.node.realm().find(gateway).unwrap();
    gateway.reaches(|state| state == State::Stopping).await;
    let stopping = async { while ask(node.address, "/readyz").await.status != 503 {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), stopping).await.unwrap();
    assert_eq!(ask(node.address, "/readyz").await.text(), "not ready: the node is stopping\n");
    assert_eq!(ask(node.address, "/healthz").await.status, 200);
    node.gated.open.notify_one();
    assert_eq!(client.response().await.text(), "opened");
    root.reaches(|state| state == State::Gone).await;
}

#[actix_rt::test]
async fn a_node_that_cannot_write_is_not_ready_until_there_is_space() {
    let node = TestNode::start().await;
    node.disk.set_capacity(Some(node.disk.used()));
    let message = signed(&Message::from([("type", "Message"), ("a", "1")]), &stranger());
    // What is signed is kept, or not.
    post(&node, "/~message@1.0/a", &message).await;
    let answer = ask(node.address, "/readyz").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().starts_with("not ready: nothing can be written: the disk is full"));
    assert_eq!(ask(node.address, "/healthz").await.status, 200);
    node.disk.set_capacity(None);
    let ready = async { while ask(node.address, "/readyz").await.status != 200 {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), ready).await.unwrap();
}
