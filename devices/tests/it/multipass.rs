use oxbeam_kernel::{CallError, Outcome, Status};
use oxbeam_protocol::{Message, Value};

use crate::node::TestNode;
use crate::script::{self, SCRIPT};

fn base() -> Message {
    Message::from([("device", "multipass@1.0"), ("x", "y")])
}

async fn compute(node: &TestNode, base: Message) -> Result<Outcome, CallError> {
    node.context().resolve(base, Message::from([("path", "compute")])).await
}

#[actix_rt::test]
async fn another_pass_is_asked_for_until_all_are_done() {
    let node = TestNode::start().await;
    for (pass, passes, status) in [
        (None, None, Status::Ok),
        (None, Some(Value::from(2)), Status::Pass),
        (Some(Value::from(1)), Some("2".into()), Status::Pass),
        (Some(2.into()), Some(2.into()), Status::Ok),
        (Some(2.into()), Some("10".into()), Status::Pass),
        (Some(3.into()), None, Status::Ok),
    ] {
        let mut base = base();
        base.extend(
            [("pass", pass), ("passes", passes)].into_iter().filter_map(|(k, v)| Some((k, v?))),
        );
        let expected = Outcome { status, value: base.clone().into() };
        assert_eq!(compute(&node, base).await.unwrap(), expected);
    }
}

#[actix_rt::test]
async fn what_is_no_number_is_refused() {
    let node = TestNode::start().await;
    // Reading a number takes time that grows with the square of its length.
    let long = Value::from("9".repeat(41));
    for passes in [Value::from("many"), Message::new().into(), 1.5.into(), "".into(), long] {
        let error = compute(&node, base().with("passes", passes)).await.unwrap_err();
        assert_eq!(error.to_string(), "key passes holds no integer");
    }
}

#[actix_rt::test]
async fn at_the_end_of_a_stack_it_has_the_others_run_as_often() {
    let node = script::node().await;
    let devices: Value = [SCRIPT, "multipass@1.0"].into_iter().map(Value::from).collect();
    let base =
        Message::from([("device", "stack@1.0")]).with("device-stack", devices).with("passes", 3);
    let seen = node.run("/run/seen", base).await.unwrap();
    assert_eq!(seen, Outcome::ok("- 1.1- 1.2- 1.3-"));
}
