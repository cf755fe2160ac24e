//! `POST schedule`. Source: spec 11, section 3.

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::commitment::{Commitment, committers, only_committed, unsigned_id};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::Origin;

use super::NO_SCHEDULER;
use super::place::Place;
use super::target::{Target, id};
use crate::roles::refused_to_processes;

/// Schedules what the request carries. Nothing is started or kept before it is verified.
pub(super) async fn schedule(call: &Call) -> Result<Outcome, CallError> {
    if let Some(refused) = refused_to_processes(&call.context) {
        return Ok(refused);
    }
    let Some(Value::Map(message)) = subject(call).await? else { return Ok(invalid()) };
    let message = only_committed(&message);
    let Some(target) = Target::of_message(call, &message).await? else {
        return Ok(Outcome::refused(400, NO_SCHEDULER));
    };
    let definition = match Place::of(call, &target, Some(&message)).await?.told_poster() {
        Ok(definition) => definition,
        Err(told) => return told,
    };
    let node = call.context.node();
    let unsigned_too = call.context.settings().accepts_unsigned;
    let message = match node.authenticate(message).await {
        Ok(message) if unsigned_too || is_signed(&message) => message,
        Ok(_) | Err(CallError::Verify(_)) => return Ok(invalid()),
        Err(error) => return Err(error),
    };
    if !is_believed(call, target.process, &definition).await? {
        return Ok(invalid());
    }
    let origin = repeatable(call, &message)?;
    let mut span = call.context.trace().begin("schedule");
    span.set("oxbeam.process", || target.process.to_string());
    Ok(Outcome::ok(node.schedule(target.process, message, origin).await?))
}

/// Where a message comes from, if its sender may send it again: with the same `idempotency-key` it
/// gets the slot that it has, also if it was signed anew.
///
/// The key alone would let a stranger take it for another message. The place is none that a process
/// sends from: outboxes count from 1.
fn repeatable(call: &Call, message: &Message) -> Result<Option<Origin>, CallError> {
    let Some(key) = call.request.get("idempotency-key").and_then(Value::as_name) else {
        return Ok(None);
    };
    let mut name = unsigned_id(&message.clone().into())?.as_bytes().to_vec();
    for signer in committers(message) {
        name.extend_from_slice(Id::of(signer.as_bytes()).as_bytes());
    }
    name.extend_from_slice(key);
    Ok(Some(Origin { process: Id::of(&name), slot: 0, index: 0 }))
}

/// What is to be scheduled.
async fn subject(call: &Call) -> Result<Option<Value>, CallError> {
    let key = match call.request.get("subject") {
        Some(subject) if subject.is_name("self") => None,
        Some(subject) => match subject.as_name() {
            Some(key) => Some(String::from_utf8_lossy(key).into_owned()),
            None => return Err(CallError::BadRequest("`subject` must be a key".into())),
        },
        None => Some("body".to_owned()).filter(|body| call.request.contains(body)),
    };
    match key {
        Some(key) => call.context.get(&call.request, &key).await,
        None => Ok(Some(call.request.clone().into())),
    }
}

fn is_signed(message: &Message) -> bool {
    Commitment::all(message).any(|one| one.committer().is_some())
}

/// Whether the definition that sent the message here is what its id says. It is looked at once: a
/// process with a log has passed.
async fn is_believed(call: &Call, process: Id, definition: &Message) -> Result<bool, CallError> {
    let node = call.context.node();
    if node.head(process).await?.is_some() {
        return Ok(true);
    }
    match node.authenticate(definition.clone()).await {
        Ok(definition) => Ok(id(&definition)? == process),
        Err(CallError::Verify(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn invalid() -> Outcome {
    let report = Message::new()
        .with("status", 400)
        .with("body", "Message is not valid.")
        .with("reason", "Given message is invalid.");
    Outcome::error(report)
}
