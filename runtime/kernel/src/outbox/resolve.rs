//! Entries that say how their message is made when it is sent: once, and from then on it is a message of
//! the outbox like any other. Source: spec 12, section 4.

use std::time::Duration;

use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{EntryKey, Slot};
use tokio::time::timeout;
use tracing::debug;

use super::sender::Sender;
use super::{Sent, outgoing_of};
use crate::context::Context;
use crate::error::CallError;
use crate::outcome::Outcome;

/// How long it may take to find out what to send. It must be less than an attempt at a push.
const LIMIT: Duration = Duration::from_secs(30);

/// Makes the messages of entries of a slot that say what to resolve, owed from `next_try` on. What was
/// made before stays as it is, and what cannot be sent is left out.
///
/// # Errors
/// What passes by itself: a signer or store that does not answer.
pub(super) async fn resolve_all(
    context: &Context,
    process: Id,
    slot: Slot,
    sent: &[Sent],
    next_try: u64,
) -> Result<(), CallError> {
    for one in sent.iter().filter(|one| one.resolves()) {
        match resolve(context, process, slot, one, next_try).await {
            Ok(()) => {}
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => debug!(%process, slot, index = one.index, %error,
                "a message cannot be sent"),
        }
    }
    Ok(())
}

/// Makes the message of an entry that says what to resolve, owed from `next_try` on, if its target is
/// known here. One that was made before stays as it is.
///
/// # Errors
/// A message that cannot be written or signed; a signer or store that does not answer. What it is to
/// resolve makes no error: the target is told.
pub async fn resolve(
    context: &Context,
    process: Id,
    slot: Slot,
    sent: &Sent,
    next_try: u64,
) -> Result<(), CallError> {
    let node = context.node();
    let Some(target) = sent.target().and_then(|target| target.parse().ok()) else { return Ok(()) };
    let key = EntryKey { process, slot, index: sent.index };
    if node.store()?.entry(key).await?.is_some() || node.is_scheduler_of(target).await?.is_none() {
        return Ok(());
    }
    let Value::Map(entry) = context.load_all(sent.entry.clone()).await? else {
        return Err(CallError::BadRequest("an entry of the outbox is a message".into()));
    };
    let entry = resolved(context, process, sent, entry).await?;
    let sender = Sender::of(context, process).await?;
    let outgoing = outgoing_of(context, &sender, sent, entry, next_try).await?;
    Ok(node.store()?.add(process, slot, outgoing).await?)
}

/// What is sent for an entry: the result of what it says to resolve, with the entry's target.
async fn resolved(
    context: &Context,
    process: Id,
    sent: &Sent,
    entry: Message,
) -> Result<Message, CallError> {
    let key = if entry.contains("resolve") { "resolve" } else { "Resolve" };
    let mut request = entry.clone();
    let Some(path) = request.remove(key) else { return Ok(entry) };
    request.remove("target");
    request.remove("Target");
    let request = request.with("path", path);
    let outcome = timeout(LIMIT, context.run(&request)).await;
    match outcome.unwrap_or(Err(CallError::Timeout { limit: LIMIT })) {
        Ok(outcome) if outcome.is_ok() => {
            let message = as_message(outcome);
            Ok(message.with("target", sent.target().unwrap_or_default()))
        }
        Ok(outcome) => Ok(report(process, sent, entry, outcome.value)),
        Err(CallError::Cancelled) => Err(CallError::Cancelled),
        Err(error) => Ok(report(process, sent, entry, error.to_string().into())),
    }
}

fn as_message(outcome: Outcome) -> Message {
    match outcome.value {
        Value::Map(message) => message,
        Value::List(list) => list.to_map(),
        literal => Message::new().with("ao-result", "body").with("body", literal),
    }
}

fn report(process: Id, sent: &Sent, entry: Message, reason: Value) -> Message {
    Message::new()
        .with("resolve", "error")
        .with("target", process.to_string())
        .with("status", 400)
        .with("outbox-index", Value::Bytes(sent.key.to_bytes()))
        .with("reason", reason)
        .with("source", entry)
}
