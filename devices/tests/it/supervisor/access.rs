//! Who may see and do what, and what is written down of it.

use oxbeam_protocol::{Message, Value};

use super::{ask, configured, number, of, operator, order, rows, seen, text};
use crate::node::{TestNode, signed};

/// Every action, with what it is asked for.
fn actions() -> [(&'static str, Message); 6] {
    let timers = || Message::from([("actor", "node/timers")]);
    let process = oxbeam_protocol::Id::of(b"p").to_string();
    [
        ("restart", timers()),
        ("suspend", timers()),
        ("resume", timers()),
        ("trace", timers().with("messages", 1)),
        ("abandon", Message::from([("process", process.as_str())])),
        ("redrive", Message::from([("all", "true")])),
    ]
}

async fn audit(node: &TestNode, of: &str, signer: &oxbeam_protocol::Wallet) -> Vec<Message> {
    rows(&seen(node, "audit", Message::from([("of", of)]), signer).await, "entries")
}

#[actix_rt::test]
async fn nobody_but_the_operator_acts_and_each_try_is_written_down() {
    let (operator, stranger) = (operator(), super::operator());
    let node = TestNode::configured(of(&operator)).await;
    for (action, request) in actions() {
        let unsigned = node.answer(order(action, request.clone())).await;
        assert_eq!(unsigned.status, 403, "{action}: {unsigned:?}");
        let refused = ask(&node, action, request.clone(), &stranger).await;
        assert_eq!(refused.status, 403, "{action}: {refused:?}");
        let of_node = node.answer_own(order(action, request)).await;
        assert_eq!(of_node.status, 403, "{action}: the node has an operator: {of_node:?}");
    }
    assert!(audit(&node, "acts", &operator).await.is_empty());
    let refusals = audit(&node, "refusals", &operator).await;
    assert!((1..=18).contains(&refusals.len()), "so many a second, and no more");
    let first = refusals.last().unwrap();
    assert_eq!(text(first, "action"), "restart");
    assert_eq!(text(first, "outcome"), "refused");
    assert_eq!(first.get("by").and_then(Value::as_list).unwrap().len(), 0);
    let about = first.get("about").and_then(Value::as_map).unwrap();
    assert_eq!(text(about, "actor"), "node/timers");
}

#[actix_rt::test]
async fn the_operator_acts_and_what_came_of_it_is_written_down() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let mut expected = Vec::new();
    for (action, request) in actions() {
        let answer = ask(&node, action, request, &operator).await;
        let done = answer.status == 200;
        assert!(
            done || matches!((action, answer.status), ("resume", 409) | ("abandon", 404)),
            "{action}: {answer:?}"
        );
        expected.insert(0, (action.to_owned(), if done { "done" } else { "failed" }.to_owned()));
    }
    let acts = audit(&node, "acts", &operator).await;
    let told: Vec<_> =
        acts.iter().map(|entry| (text(entry, "action"), text(entry, "outcome"))).collect();
    assert_eq!(told, expected);
    for entry in &acts {
        let by = entry.get("by").and_then(Value::as_list).unwrap();
        let address = operator.address().to_string();
        assert!(by[0].is_name(&address), "{by:?}");
        assert_eq!(text(entry, "commitment").len(), 43);
        assert!(number(entry, "at") > 0);
    }
}

#[actix_rt::test]
async fn an_order_is_carried_out_once() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let order = signed(
        &order("trace", Message::from([("actor", "node/timers"), ("messages", "5")])),
        &operator,
    );
    assert_eq!(node.answer(order.clone()).await.status, 200);
    for _ in 0..2 {
        let again = node.answer(order.clone()).await;
        assert_eq!(again.status, 409, "{again:?}");
    }
    assert_eq!(audit(&node, "acts", &operator).await.len(), 1);
    assert_eq!(text(&audit(&node, "refusals", &operator).await[0], "outcome"), "repeated");
}

#[actix_rt::test]
async fn an_order_that_is_given_twice_at_the_same_time_is_carried_out_once() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    for (action, request) in actions() {
        let order = signed(&order(action, request), &operator);
        let (one, other) = tokio::join!(node.answer(order.clone()), node.answer(order));
        let repeated = |answer: &oxbeam_kernel::Answer| {
            let body = answer.message.get("body").and_then(Value::as_bytes);
            body.is_some_and(|body| body.starts_with(b"This was asked for before"))
        };
        assert!(repeated(&one) != repeated(&other), "{action}: {one:?} {other:?}");
    }
    assert_eq!(audit(&node, "acts", &operator).await.len(), actions().len());
}

#[actix_rt::test]
async fn an_order_that_came_to_an_error_may_be_given_again() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let too_many = Message::from([("actor", "node/timers"), ("messages", "1000000")]);
    let order = signed(&order("trace", too_many), &operator);
    for _ in 0..2 {
        assert_eq!(node.answer(order.clone()).await.status, 400, "nothing was carried out");
    }
}

#[actix_rt::test]
async fn what_an_operator_signs_for_something_else_is_no_order() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let said = Message::from([("actor", "node/timers"), ("messages", "5")]);
    // As HTTP does it: what was signed is verified, and then led to where it was sent.
    let sent = async |signed: Message| {
        let vouched = node.node.authenticate(signed).await.unwrap().into_message();
        node.node.answer(vouched.with("path", "/~supervisor@1.0/trace")).await.status
    };
    assert_eq!(sent(signed(&said, &operator)).await, 403);
    assert_eq!(sent(signed(&said.clone().with("action", "suspend"), &operator)).await, 403);
    let named = signed(&said.with("action", "trace"), &operator);
    assert_eq!(sent(named).await, 200, "it says what it is for");
}

#[actix_rt::test]
async fn a_node_without_an_owner_takes_no_orders() {
    let node = TestNode::with(Message::from([("operator", "unclaimed")])).await;
    for (action, request) in actions() {
        let unsigned = node.answer(order(action, request.clone())).await;
        assert_eq!(unsigned.status, 403, "{action}: {unsigned:?}");
        let signed = ask(&node, action, request, &operator()).await;
        assert_eq!(signed.status, 403, "{action}: {signed:?}");
    }
}

#[actix_rt::test]
async fn what_is_for_admins_is_shown_to_nobody_else() {
    let (operator, stranger) = (operator(), super::operator());
    let node = TestNode::configured(of(&operator)).await;
    for key in ["timers", "audit", "trace"] {
        let request = || Message::from([("actor", "node/timers")]);
        assert_eq!(node.answer(order(key, request())).await.status, 403, "{key}");
        assert_eq!(ask(&node, key, request(), &stranger).await.status, 403, "{key}");
        let seen = ask(&node, key, request(), &operator).await.status;
        assert_eq!(seen, if key == "trace" { 404 } else { 200 }, "{key}");
    }
}

#[actix_rt::test]
async fn all_of_it_is_for_admins_if_the_node_is_configured_so() {
    let operator = operator();
    let options = Message::from([("supervisor_access", "admin")]);
    let node = TestNode::configured(configured(&operator, options)).await;
    for key in ["summary", "tree", "children", "actor", "crashes", "quarantine", "outbox"] {
        let request = || Message::from([("actor", "node/timers")]);
        assert_eq!(node.answer(order(key, request())).await.status, 403, "{key}");
        assert_eq!(ask(&node, key, request(), &operator).await.status, 200, "{key}");
    }
}

#[actix_rt::test]
async fn the_audit_is_read_page_by_page_and_survives_a_restart() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    for messages in 0..5 {
        let request = Message::from([("actor", "node/timers")]).with("messages", messages);
        seen(&node, "trace", request, &operator).await;
    }
    let node = node.restarted(of(&operator), Vec::new()).await;
    let (mut told, mut request) = (Vec::new(), Message::new().with("limit", 2));
    loop {
        let page = seen(&node, "audit", request.clone(), &operator).await;
        let entries = rows(&page, "entries");
        assert!(entries.len() <= 2);
        told.extend(entries.iter().map(|entry| number(entry, "number")));
        match page.get("next") {
            Some(next) => request.insert("before", next.clone()),
            None => break,
        };
    }
    assert_eq!(told, [4, 3, 2, 1, 0]);
}
