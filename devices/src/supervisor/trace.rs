//! `trace`: the last messages of an actor, while somebody has it traced.

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_supervisor::Traced;

use super::integer;
use super::row::{self, millis};
use super::tree::found;

pub(super) async fn read(call: &Call) -> Result<Outcome, CallError> {
    let actor = match found(call.context.node(), &call.request).await? {
        Ok(actor) => actor,
        Err(outcome) => return Ok(outcome),
    };
    let Some(trace) = actor.traced() else {
        return Ok(Outcome::refused(404, "Nobody has asked for a trace of this actor."));
    };
    let messages: List = trace.last.iter().map(shown).collect();
    let answer = Message::new()
        .with("actor", row::id(actor.id()))
        .with("left", integer(trace.left))
        .with("messages", messages);
    Ok(Outcome::ok(answer))
}

fn shown(traced: &Traced) -> Value {
    let micros = integer(traced.took.as_micros());
    let shown = Message::new().with("message", traced.message).with("took-us", micros);
    shown.with("ago", millis(traced.ago)).into()
}
