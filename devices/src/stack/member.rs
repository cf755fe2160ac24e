//! A message as one of the devices of its stack. Source: spec 15, section 2.1, step 2.

use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::{Atom, Key, Message, Value};

/// What each device finds its own prefix by, and where the one before it stays.
pub(super) const PREFIXES: [Prefix; 2] = [
    Prefix { key: "input-prefix", by_device: "input-prefixes", previous: "previous-input-prefix" },
    Prefix {
        key: "output-prefix",
        by_device: "output-prefixes",
        previous: "previous-output-prefix",
    },
];

/// What `previous-device` always says on the reference node: states are named by their content, so
/// that this is part of their ids.
const PREVIOUS_DEVICE: Atom = Atom::from_static("dev_message");

pub(super) struct Prefix {
    pub(super) key: &'static str,
    by_device: &'static str,
    pub(super) previous: &'static str,
}

/// The message as the device of this key; `number` is what it is told about its place. `None` if
/// the stack has no such device.
pub(super) async fn of(
    context: &Context,
    message: &Message,
    key: &Key,
    number: Value,
) -> Result<Option<Message>, CallError> {
    let Some(device) = device(context, message, key).await? else { return Ok(None) };
    let mut changes = Message::new()
        .with("device", device)
        .with("device-key", number)
        .with("previous-device", PREVIOUS_DEVICE);
    for Prefix { key: name, by_device, previous } in PREFIXES {
        if let Some(prefix) = message.get(name) {
            changes.insert(previous, prefix.clone());
        }
        if let Some(prefix) = nested(context, message, by_device, key).await? {
            changes.insert(name, prefix);
        }
    }
    Ok(Some(message.set(&changes)?))
}

/// The devices of a stack.
pub(super) async fn all(context: &Context, message: &Message) -> Result<Value, CallError> {
    match context.get(message, "device-stack").await? {
        Some(devices @ (Value::List(_) | Value::Map(_))) => Ok(devices),
        Some(_) => Err(CallError::Raised("device-stack is neither a list nor a map".into())),
        None => Err(CallError::Raised("no_valid_device_stack: the stack has no devices".into())),
    }
}

async fn device(
    context: &Context,
    message: &Message,
    key: &Key,
) -> Result<Option<Value>, CallError> {
    item(context, &all(context, message).await?, key).await
}

async fn nested(
    context: &Context,
    message: &Message,
    name: &str,
    key: &Key,
) -> Result<Option<Value>, CallError> {
    match context.get(message, name).await? {
        Some(items) => item(context, &items, key).await,
        None => Ok(None),
    }
}

/// What a map or a list, counted from 1, holds under a key.
async fn item(context: &Context, items: &Value, key: &Key) -> Result<Option<Value>, CallError> {
    let found = match items {
        Value::Map(map) => map.get(key),
        Value::List(list) => {
            let number: Option<usize> = key.to_text().parse().ok();
            number.and_then(|number| list.get(number.checked_sub(1)?))
        }
        _ => None,
    };
    match found {
        Some(value) => context.load(value.clone()).await.map(Some),
        None => Ok(None),
    }
}
