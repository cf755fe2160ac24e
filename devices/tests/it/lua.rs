//! Scripts on a whole node. Source: spec 14.

mod ao;
mod calls;
mod errors;
mod limits;
mod modules;
mod processes;
mod program;
mod trust;

use oxbeam_kernel::{CallError, Outcome};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, List, Message, Value};

use crate::node::TestNode;

/// A module with a name.
fn module(name: &str, source: &str) -> Value {
    Message::from([("name", name), ("body", source)]).into()
}

/// A message with a script.
fn scripted(source: &str) -> Message {
    let modules: List = [module("main.lua", source)].into_iter().collect();
    Message::from([("device", "lua@5.3a")]).with("module", modules)
}

/// Calls a function of a message.
async fn call(
    node: &TestNode,
    base: &Message,
    function: &'static str,
) -> Result<Outcome, CallError> {
    node.context().resolve(base.clone(), Message::from([("path", function)])).await
}

/// What a function of a message answers.
async fn value(node: &TestNode, base: &Message, function: &'static str) -> Value {
    call(node, base, function).await.unwrap().into_result().unwrap()
}

/// What an expression of a script comes to.
async fn expression(node: &TestNode, expression: &str) -> Value {
    let base = scripted(&format!("function answer(base, req, opts) return {expression} end"));
    value(node, &base, "answer").await
}

fn map(value: &Value) -> &Message {
    value.as_map().unwrap_or_else(|| panic!("no message: {value:?}"))
}

fn text(message: &Message, key: &str) -> String {
    let value = message.get(key).unwrap_or_else(|| panic!("no {key} in {message:?}"));
    String::from_utf8_lossy(value.as_name().unwrap()).into_owned()
}

/// Starts a process with a script; slot 0 is its definition.
async fn spawn(node: &TestNode, source: &str) -> Id {
    spawn_with(node, scripted(source)).await
}

async fn spawn_with(node: &TestNode, definition: Message) -> Id {
    let device = definition.get("execution-device").cloned().unwrap_or_else(|| "lua@5.3a".into());
    let definition = definition
        .with("device", "process@1.0")
        .with("type", "Process")
        .with("execution-device", device)
        .with("scheduler", node.node.address())
        .with("authority", node.node.address());
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
    process
}

async fn send(node: &TestNode, process: Id, message: Message) {
    let message = message.with("target", process.to_string()).with("type", "Message");
    let message = node.node.sign(message, None).await.unwrap();
    node.node.schedule(process, crate::node::proven(&message), None).await.unwrap();
}

async fn read(node: &TestNode, process: Id, path: &str) -> Result<Outcome, CallError> {
    node.run(&format!("/{process}/{path}"), Message::new()).await
}

/// What lies at a path of a process's present state.
async fn now(node: &TestNode, process: Id, path: &str) -> Value {
    read(node, process, &format!("now/{path}")).await.unwrap().into_result().unwrap()
}

#[actix_rt::test]
async fn what_a_script_uses_is_measured_for_as_long_as_it_is_held() {
    let node = TestNode::start().await;
    let measured = || {
        let mut registry = prometheus_client::registry::Registry::default();
        node.node.metrics().register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        move |name: &str| {
            let start = format!("{name}{{device=\"lua@5.3a\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&start));
            line.map_or(0.0, |value| value.parse::<f64>().unwrap())
        }
    };
    let module =
        Message::from([("content-type", "application/lua"), ("body", "function f() return 1 end")]);
    let base = Message::from([("device", "lua@5.3a")]).with("module", module);
    let held = node.context().resolve(base, Message::from([("path", "init")])).await.unwrap();
    assert_eq!(measured()("oxbeam_guest_instances"), 1.0);
    assert!(measured()("oxbeam_guest_memory_bytes") > 65_536.0);
    assert!(measured()("oxbeam_guest_fuel_total") > 0.0);
    drop(held);
    assert_eq!(measured()("oxbeam_guest_instances"), 0.0);
    assert_eq!(measured()("oxbeam_guest_memory_bytes"), 0.0);
}
