use oxbeam_kernel::{CallError, Outcome, Status};
use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Message, Value};

use crate::node::TestNode;
use crate::script::{self, SCRIPT};

fn base() -> Message {
    Message::from([("device", "dedup@1.0")])
}

async fn compute(node: &TestNode, base: Message, request: Message) -> Result<Outcome, CallError> {
    node.context().resolve(base, request.with("path", "compute")).await
}

fn body(text: &str) -> Message {
    Message::new().with("body", Message::from([("a", text)]))
}

fn id(message: &Message) -> Value {
    commitment::signed_id(&message.clone().into()).unwrap().to_string().into()
}

fn seen<const N: usize>(ids: [Value; N]) -> Value {
    ids.into_iter().collect()
}

#[actix_rt::test]
async fn a_message_is_noted_once_the_newest_first() {
    let node = TestNode::start().await;
    let (one, two) = (Message::from([("a", "1")]), Message::from([("a", "2")]));
    let first = compute(&node, base(), body("1")).await.unwrap();
    assert_eq!(first, Outcome::ok(base().with("dedup", seen([id(&one)]))));
    let state = first.value.as_map().unwrap().clone();
    let second = compute(&node, state, body("2")).await.unwrap();
    let state = base().with("dedup", seen([id(&two), id(&one)]));
    assert_eq!(second, Outcome::ok(state.clone()));
    let again = compute(&node, state.clone(), body("1")).await.unwrap();
    assert_eq!(again, Outcome { status: Status::Skip, value: state.into() });
}

#[actix_rt::test]
async fn a_signed_message_is_known_by_its_signers_id() {
    let node = TestNode::start().await;
    let message = Message::from([("a", "1")]);
    let signed = node.node.commit(message.clone(), CommitRequest::default()).await.unwrap();
    let noted = compute(&node, base(), Message::new().with("body", signed.clone())).await.unwrap();
    assert_eq!(noted, Outcome::ok(base().with("dedup", seen([id(&signed)]))));
    assert_ne!(id(&signed), id(&message));
}

#[actix_rt::test]
async fn only_the_first_pass_looks() {
    let node = TestNode::start().await;
    let later = base().with("pass", 2);
    assert_eq!(compute(&node, later.clone(), body("1")).await.unwrap(), Outcome::ok(later));
    let first = compute(&node, base().with("pass", 1), body("1")).await.unwrap();
    assert!(first.value.as_map().unwrap().contains("dedup"));
}

#[actix_rt::test]
async fn without_a_subject_nothing_changes() {
    let node = TestNode::start().await;
    let outcome = compute(&node, base(), Message::new()).await.unwrap();
    assert_eq!(outcome, Outcome::ok(base()));
}

#[actix_rt::test]
async fn the_subject_is_what_dedup_subject_says() {
    let node = TestNode::start().await;
    let note = Message::from([("n", "1")]);
    let by_base = base().with("dedup-subject", "note").with("note", note.clone());
    let outcome = compute(&node, by_base.clone(), Message::from([("dedup-subject", "x")])).await;
    assert_eq!(outcome.unwrap(), Outcome::ok(by_base.with("dedup", seen([id(&note)]))));
    let request = Message::from([("dedup-subject", "note")]).with("note", note.clone());
    let outcome = compute(&node, base(), request).await.unwrap();
    assert_eq!(outcome, Outcome::ok(base().with("dedup", seen([id(&note)]))));
    let whole = Message::from([("dedup-subject", "request"), ("path", "compute")]);
    let outcome = compute(&node, base(), whole.clone()).await.unwrap();
    assert_eq!(outcome, Outcome::ok(base().with("dedup", seen([id(&whole)]))));
}

#[actix_rt::test]
async fn a_list_that_is_none_is_refused() {
    let node = TestNode::start().await;
    for base in
        [base().with("dedup", "x"), base().with("dedup-subject", 5), base().with("pass", "a")]
    {
        assert_eq!(compute(&node, base, body("1")).await.unwrap_err().http_status(), 500);
    }
}

#[actix_rt::test]
async fn in_front_of_a_stack_it_keeps_repeats_from_the_others() {
    let node = script::node().await;
    let devices: Value =
        ["dedup@1.0", SCRIPT, "multipass@1.0"].into_iter().map(Value::from).collect();
    let mut state =
        Message::from([("device", "stack@1.0")]).with("device-stack", devices).with("passes", 2);
    for text in ["1", "1", "2", "2"] {
        let request = body(text).with("path", "run").with("bin", text);
        let outcome = node.context().resolve(state, request).await.unwrap();
        assert!(outcome.is_ok());
        state = outcome.value.as_map().unwrap().clone();
    }
    assert_eq!(state.get("seen"), Some(&"- 2.11 2.21 2.12 2.22".into()));
    assert_eq!(state.get("dedup").unwrap().as_list().unwrap().len(), 2);
}
