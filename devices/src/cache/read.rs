//! Reading by path. Source: spec 26, sections 2 and 3.

use oxbeam_kernel::{Call, CallError, Context, Outcome};
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::{Id, Key, Message, Value};
use oxbeam_store::StoreError;

use crate::legacy;

/// The group of byte strings, under the hashes of them.
pub(super) const DATA: &str = "data";

/// What lies at the path under `target` of the request.
pub(super) async fn read(call: Call) -> Result<Outcome, CallError> {
    let target = call.context.get(&call.request, "target").await?;
    let target = target.as_ref().and_then(Value::as_name);
    let Some(path) = target.and_then(|path| std::str::from_utf8(path).ok()) else {
        return Ok(Outcome::refused(400, "There is no target to read."));
    };
    let found = at_path(&call.context, path).await?;
    match found {
        Some(Value::Map(message)) if legacy::is_wanted(&call.request) => {
            legacy_form(&call, message).await
        }
        found => Ok(found.map_or_else(Outcome::not_found, Outcome::ok)),
    }
}

/// What lies at a path of the store.
pub(crate) async fn at_path(context: &Context, path: &str) -> Result<Option<Value>, CallError> {
    context.spend(1)?;
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let led = match context.node().store()?.resolve(path.join("/")).await {
        Ok(led) => led,
        Err(StoreError::InvalidPath { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut parts = led.split('/').filter(|part| !part.is_empty());
    let first = match parts.next() {
        Some(DATA) => parts.next(),
        first => first,
    };
    let Some(id) = first.and_then(|id| id.parse::<Id>().ok()) else { return Ok(None) };
    let kept = context.node().contents()?.read(id).await?;
    Ok(kept.and_then(|value| parts.try_fold(value, below)))
}

/// A message as legacy clients read it. Source: spec 24, section 3.
async fn legacy_form(call: &Call, message: Message) -> Result<Outcome, CallError> {
    let Value::Map(message) = call.context.load_all(message.into()).await? else {
        return Ok(Outcome::not_found());
    };
    let written = legacy::message(&message)?.to_string();
    Ok(Outcome::ok(Message::new().with("content-type", legacy::MEDIA_TYPE).with("body", written)))
}

/// What lies under a key of a value, as the store has it: numbers and words as text. Messages in it
/// lie under ids of their own, to which their key is no path.
fn below(value: Value, key: &str) -> Option<Value> {
    let Value::Map(message) = value else { return None };
    match message.get_exact(key)? {
        Value::Link(_) => None,
        nested @ (Value::Bytes(_) | Value::Map(_)) => Some(nested.clone()),
        typed => written(key, typed.clone()),
    }
}

fn written(key: &str, value: Value) -> Option<Value> {
    let message = Message::new().with(Key::from(key), value);
    let written = Structured { links: Links::Discard }.encode(&message.into()).ok()?;
    written.as_map()?.get_exact(key).cloned()
}
