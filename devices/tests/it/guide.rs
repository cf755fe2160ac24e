//! The device of `docs/write-a-device.md` works, and is the one that the guide shows.

use std::sync::Arc;

use oxbeam_kernel::{NodeMessage, Outcome, Row};
use oxbeam_protocol::{Message, Value};

use crate::node::TestNode;

#[path = "guide/greet.rs"]
mod greet;

const GUIDE: &str = include_str!("../../../docs/write-a-device.md");
const DEVICE: &str = include_str!("guide/greet.rs");

async fn node() -> TestNode {
    let row = Row { names: &["greet@1.0"], device: Arc::new(greet::Greet) };
    TestNode::with_devices(NodeMessage::default(), vec![row]).await
}

#[test]
fn the_guide_shows_this_device() {
    let shown = GUIDE.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shown, DEVICE);
}

#[actix_rt::test]
async fn whoever_is_named_is_greeted() {
    let node = node().await;
    let base = Message::from([("device", "greet@1.0")]);
    let named = base.clone().with("name", "Ada");
    assert_eq!(node.run("/hello", named).await.unwrap(), Outcome::ok("hello, Ada"));
    let stranger = node.run("/hello", base.clone()).await.unwrap();
    assert_eq!(stranger, Outcome::ok("hello, stranger"));
    let odd = base.with("name", 5).with("path", "/hello");
    assert_eq!(node.node.answer(odd).await.status, 400);
}

#[actix_rt::test]
async fn greetings_are_counted() {
    let node = node().await;
    let base = Message::from([("device", "greet@1.0")]);
    let greeted = node.run("/count/count/greeted", base.clone()).await.unwrap();
    assert_eq!(greeted, Outcome::ok(Value::from(2)));
    let error = node.run("/count", base.with("greeted", "often")).await.unwrap_err();
    assert_eq!(error.to_string(), "key greeted holds no integer");
}
