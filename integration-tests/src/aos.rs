//! aos, the network's own processes. Source: spec 13, sections 1 and 6.

use oxbeam_protocol::{List, Message, Value};

const STACK: [&str; 5] =
    ["wasi@1.0", "json-iface@1.0", "wasm-64@1.0", "patch@1.0", "multipass@1.0"];

/// A process as the network's clients start it, of the module with this id.
#[must_use]
pub fn definition(image: &str) -> Message {
    Message::from([
        ("execution-device", "stack@1.0"),
        ("output-prefix", "wasm"),
        ("patch-from", "/results/outbox"),
        ("patch-mode", "patches"),
        ("image", image),
        ("data-protocol", "ao"),
        ("variant", "ao.N.1"),
    ])
    .with("passes", 2)
    .with("device-stack", STACK.map(Value::from).into_iter().collect::<List>())
}
