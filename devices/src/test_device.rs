//! `~test-device@1.0`: answers that tests of clients expect. Source: spec 15, section 8.

use std::sync::Arc;
use std::time::Duration;

use num_bigint::BigInt;
use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, reply};
use oxbeam_protocol::{List, Message, Value};

/// How long `delay` waits unless it is told, in milliseconds.
const DELAY: u64 = 750;
/// How long it waits at most, in milliseconds.
const MAX_DELAY: u64 = 60_000;

/// The keys that the device answers.
const KEYS: [&str; 10] = [
    "compute",
    "delay",
    "index",
    "info",
    "init",
    "load",
    "mul",
    "restore",
    "snapshot",
    "test-func",
];

/// The device.
#[derive(Debug, Default)]
pub(crate) struct TestDevice;

impl Device for TestDevice {
    fn answers(&self, function: &str, _: &Message) -> bool {
        KEYS.contains(&function)
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        let base = call.base.clone();
        reply(match call.function().as_str() {
            "info" => Ok(info()),
            "test-func" => Ok(Outcome::ok("GOOD_FUNCTION")),
            "index" => Ok(index(&base)),
            "load" => Ok(Outcome::ok(base.with("device", "test-device@1.0"))),
            "init" => Ok(Outcome::ok(base.with("already-seen", List::default()))),
            "snapshot" => Ok(Outcome::ok(Message::new())),
            "restore" => Ok(restore(base)),
            "mul" => mul(&call),
            "delay" => return Box::pin(delay(call)),
            _ => return Box::pin(compute(call)),
        })
    }
}

fn info() -> Outcome {
    let path = |description: &str| Message::from([("description", description)]);
    let paths = Message::new()
        .with("info", path("Get device info"))
        .with("test_func", path("Test function"))
        .with("compute", path("Compute function"));
    let body = Message::new()
        .with("description", "Test device for testing the AO-Core framework")
        .with("version", "1.0")
        .with("paths", paths);
    Outcome::ok(Message::new().with("status", 200).with("body", body))
}

fn index(base: &Message) -> Outcome {
    let name = base.get("name").and_then(Value::as_name);
    let name = name.map_or("turtles".into(), |name| String::from_utf8_lossy(name));
    let page = Message::new().with("content-type", "text/html");
    Outcome::ok(page.with("body", format!("i like {}!", escaped(&name))))
}

/// The page is HTML, and the name is from anybody.
fn escaped(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The state with the slot in front of those that it has seen.
async fn compute(call: Call) -> Result<Outcome, CallError> {
    let seen = call.context.get(&call.base, "already-seen").await?;
    let seen = seen.and_then(|seen| List::try_from(seen).ok());
    let seen = seen.ok_or_else(|| CallError::Raised("the state has no already-seen".into()))?;
    let slot = call.context.get(&call.request, "slot").await?;
    let slot = slot.ok_or_else(|| CallError::Raised("the assignment has no slot".into()))?;
    let seen: List = [slot.clone()].into_iter().chain(seen.iter().cloned()).collect();
    let results = Message::new().with("assignment-slot", slot);
    let state = call.base.with("already-seen", seen).with("random-key", "random-value");
    Ok(Outcome::ok(state.with("results", results)))
}

fn restore(base: Message) -> Outcome {
    match base.contains("already-seen") {
        true => Outcome::ok(base),
        false => Outcome::error("No viable state to restore."),
    }
}

/// A function of the host for guests: the product of two numbers.
fn mul(call: &Call) -> Result<Outcome, CallError> {
    let args = call.request.get("args").cloned().and_then(|args| List::try_from(args).ok());
    let [Value::Integer(a), Value::Integer(b)] = args.as_deref().unwrap_or_default() else {
        return Err(CallError::Raised("mul needs args, a list of two integers".into()));
    };
    let state = call.base.get("state").cloned().unwrap_or_else(|| Message::new().into());
    let results: List = [Value::Integer(a * b)].into_iter().collect();
    Ok(Outcome::ok(Message::new().with("state", state).with("results", results)))
}

/// Waits, and answers what it was told to.
async fn delay(call: Call) -> Result<Outcome, CallError> {
    let duration = call.base.get("duration").or_else(|| call.request.get("duration"));
    let duration = duration.and_then(millis).unwrap_or(DELAY).min(MAX_DELAY);
    tokio::time::sleep(Duration::from_millis(duration)).await;
    let answer = call.base.get("return").or_else(|| call.request.get("body")).cloned();
    Ok(Outcome::ok(answer.unwrap_or_else(|| Message::from([("result", "slept")]).into())))
}

fn millis(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(number) => u64::try_from(number).ok(),
        Value::Bytes(text) => {
            BigInt::parse_bytes(text, 10).and_then(|number| u64::try_from(number).ok())
        }
        _ => None,
    }
}
