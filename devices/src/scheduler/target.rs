//! Which process a request means, and its definition. Source: spec 11, section 1.

use oxbeam_kernel::{Call, CallError};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, Message, Value};

/// A process as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Its id.
    pub(super) process: Id,
    /// Where its scheduler is said to be, as `ID?hint=URL`.
    pub(super) hint: Option<String>,
}

impl Target {
    /// Reads an id, with or without a hint.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        if let Ok(process) = Id::from_native_or_text(text) {
            return Some(process.into());
        }
        let (id, hint) = std::str::from_utf8(text).ok()?.split_once("?hint=")?;
        let process = id.parse().ok()?;
        Some(Self { process, hint: Some(hint.to_owned()) })
    }

    /// The process of a request that reads. `None` if it means none.
    pub(super) async fn of_request(call: &Call) -> Result<Option<Self>, CallError> {
        if let Some(target) = named(call, &call.request).await? {
            return Ok(Some(target));
        }
        if is_process(&call.request) {
            return Ok(Some(id(&call.request)?.into()));
        }
        of_base(call).await
    }

    /// The process that a message is to be scheduled on: what the message says of itself comes
    /// first. Source: spec 11, section 3.
    pub(super) async fn of_message(
        call: &Call,
        message: &Message,
    ) -> Result<Option<Self>, CallError> {
        if is_process(message) {
            return Ok(Some(id(message)?.into()));
        }
        match named(call, message).await? {
            Some(target) => Ok(Some(target)),
            None => Self::of_request(call).await,
        }
    }
}

impl From<Id> for Target {
    fn from(process: Id) -> Self {
        Self { process, hint: None }
    }
}

/// The id of a message by all of its signers.
pub(super) fn id(message: &Message) -> Result<Id, CallError> {
    Ok(signed_id(&message.clone().into())?)
}

fn is_process(message: &Message) -> bool {
    message.get("type").is_some_and(|kind| kind.is_name("Process"))
}

async fn named(call: &Call, message: &Message) -> Result<Option<Target>, CallError> {
    let Some(target) = call.context.get(message, "target").await? else { return Ok(None) };
    let target = target.as_bytes().and_then(|text| Target::read(text));
    let wrong = || CallError::BadRequest("`target` must be the id of a process".into());
    target.map(Some).ok_or_else(wrong)
}

async fn of_base(call: &Call) -> Result<Option<Target>, CallError> {
    match call.context.get(&call.base, "process").await? {
        Some(Value::Map(process)) => Ok(Some(id(&process)?.into())),
        Some(Value::Bytes(text)) => Ok(Target::read(&text)),
        _ if is_process(&call.base) => Ok(Some(id(&call.base)?.into())),
        _ => Ok(None),
    }
}

/// The definition of a process: the message itself, what the base has of it, or what is kept of it.
pub(super) async fn definition(
    call: &Call,
    process: Id,
    message: Option<&Message>,
) -> Result<Option<Message>, CallError> {
    let in_base = match call.context.get(&call.base, "process").await? {
        Some(Value::Map(process)) => Some(process),
        _ => None,
    };
    let at_hand = [message.cloned(), in_base, Some(call.base.clone())];
    for candidate in at_hand.into_iter().flatten() {
        if id(&candidate)? == process {
            return Ok(Some(candidate));
        }
    }
    match call.context.node().contents()?.read_named(process).await? {
        Some(Value::Map(definition)) => Ok(Some(definition)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_may_carry_a_hint() {
        let process = Id::of(b"process");
        let text = process.to_string();
        assert_eq!(Target::read(text.as_bytes()), Some(process.into()));
        let hinted = Target::read(format!("{text}?hint=http://host:1").as_bytes()).unwrap();
        assert_eq!(hinted.process, process);
        assert_eq!(hinted.hint.as_deref(), Some("http://host:1"));
        assert_eq!(Target::read(b"somebody"), None);
        assert_eq!(Target::read(format!("{text}?other=1").as_bytes()), None);
    }
}
