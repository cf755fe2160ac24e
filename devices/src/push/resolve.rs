//! Entries that say how their message is made when it is sent. Source: spec 12, section 4.

use oxbeam_kernel::outbox::Sent;
use oxbeam_kernel::{CallError, Context, Outcome};
use oxbeam_protocol::{Id, Message, Value};

/// What is sent for an entry: itself or, if it says what to resolve, the result with the entry's
/// target.
pub(super) async fn resolved(
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
    let outcome = context.run(&request.with("path", path)).await;
    match outcome {
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
