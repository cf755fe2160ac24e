//! Which message a request is about. Source: spec 03, section 8.3.

use oxbeam_kernel::{Call, CallError};
use oxbeam_protocol::{Message, Value};

/// The base, unless the request's `target` is another word than `self`: then what the request holds
/// under that word, or else under `body`.
pub(super) async fn target(call: &Call) -> Result<Value, CallError> {
    let target = call.context.get(&call.request, "target").await?;
    let name = match target.as_ref().map(Value::as_name) {
        None => return Ok(call.base.clone().into()),
        Some(Some(name)) if name == "self" => return Ok(call.base.clone().into()),
        Some(name) => name.cloned().unwrap_or_default(),
    };
    let named = match call.request.get(&name) {
        Some(value) => Some(value),
        None => call.request.get("body"),
    };
    let named = named.ok_or_else(|| {
        let name = String::from_utf8_lossy(&name).chars().take(64).collect::<String>();
        CallError::Raised(format!("the request has neither a key {name} nor a body"))
    })?;
    call.context.load(named.clone()).await
}

/// As [`target`], where only a message will do.
pub(super) async fn target_message(call: &Call) -> Result<Message, CallError> {
    match target(call).await? {
        Value::Map(message) => Ok(message),
        _ => Err(CallError::Raised("the target of the request is no message".into())),
    }
}
