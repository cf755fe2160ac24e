use oxbeam_kernel::Outcome;
use oxbeam_protocol::{List, Message, Value};

use crate::node::TestNode;

#[actix_rt::test]
async fn slots_are_remembered_latest_first() {
    let node = TestNode::start().await;
    let base = Message::from([("device", "test-device@1.0")]);
    let path = |path: &'static str| Message::from([("path", path)]);
    assert!(node.context().resolve(base.clone(), path("compute").with("slot", 0)).await.is_err());
    let mut state = node.context().resolve(base, path("init")).await.unwrap().value;
    for slot in [0, 1] {
        let request = path("compute").with("slot", slot);
        state = node.context().resolve(state, request).await.unwrap().value;
    }
    let state = state.as_map().unwrap();
    let seen: List = [Value::from(1), Value::from(0)].into_iter().collect();
    assert_eq!(state.get("already-seen"), Some(&seen.into()));
    assert_eq!(state.get("results"), Some(&Message::from([("assignment-slot", 1)]).into()));
    assert_eq!(state.get("random-key"), Some(&"random-value".into()));
}

#[actix_rt::test]
async fn the_fixed_answers_are_those_of_the_reference() {
    let node = TestNode::start().await;
    let run = |path: &'static str| node.run(path, Message::new());
    assert_eq!(run("/~test-device@1.0/test_func").await.unwrap(), Outcome::ok("GOOD_FUNCTION"));
    let body = |outcome: Outcome| outcome.value.as_map().unwrap().get("body").unwrap().clone();
    let index = run("/~test-device@1.0/index").await.unwrap();
    assert_eq!(body(index), "i like turtles!".into());
    let index = run("/~test-device@1.0&name=dogs/load/index").await.unwrap();
    assert_eq!(body(index), "i like dogs!".into());
    let restore = run("/~test-device@1.0/restore").await.unwrap();
    assert_eq!(restore, Outcome::error("No viable state to restore."));
    let slept = run("/~test-device@1.0&duration+integer=1/delay").await.unwrap();
    assert_eq!(slept, Outcome::ok(Message::from([("result", "slept")])));
}

#[actix_rt::test]
async fn a_product_needs_two_integers() {
    let node = TestNode::start().await;
    let base = Message::from([("device", "test-device@1.0")]).with("state", Message::new());
    let args = |args: &[i64]| {
        let args: List = args.iter().copied().map(Value::from).collect();
        Message::from([("path", "mul")]).with("args", args)
    };
    let product = node.context().resolve(base.clone(), args(&[6, 7])).await.unwrap().value;
    let results: List = [Value::from(42)].into_iter().collect();
    assert_eq!(product.as_map().unwrap().get("results"), Some(&results.into()));
    assert!(node.context().resolve(base, args(&[6])).await.is_err());
}
