//! Guests on a whole node: `wasm-64@1.0`, `wasi@1.0` and `json-iface@1.0`.

mod aos;
mod calls;
mod files;
mod json;
mod limits;
mod live;
mod process;

use oxbeam_kernel::{NodeMessage, Outcome, Wanted};
use oxbeam_protocol::{Id, List, Message, Value, commitment};

use crate::node::TestNode;

/// A module from its text.
fn image(text: &str) -> Message {
    Message::new().with("body", wat::parse_str(text).unwrap())
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    items.into_iter().collect::<List>().into()
}

fn texts(items: &[&str]) -> Value {
    items.iter().map(|item| Value::from(*item)).collect::<List>().into()
}

/// A node whose guests may use this much.
async fn node(fuel: u64, memory: usize) -> TestNode {
    let mut configuration = NodeMessage::default();
    configuration.settings.guest.fuel = fuel;
    configuration.settings.guest.memory_bytes = memory;
    TestNode::configured(configuration).await
}

/// Spawns a process; slot 0 is its definition.
async fn spawn(node: &TestNode, definition: Message) -> Id {
    let definition = definition
        .with("device", "process@1.0")
        .with("type", "Process")
        .with("execution-device", "stack@1.0")
        .with("scheduler", node.node.address());
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
    process
}

async fn send(node: &TestNode, process: Id, message: Message) {
    let message = message.with("target", process.to_string()).with("type", "Message");
    let message = node.node.sign(message, None).await.unwrap();
    node.node.schedule(process, crate::node::proven(&message), None).await.unwrap();
}

async fn call(node: &TestNode, process: Id, function: &str, parameters: Value) {
    let message = Message::from([("function", function)]).with("parameters", parameters);
    send(node, process, message).await;
}

/// The state after a slot.
async fn state(node: &TestNode, process: Id, slot: u64) -> Message {
    match outcome(node, process, slot).await.into_result() {
        Ok(Value::Map(state)) => state,
        other => panic!("slot {slot}: {other:?}"),
    }
}

async fn outcome(node: &TestNode, process: Id, slot: u64) -> Outcome {
    node.node.state(&node.context(), process, Wanted::Slot(slot)).await.unwrap()
}

/// What lies at a path of the state after a slot.
async fn at(node: &TestNode, process: Id, slot: u64, path: &str) -> Option<Value> {
    node.context().find(&state(node, process, slot).await, path).await.unwrap()
}

/// What the call of a slot came to.
async fn output(node: &TestNode, process: Id, slot: u64) -> Value {
    at(node, process, slot, "results/output").await.unwrap()
}

/// The text of an error, which is shown as a list of code points.
fn text(output: &Value) -> String {
    let point = |value: &Value| match value {
        Value::Integer(point) => char::from_u32(point.try_into().unwrap()).unwrap(),
        other => panic!("no code point: {other:?}"),
    };
    output.as_list().unwrap().iter().map(point).collect()
}
