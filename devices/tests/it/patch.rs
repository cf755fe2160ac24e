use oxbeam_kernel::{CallError, Outcome};
use oxbeam_protocol::{Message, Value};
use oxbeam_store::Persist;

use crate::node::TestNode;

fn prices(apple: i64) -> Message {
    Message::new().with("prices", Message::from([("apple", apple)]))
}

/// The example of the spec.
fn base() -> Message {
    let outbox = Message::new()
        .with("1", prices(100).with("method", "PATCH"))
        .with("2", prices(1000).with("method", "GET"));
    Message::from([("device", "patch@1.0"), ("patch-from", "/results/outbox"), ("patch-to", "/")])
        .with("results", Message::from([("outbox", outbox)]))
}

async fn ask(node: &TestNode, base: Message, request: Message) -> Result<Outcome, CallError> {
    node.context().resolve(base, request).await
}

async fn state(node: &TestNode, base: Message, key: &str) -> Message {
    let outcome = ask(node, base, Message::from([("path", key)])).await.unwrap();
    assert!(outcome.is_ok(), "{outcome:?}");
    outcome.value.as_map().unwrap().clone()
}

async fn at(node: &TestNode, message: &Message, path: &str) -> Option<Value> {
    node.context().find(message, path).await.unwrap()
}

#[actix_rt::test]
async fn patches_are_moved_and_the_rest_stays() {
    let node = TestNode::start().await;
    for key in ["compute", "patches"] {
        let state = state(&node, base(), key).await;
        let rest = Message::new().with("2", prices(1000).with("method", "GET"));
        let expected = base()
            .with("results", Message::from([("outbox", rest)]))
            .with("prices", Message::from([("apple", 100)]));
        assert_eq!(state, expected);
    }
}

#[actix_rt::test]
async fn a_patch_merges_into_what_is_there() {
    let node = TestNode::start().await;
    let there = Message::from([("apple", 1000), ("pear", 5)]);
    let base = base().with("patch-to", "/state").with("state", Message::from([("prices", there)]));
    let state = state(&node, base, "compute").await;
    assert_eq!(at(&node, &state, "state/prices/apple").await, Some(100.into()));
    assert_eq!(at(&node, &state, "state/prices/pear").await, Some(5.into()));
}

#[actix_rt::test]
async fn patches_merge_in_the_order_of_their_keys() {
    let node = TestNode::start().await;
    let patch = |text: &str| Message::from([("method", "PATCH"), ("x", text), (text, "there")]);
    let outbox = Message::from([("b", patch("b")), ("a", patch("a"))]);
    let base = base().with("results", Message::from([("outbox", outbox)]));
    let state = state(&node, base, "compute").await;
    assert_eq!(state.get("x"), Some(&"b".into()));
    assert_eq!(state.get("a"), Some(&"there".into()));
    assert!(!state.contains("method"));
}

#[actix_rt::test]
async fn a_patch_is_known_by_its_device_which_it_leaves() {
    let node = TestNode::start().await;
    let outbox = Message::new()
        .with("a", Message::from([("device", "patch@1.0"), ("y", "2")]))
        .with("b", Message::from([("device", "no-such-device@1.0"), ("z", "3")]))
        .with("c", Message::from([("method", "patch")]))
        .with("d", "text");
    let base = base().with("device", "patch@1.0").with("outbox", outbox.clone());
    let state = state(&node, base.with("patch-from", "outbox"), "compute").await;
    assert_eq!(state.get("y"), Some(&"2".into()));
    assert_eq!(state.get("outbox"), Some(&outbox.without(&["a"]).into()));
}

#[actix_rt::test]
async fn all_moves_everything() {
    let node = TestNode::start().await;
    let request = Message::from([("path", "all"), ("patch-to", "/state")]);
    let outcome = ask(&node, base(), request).await.unwrap();
    let state = outcome.value.as_map().unwrap();
    assert_eq!(at(&node, state, "state/1/prices/apple").await, Some(100.into()));
    assert_eq!(at(&node, state, "state/2/method").await, Some("GET".into()));
    assert_eq!(state.get("results"), Some(&Message::new().into()));
}

#[actix_rt::test]
async fn the_request_says_where_before_the_base_does() {
    let node = TestNode::start().await;
    let request = Message::from([("path", "compute"), ("patch-from", "/none")]);
    assert!(ask(&node, base(), request).await.unwrap().is_not_found());
    let request = Message::from([("path", "compute"), ("from", "/none")]);
    let outcome = ask(&node, base(), request).await.unwrap();
    assert!(outcome.is_ok(), "patch-from of the base comes before from of the request");
}

#[actix_rt::test]
async fn a_source_in_the_request_changes_the_request() {
    let node = TestNode::start().await;
    let request = base().with("path", "compute").with("patch-from", "req:/results/outbox");
    let request = request.without(&["device"]);
    let target = Message::from([("device", "patch@1.0"), ("of", "base")]);
    let outcome = ask(&node, target.clone(), request.clone()).await.unwrap();
    let state = outcome.value.as_map().unwrap();
    assert_eq!(at(&node, state, "prices/apple").await, Some(100.into()));
    assert!(!state.contains("of"));
    let request = request.with("patch-from", "base:of");
    assert!(ask(&node, target, request).await.is_err(), "text is no map of patches");
}

#[actix_rt::test]
async fn a_list_of_messages_is_a_source_too() {
    let node = TestNode::start().await;
    let mut base = base();
    let patch = |n: i64| Message::from([("total", n)]).with("method", "PATCH");
    let other = Message::from([("target", "t")]);
    let list: Value = [patch(1), other.clone(), patch(2)].into_iter().map(Value::from).collect();
    base.insert("results", Message::from([("outbox", list)]));
    let after = state(&node, base.clone(), "compute").await;
    assert_eq!(after.get("total"), Some(&2.into()));
    let rest = Message::new().with("2", other.clone());
    assert_eq!(after.get("results"), Some(&Message::from([("outbox", rest)]).into()));
    let none: Value = [other].into_iter().map(Value::from).collect();
    base.insert("results", Message::from([("outbox", none)]));
    assert_eq!(state(&node, base.clone(), "compute").await, base, "nothing to move");
}

#[actix_rt::test]
async fn what_is_linked_is_merged_and_not_replaced() {
    let node = TestNode::start().await;
    let there = Message::new().with("prices", Message::from([("apple", 1), ("pear", 5)]));
    let contents = node.node.contents().unwrap();
    let whole = base().with("state", there).with("patch-to", "/state");
    let id = contents.keep(&crate::node::proven(&whole), Persist::Buffered).await.unwrap();
    let kept = contents.read(id).await.unwrap().unwrap().as_map().unwrap().clone();
    assert!(matches!(kept.get("results"), Some(Value::Link(_))));
    let loaded = Value::from(state(&node, kept, "compute").await);
    let loaded = node.context().load_all(loaded).await.unwrap();
    assert_eq!(loaded, state(&node, whole, "compute").await.into());
}

#[actix_rt::test]
async fn a_source_that_is_not_there_is_not_found() {
    let node = TestNode::start().await;
    for from in ["/none", "/results/none/deeper", "/results/outbox/1/method/x"] {
        let request = Message::from([("path", "compute"), ("patch-from", from)]);
        assert!(ask(&node, base(), request).await.unwrap().is_not_found(), "{from}");
    }
    let answer =
        node.node.answer(base().with("path", "/patches").with("patch-from", "/none")).await;
    assert_eq!(answer.status, 404);
}

#[actix_rt::test]
async fn sources_and_targets_that_make_no_sense_are_refused() {
    let node = TestNode::start().await;
    for (from, to) in [("/", "/x"), ("base:", "/x"), ("/results/outbox/1/method", "/")] {
        let request = Message::from([("path", "compute"), ("patch-from", from), ("patch-to", to)]);
        let error = ask(&node, base(), request).await.unwrap_err();
        assert_eq!(error.http_status(), 500, "{from}");
    }
    let all = Message::from([("path", "all"), ("patch-from", "/results/outbox/1/method")]);
    let error = ask(&node, base(), all).await.unwrap_err();
    assert_eq!(error.to_string(), "only a map can be merged into the whole message");
    let path = Message::from([("path", "compute")]).with("patch-from", 5);
    let error = ask(&node, base(), path).await.unwrap_err();
    assert_eq!(error.to_string(), "patch-from is no path");
}

#[actix_rt::test]
async fn hooks_of_a_process_leave_the_state_and_other_keys_are_plain() {
    let node = TestNode::start().await;
    for key in ["init", "normalize"] {
        assert_eq!(state(&node, base(), key).await, base());
    }
    assert!(node.run("/snapshot", base()).await.unwrap().is_not_found());
    assert_eq!(node.run("/patch-to", base()).await.unwrap(), Outcome::ok("/"));
}

#[actix_rt::test]
async fn over_http_the_answer_is_the_patched_message() {
    let node = TestNode::start().await;
    let outbox = Message::new()
        .with("a", Message::from([("method", "PATCH")]).with("x", 1))
        .with("b", Message::from([("device", "patch@1.0")]).with("y", Message::from([("z", "2")])))
        .with("c", Message::from([("keep", "me")]));
    let rest = Message::new().with("c", Message::from([("keep", "me")]));
    let request = Message::from([("device", "patch@1.0"), ("patch-from", "/outbox"), ("k", "v")]);
    let answer = node.node.answer(request.clone().with("outbox", outbox).with("path", "/patches"));
    let expected = request
        .with("outbox", rest)
        .with("x", 1)
        .with("y", Message::from([("z", "2")]))
        .with("status", 200);
    assert_eq!(answer.await.message, expected);
}
