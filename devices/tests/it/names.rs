//! Names of values and of the node's own processes, over whole nodes.

use oxbeam_kernel::{Answer, NodeMessage};
use oxbeam_protocol::{List, Message, Value, Wallet};
use oxbeam_store::{Limit, Processes as _};

use crate::node::TestNode;

fn said(answer: &Answer) -> String {
    let body = answer.message.get("body").and_then(Value::as_name);
    String::from_utf8_lossy(body.map_or(&[][..], |body| body)).into_owned()
}

async fn get(node: &TestNode, path: &str) -> Answer {
    node.answer(Message::from([("method", "GET")]).with("path", path.to_owned())).await
}

async fn register(node: &TestNode, key: &'static str, value: impl Into<Value>) -> Answer {
    let request = Message::from([("path", "/~local-name@1.0/register"), ("key", key)]);
    node.answer_own(request.with("value", value)).await
}

#[actix_rt::test]
async fn a_name_is_given_by_an_admin_and_found_after_a_restart() {
    let node = TestNode::start().await;
    let registered = register(&node, "friend", "an address").await;
    assert_eq!((registered.status, said(&registered).as_str()), (200, "Registered."));
    assert_eq!(said(&get(&node, "/~local-name@1.0/lookup?key=friend").await), "an address");
    let node = node.restarted(NodeMessage::default(), Vec::new()).await;
    assert_eq!(said(&get(&node, "/~local-name@1.0/friend").await), "an address");
    assert_eq!(get(&node, "/~local-name@1.0/stranger").await.status, 404);
    register(&node, "friend", Message::from([("deep", "value")])).await;
    assert_eq!(said(&get(&node, "/~local-name@1.0/friend/deep").await), "value");
}

#[actix_rt::test]
async fn nobody_else_gives_names() {
    let node = TestNode::start().await;
    let stranger = Wallet::generate_secp256k1().unwrap();
    let request =
        Message::from([("path", "/~local-name@1.0/register"), ("key", "a"), ("value", "b")]);
    for answer in [node.answer(request.clone()).await, node.answer_signed(request, &stranger).await]
    {
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.message.get("message").unwrap().is_name("Unauthorized."));
    }
    assert_eq!(get(&node, "/~local-name@1.0/a").await.status, 404);
}

#[actix_rt::test]
async fn what_nobody_signed_does_not_choose_a_name() {
    let node = TestNode::start().await;
    let signed = node.node.sign(Message::from([("value", "b")]), None).await.unwrap();
    let mut request = node.node.authenticate(signed).await.unwrap().into_message();
    request.insert("key", "a");
    request.insert("path", "/~local-name@1.0/register");
    assert_eq!(node.node.answer(request).await.status, 400);
    assert_eq!(get(&node, "/~local-name@1.0/a").await.status, 404);
}

#[actix_rt::test]
async fn the_first_resolver_that_knows_a_name_decides() {
    let resolvers = ["message@1.0", "local-name@1.0"]
        .map(|device| Value::from(Message::from([("device", device)])));
    let node =
        TestNode::with(Message::new().with("name_resolvers", List::from_iter(resolvers))).await;
    let kept = Message::from([("kept", "message")]);
    let persist = oxbeam_store::Persist::Synced;
    let id = node
        .node
        .contents()
        .unwrap()
        .keep(&crate::node::proven(&kept), persist)
        .await
        .unwrap()
        .to_string();
    register(&node, "thing", id.clone()).await;
    assert_eq!(said(&get(&node, "/~name@1.0/thing/kept").await), "message");
    assert_eq!(said(&get(&node, "/~name@1.0/thing&load=false").await), id);
    assert_eq!(get(&node, "/~name@1.0/nothing").await.status, 404);
}

fn with_counter() -> NodeMessage {
    let script = "function compute(base) base.count = (base.count or 0) + 1 return base end";
    let module = Message::from([("content-type", "application/lua"), ("body", script)]);
    let definition = Message::from([
        ("device", "process@1.0"),
        ("execution-device", "lua@5.3a"),
        ("scheduler-device", "scheduler@1.0"),
    ]);
    let processes = Message::new().with("counter", definition.with("module", module));
    NodeMessage::from_message(&Message::new().with("node_processes", processes)).unwrap()
}

async fn processes(node: &TestNode) -> usize {
    let store = node.node.local_store().unwrap();
    store.processes(None, Limit::default()).await.unwrap().items.len()
}

#[actix_rt::test]
async fn a_process_of_the_node_is_started_once_and_stays_after_a_restart() {
    let node = TestNode::configured(with_counter()).await;
    let none = get(&node, "/counter~node-process@1.0&spawn=false/slot/current").await;
    assert_eq!(none.status, 404, "{none:?}");
    let asked = (0..8).map(|_| get(&node, "/counter~node-process@1.0/slot/current"));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.message.get("body"), Some(&0.into()), "{answer:?}");
    }
    assert_eq!(processes(&node).await, 1);
    let count = get(&node, "/counter~node-process@1.0/now/count").await;
    assert_eq!(count.message.get("body"), Some(&1.into()), "{count:?}");
    let node = node.restarted(with_counter(), Vec::new()).await;
    let slot = get(&node, "/~node-process@1.0/counter/slot/current").await;
    assert_eq!(slot.message.get("body"), Some(&0.into()), "{slot:?}");
    assert_eq!(processes(&node).await, 1);
    assert_eq!(get(&node, "/nobody~node-process@1.0/now").await.status, 404);
}

#[actix_rt::test]
async fn a_process_that_has_its_name_and_no_slot_is_started_with_the_next_request() {
    let node = TestNode::configured(with_counter()).await;
    let definition = Message::from([
        ("device", "process@1.0"),
        ("execution-device", "message@1.0"),
        ("scheduler-device", "scheduler@1.0"),
    ]);
    let address = Value::from(node.node.address().to_owned());
    let definition = definition.with("scheduler", address.clone()).with("authority", address);
    let signed = node.node.sign(definition, None).await.unwrap();
    let persist = oxbeam_store::Persist::Synced;
    node.node.contents().unwrap().keep(&crate::node::proven(&signed), persist).await.unwrap();
    let id = oxbeam_protocol::commitment::signed_id(&signed.into()).unwrap().to_string();
    register(&node, "counter", id).await;
    assert_eq!(processes(&node).await, 0);
    let slot = get(&node, "/counter~node-process@1.0/slot/current").await;
    assert_eq!(slot.message.get("body"), Some(&0.into()), "{slot:?}");
    assert_eq!(processes(&node).await, 1);
}
