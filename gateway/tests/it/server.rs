use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use oxbeam_kernel::NodeMessage;
use oxbeam_store::MemoryDisk;
use oxbeam_supervisor::State;

use crate::client::Client;
use crate::node::{TestNode, launch, listening};

const WAIT: &str = "GET /~gated@1.0/wait HTTP/1.1\r\nhost: x\r\naccept-bundle: true";

#[actix_rt::test]
async fn an_address_that_is_taken_is_an_error_of_the_start() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let (listen, bound) = listening(address);
    let failed =
        launch(Arc::default(), listen, NodeMessage::default(), MemoryDisk::default()).await;
    let failed = failed.unwrap_err();
    let text = failed.to_string();
    assert!(text.contains(&format!("failed to listen on {address}")), "{text}");
    assert_eq!(bound.address(), None);
}

#[actix_rt::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let node = TestNode::start().await;
    let mut client = Client::connect(node.address).await;
    client.request(WAIT, b"").await;
    node.gated.reaches(1).await;
    node.root.actor().shutdown();
    let root = node.root.actor();
    root.reaches(|state| matches!(state, State::Stopping)).await;
    node.gated.open.notify_one();
    assert_eq!(client.response().await.text(), "opened");
    root.reaches(|state| state == State::Gone).await;
    assert_eq!(node.gated.under_way.load(SeqCst), 0);
}

#[actix_rt::test]
async fn a_server_that_was_killed_comes_back_at_the_same_port() {
    let node = TestNode::start().await;
    assert_eq!(node.get("/a?a=5").await.text(), "5");
    let rows = node.node.realm().snapshot(None, 1000).rows;
    let gateway = rows.iter().find(|row| row.about.path.ends_with("gateway")).unwrap().about.id;
    let gateway = node.node.realm().find(gateway).unwrap();
    let mut events = node.node.realm().events();
    gateway.kill();
    loop {
        let event = events.recv().await.unwrap();
        if event.actor == gateway.id()
            && matches!(event.what, oxbeam_supervisor::Happening::Started)
        {
            break;
        }
    }
    assert_eq!(node.get("/a?a=6").await.text(), "6");
}
