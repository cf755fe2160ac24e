use oxbeam_kernel::{Answer, NodeMessage};
use oxbeam_protocol::{Atom, Message, Value, Wallet};

use crate::node::TestNode;

const UPDATED: &str = "Node message updated. History: 1updates.";

fn post(options: &[(&'static str, &'static str)]) -> Message {
    let options: Message = options.iter().copied().collect();
    options.with("path", "/~meta@1.0/info").with("method", "POST")
}

async fn info(node: &TestNode, key: &str) -> Option<Value> {
    let answer = node.answer(Message::from([("path", "/~meta@1.0/info")])).await;
    assert_eq!(answer.status, 200);
    answer.message.get(key).cloned()
}

fn says(answer: &Answer, status: u16, sentence: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.message.get("body"), Some(&sentence.into()));
}

#[actix_rt::test]
async fn info_shows_options_and_what_is_computed() {
    let node = TestNode::with(Message::from([("greeting", "hi")])).await;
    assert_eq!(info(&node, "greeting").await, Some("hi".into()));
    assert_eq!(info(&node, "address").await, Some(node.node.address().into()));
    let devices = info(&node, "preloaded_devices").await.unwrap();
    let names = |device: &Value| device.as_map().unwrap().get("name").cloned().unwrap();
    let devices: Vec<_> = devices.as_list().unwrap().iter().map(names).collect();
    assert!(devices.contains(&"meta@1.0".into()), "{devices:?}");
    let request = Message::from([("path", "/~meta@1.0/info/address")]);
    assert_eq!(node.answer(request).await.message.get("body"), Some(&node.node.address().into()));
    let build = Message::from([("path", "/~meta@1.0/build/node")]);
    assert_eq!(node.answer(build).await.message.get("body"), Some(&"Oxbeam".into()));
}

#[actix_rt::test]
async fn the_operator_changes_options_and_others_do_not() {
    let operator = Wallet::generate_secp256k1().unwrap();
    let address = operator.address().to_string();
    let options = Message::from([("operator", address.as_str())]);
    let node = TestNode::with(options).await;
    let change = post(&[("max-depth", "7"), ("good-item", "x"), ("private", "p")]);

    let stranger = Wallet::generate_secp256k1().unwrap();
    says(&node.answer(change.clone()).await, 400, "Unauthorized");
    says(&node.answer_signed(change.clone(), &stranger).await, 400, "Unauthorized");
    says(&node.answer_own(change.clone()).await, 400, "Unauthorized");
    assert_eq!(info(&node, "good-item").await, None);

    let answer = node.answer_signed(change, &operator).await;
    says(&answer, 200, UPDATED);
    assert_eq!(answer.message.get("history-length"), Some(&1.into()));
    assert_eq!(info(&node, "max_depth").await, Some(7.into()), "typed as the option");
    assert_eq!(info(&node, "good-item").await, Some("x".into()));
    for key in ["path", "method", "commitments", "private"] {
        assert_eq!(info(&node, key).await, None, "{key}");
    }
    let history = info(&node, "node_history").await.unwrap();
    let entry = history.as_list().unwrap().first().unwrap().as_map().unwrap().clone();
    assert_eq!(entry.get("good-item"), Some(&"x".into()));
}

#[actix_rt::test]
async fn what_nobody_signed_is_not_set() {
    let operator = Wallet::generate_secp256k1().unwrap();
    let address = operator.address().to_string();
    let node = TestNode::with(Message::from([("operator", address.as_str())])).await;
    // The path is not signed: somebody has led an old message of the operator's here.
    let signed = crate::node::signed(&Message::from([("greeting", "hi")]), &operator);
    let signed = node.node.authenticate(signed).await.unwrap().into_message();
    let path = "/~meta@1.0/info&operator=mine";
    let answer = node.node.answer(signed.with("path", path).with("method", "POST")).await;
    says(&answer, 200, UPDATED);
    assert_eq!(info(&node, "greeting").await, Some("hi".into()));
    assert_eq!(info(&node, "operator").await, Some(address.as_str().into()));
}

#[actix_rt::test]
async fn what_was_signed_for_something_else_is_no_change_of_this_node() {
    let operator = Wallet::generate_secp256k1().unwrap();
    let address = operator.address().to_string();
    let node = TestNode::with(Message::from([("operator", address.as_str())])).await;
    let led_here = async |words: Message| {
        let signed = crate::node::signed(&words, &operator);
        let signed = node.node.authenticate(signed).await.unwrap().into_message();
        node.node.answer(signed.with("path", "/~meta@1.0/info").with("method", "POST")).await
    };
    let words = || Message::from([("greeting", "hi")]);
    for (key, value) in
        [("type", "Message"), ("target", address.as_str()), ("node", address.as_str())]
    {
        assert_eq!(led_here(words().with(key, value)).await.status, 400, "with {key}");
    }
    assert_eq!(info(&node, "greeting").await, None);
    says(&led_here(words().with("node", node.node.address())).await, 200, UPDATED);
    assert_eq!(info(&node, "greeting").await, Some("hi".into()));
    assert_eq!(info(&node, "node").await, None, "it says where the change is made");
}

#[actix_rt::test]
async fn a_signed_change_is_made_once_also_after_a_restart() {
    let options = || NodeMessage::from_message(&Message::new()).unwrap();
    let node = TestNode::configured(options()).await;
    let signed = async |node: &TestNode, greeting| {
        node.node.sign(post(&[("greeting", greeting)]), None).await.unwrap()
    };
    let (first, second) = (signed(&node, "1").await, signed(&node, "2").await);
    says(&node.answer(first.clone()).await, 200, UPDATED);
    says(&node.answer(first.clone()).await, 200, UPDATED);
    says(&node.answer(second).await, 200, "Node message updated. History: 2updates.");
    assert_eq!(node.answer(first.clone()).await.status, 409);
    assert_eq!(info(&node, "greeting").await, Some("2".into()));

    let node = node.restarted(options(), Vec::new()).await;
    assert_eq!(node.answer(first).await.status, 409, "the configuration is that of the file again");
    assert_eq!(info(&node, "greeting").await, None);
}

#[actix_rt::test]
async fn a_change_whose_sender_goes_away_is_made_once_when_it_is_sent_again() {
    let node = TestNode::start().await;
    let (mut turns, mut changes) = (0, 0);
    loop {
        let greeting = changes.to_string();
        let change = node.node.sign(post(&[]).with("greeting", &*greeting), None).await.unwrap();
        let answer = node.answer_within(change.clone(), turns).await;
        changes += 1;
        let said = format!("Node message updated. History: {changes}updates.");
        let (one, other) = tokio::join!(node.answer(change.clone()), node.answer(change));
        says(&one, 200, &said);
        says(&other, 200, &said);
        assert_eq!(info(&node, "greeting").await, Some(greeting.as_str().into()));
        if answer.is_some() {
            return;
        }
        turns += 1 + turns / 8;
    }
}

#[actix_rt::test]
async fn a_change_that_was_refused_may_be_sent_again() {
    let node = TestNode::start().await;
    let wrong = node.node.sign(post(&[("max-depth", "none")]), None).await.unwrap();
    for _ in 0..2 {
        assert_eq!(node.answer(wrong.clone()).await.status, 400);
    }
    let own = node.node.sign(post(&[("max-depth", "7")]), None).await.unwrap();
    says(&node.answer(own).await, 200, UPDATED);
}

#[actix_rt::test]
async fn an_unclaimed_node_is_claimed_once() {
    let node = TestNode::with(Message::from([("operator", "unclaimed")])).await;
    let operator = Wallet::generate_secp256k1().unwrap();
    let claim = post(&[]).with("operator", operator.address().to_string()).with("host", "x");
    says(&node.answer(claim.clone()).await, 200, UPDATED);
    assert_eq!(info(&node, "host").await, None, "what travels with every request is no option");
    says(&node.answer(claim.clone()).await, 400, "Unauthorized");
    let answer = node.answer_signed(post(&[("greeting", "owner")]), &operator).await;
    says(&answer, 200, "Node message updated. History: 2updates.");
    assert_eq!(info(&node, "greeting").await, Some("owner".into()));
}

#[actix_rt::test]
async fn a_node_without_an_operator_belongs_to_its_own_key() {
    let node = TestNode::start().await;
    let change = post(&[("greeting", "hi")]);
    says(&node.answer_own(change.clone()).await, 200, UPDATED);
    says(&node.answer_own(change.with("status", 200)).await, 400, "Unauthorized");
}

#[actix_rt::test]
async fn a_permanent_configuration_stays_as_it_is() {
    let node = TestNode::with(Message::from([("initialized", "permanent")])).await;
    let sentence = "The node message of this machine is already permanent. It cannot be changed.";
    says(&node.answer_own(post(&[("greeting", "hi")])).await, 400, sentence);
}

#[actix_rt::test]
async fn a_node_that_is_not_initialized_shows_its_configuration_alone() {
    let node = TestNode::with(Message::new().with("initialized", Atom::FALSE)).await;
    let request = |path: &'static str| Message::from([("path", path), ("a", "1")]);
    let refused = node.answer(request("/a")).await;
    says(&refused, 400, "Node must be initialized before use.");
    assert!(!refused.signed);
    let whole = node.answer(request("/~meta@1.0/info/address")).await;
    assert_eq!(whole.message.get("address"), Some(&node.node.address().into()));
    assert!(!whole.signed);
    says(&node.answer_own(post(&[("initialized", "true")])).await, 200, UPDATED);
    assert_eq!(node.answer(request("/a")).await.status, 200);
}
