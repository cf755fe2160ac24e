//! `script@1.0`: a device for tests that answers as its base says. Each call appends to `seen` what
//! it was shown, and answers with the status in `says` under `DEVICE-KEY.PASS` or `DEVICE-KEY`.

use std::sync::Arc;

use oxbeam_kernel::{Call, Device, NodeMessage, Outcome, Reply, Row, Status, reply};
use oxbeam_protocol::{Message, Value};

use crate::node::TestNode;

/// The name of the device.
pub(crate) const SCRIPT: &str = "script@1.0";

struct Script;

impl Device for Script {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "run" | "show" | "value")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        reply(Ok(match call.function().as_str() {
            "show" => Outcome::ok(Message::from([("shown", call.base)])),
            "value" => Outcome::ok("a plain value"),
            _ => run(call.base, &call.request),
        }))
    }
}

fn text(message: &Message, key: &str) -> String {
    match message.get(key) {
        Some(Value::Integer(number)) => number.to_string(),
        Some(value) => String::from_utf8_lossy(value.as_name().unwrap()).into_owned(),
        None => "-".into(),
    }
}

fn run(base: Message, request: &Message) -> Outcome {
    let (device, pass) = (text(&base, "device-key"), text(&base, "pass"));
    let bin = text(request, "bin");
    let seen = format!("{} {device}.{pass}{bin}", text(&base, "seen"));
    let says = base.get("says").and_then(Value::as_map).cloned().unwrap_or_default();
    let says = says.get(format!("{device}.{pass}")).or_else(|| says.get(&device)).cloned();
    let base = base.with("seen", seen);
    match says {
        None => Outcome::ok(base),
        Some(status) => {
            let status = Status::named(status.as_name().unwrap());
            let value = match status {
                Status::Error => "this is wrong".into(),
                _ => base.into(),
            };
            Outcome { status, value }
        }
    }
}

/// A node with the device.
pub(crate) async fn node() -> TestNode {
    let row = Row { names: &[SCRIPT], device: Arc::new(Script) };
    TestNode::with_devices(NodeMessage::default(), vec![row]).await
}
