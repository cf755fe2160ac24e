use oxbeam_kernel::{CallError, Outcome};
use oxbeam_protocol::Message;

use crate::node::TestNode;

fn base() -> Message {
    Message::from([("device", "apply@1.0")])
}

fn body(sentence: &str) -> Outcome {
    Outcome::error(Message::from([("body", sentence)]))
}

async fn ask(node: &TestNode, base: Message, request: Message) -> Result<Outcome, CallError> {
    node.context().resolve(base, request).await
}

#[actix_rt::test]
async fn a_path_that_the_message_holds_is_evaluated_on_it() {
    let node = TestNode::start().await;
    let base = base()
        .with("user-path", "/user-request/test-key")
        .with("user-request", Message::from([("test-key", "DATA")]));
    let answer = node.node.answer(base.with("path", "/user-path")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.message.get("body"), Some(&"DATA".into()));
}

#[actix_rt::test]
async fn a_path_that_is_not_there_is_named() {
    let node = TestNode::start().await;
    let answer = node.node.answer(base().with("path", "/nothing")).await;
    let sentence = "Path `nothing` to execute not found.";
    let expected = Message::from([("ao-result", "body"), ("body", sentence)]).with("status", 400);
    assert_eq!((answer.status, answer.message), (400, expected));
}

#[actix_rt::test]
async fn a_request_with_base_and_request_is_applied_under_the_key() {
    let node = TestNode::start().await;
    let build = base().with("node", "Oxbeam");
    let request = Message::from([
        ("path", "node"),
        ("node", "TEST"),
        ("base", "request:"),
        ("request", "base:"),
    ]);
    assert_eq!(ask(&node, build, request).await.unwrap(), Outcome::ok("TEST"));
}

#[actix_rt::test]
async fn a_pair_is_named_by_paths_in_either_message() {
    let node = TestNode::start().await;
    let base = base()
        .with("data-container", Message::from([("relevant", "DATA")]))
        .with("base", "data-container");
    let request =
        Message::from([("path", "pair"), ("request", "data-path"), ("data-path", "relevant")]);
    let outcome = ask(&node, base.clone(), request.clone()).await.unwrap();
    assert_eq!(outcome, Outcome::ok("DATA"));
    for (name, path) in [
        ("request", "request:data-path"),
        ("request", "req:data-path"),
        ("base", "base:data-container"),
    ] {
        let request = request.clone().with(name, path);
        assert_eq!(ask(&node, base.clone(), request).await.unwrap(), Outcome::ok("DATA"), "{path}");
    }
}

#[actix_rt::test]
async fn a_source_may_be_named() {
    let node = TestNode::start().await;
    let base = base()
        .with("source", "base:there")
        .with("there", Message::from([("run", "/x/y")]).with("x", Message::from([("y", "5")])));
    assert_eq!(node.run("/run", base.clone()).await.unwrap(), Outcome::ok("5"));
    let lost = base.with("source", "nowhere");
    assert_eq!(
        node.run("/run", lost).await.unwrap(),
        body("Source path `nowhere` to apply not found.")
    );
}

#[actix_rt::test]
async fn a_prefix_says_in_which_message_the_path_is_looked_up() {
    let node = TestNode::start().await;
    let base = base().with("p", "/a").with("a", "of the base").with("b", "also");
    let request = |path: &str| Message::from([("path", path), ("p", "/b")]);
    assert_eq!(ask(&node, base.clone(), request("p")).await.unwrap(), Outcome::ok("also"));
    assert_eq!(
        ask(&node, base.clone(), request("base:p")).await.unwrap(),
        Outcome::ok("of the base")
    );
    assert_eq!(ask(&node, base, request("request:p")).await.unwrap(), Outcome::ok("also"));
}

#[actix_rt::test]
async fn what_is_missing_in_a_pair_is_named() {
    let node = TestNode::start().await;
    let pair = Message::from([("path", "pair")]);
    let none = ask(&node, base(), pair.clone()).await.unwrap();
    assert_eq!(none, body("Path `request` to apply not found."));
    let half = ask(&node, base(), pair.clone().with("request", "base:")).await.unwrap();
    assert_eq!(half, body("Path `base` to apply not found."));
    let lost = pair.clone().with("request", "base:").with("base", "a/b");
    assert_eq!(
        ask(&node, base(), lost).await.unwrap(),
        body("Source path `a/b` to apply not found.")
    );
    for path in ["/", "other:x"] {
        let outcome = ask(&node, base(), pair.clone().with("request", path)).await.unwrap();
        assert_eq!(outcome, body(&format!("Path `{path}` is invalid.")));
    }
    let odd = ask(&node, base(), pair.with("request", Message::new())).await.unwrap();
    assert_eq!(odd, body("Path `that is no text` is invalid."));
}

#[actix_rt::test]
async fn plain_keys_are_those_of_a_message() {
    let node = TestNode::start().await;
    let outcome = node.run("/keys", base().with("keys", "/device")).await.unwrap();
    assert_ne!(outcome, Outcome::ok("apply@1.0"), "it is no path to evaluate");
}

#[actix_rt::test]
async fn a_path_that_leads_back_to_itself_is_ended() {
    let node = TestNode::start().await;
    let itself = base().with("loop", "/loop").with("source", "base:");
    let error = node.run("/loop", itself).await.unwrap_err();
    assert!(matches!(error, CallError::TooDeep { .. }), "{error:?}");
}

#[actix_rt::test]
async fn a_pair_that_applies_itself_is_ended() {
    let node = TestNode::start().await;
    let pair = base().with("path", "pair").with("base", "base:").with("request", "request:");
    let error = ask(&node, pair.clone(), pair).await.unwrap_err();
    assert_eq!(error.http_status(), 508);
}
