//! What can be read of a schedule. Source: spec 11, sections 4 to 7.

use num_bigint::BigInt;
use oxbeam_kernel::assignment::{self, NO_BLOCK};
use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{Atom, Id, List, Message, Value};
use oxbeam_store::{Limit, Slot};
use serde_json::{Value as Json, json};

use super::NO_SCHEDULER;
use super::place::Place;
use super::target::Target;
use crate::legacy;
use crate::number::number;

/// How far a schedule goes beyond its first slot.
const MOST_BEYOND: u64 = 1000;

/// The last slot of a process.
pub(super) async fn slot(call: &Call) -> Result<Outcome, CallError> {
    let process = match process(call).await? {
        Ok(process) => process,
        Err(told) => return told,
    };
    let head = call.context.node().head(process).await?;
    let current = head.map_or_else(|| BigInt::from(-1), |head| head.slot.into());
    let address = Value::from(call.context.node().address());
    let answer = with_block(Message::new())
        .with("process", process.to_string())
        .with("current", current)
        .with("cache-control", "no-store")
        .with("addresses", [address].into_iter().collect::<List>());
    Ok(Outcome::ok(answer))
}

/// Which processes have a scheduler in memory.
pub(super) fn status(call: &Call) -> Outcome {
    let node = call.context.node();
    let processes = node.scheduling().into_iter().map(|id| Value::from(id.to_string()));
    let answer = Message::new()
        .with("address", node.address())
        .with("processes", processes.collect::<List>())
        .with("cache-control", "no-store");
    Outcome::ok(answer)
}

/// Assignments from slot to slot.
pub(super) async fn schedule(call: &Call) -> Result<Outcome, CallError> {
    let process = match process(call).await? {
        Ok(process) => process,
        Err(told) => return told,
    };
    let part = Part::read(call, process).await?;
    match legacy::is_wanted(&call.request) {
        true => part.legacy(process),
        false => Ok(part.native(process)),
    }
}

/// The assignment behind the base's `at-slot`, with the base.
pub(super) async fn next(call: &Call) -> Result<Outcome, CallError> {
    let at = number(&call.base, "at-slot")?;
    let at = at.ok_or_else(|| CallError::Raised("the base has no at-slot".into()))?;
    let process = match process(call).await? {
        Ok(process) => process,
        Err(told) => return told,
    };
    let store = call.context.node().store()?;
    let found = match Slot::try_from(at + 1) {
        Ok(slot) => assignment::read(&*store, process, slot).await?,
        Err(_) => None,
    };
    let Some(assignment) = found else {
        let reason = "Requested slot not yet available in schedule.";
        return Ok(Outcome::error(Message::new().with("status", 404).with("reason", reason)));
    };
    Ok(Outcome::ok(Message::new().with("body", assignment).with("state", call.base.clone())))
}

/// The process that a request means, if it is scheduled here; else what the client is told.
async fn process(call: &Call) -> Result<Result<Id, Result<Outcome, CallError>>, CallError> {
    let Some(target) = Target::of_request(call).await? else {
        return Err(CallError::Raised(NO_SCHEDULER.into()));
    };
    let place = Place::of(call, &target, None).await?;
    Ok(place.told().map(|_| target.process))
}

/// A part of a schedule.
struct Part {
    assignments: Vec<(Slot, Message)>,
    /// Whether there are more of those that were asked for.
    continues: bool,
}

impl Part {
    async fn read(call: &Call, process: Id) -> Result<Self, CallError> {
        let from = number(&call.request, "from")?.unwrap_or_default().max(0.into());
        let to = number(&call.request, "to")?;
        let Some(head) = call.context.node().head(process).await? else { return Ok(Self::EMPTY) };
        let to = to.map_or(head.slot.into(), |to| to.min(head.slot.into()));
        if from > to {
            return Ok(Self::EMPTY);
        }
        let (Ok(from), Ok(to)) = (Slot::try_from(from), Slot::try_from(to)) else {
            return Ok(Self::EMPTY);
        };
        let until = to.min(from.saturating_add(MOST_BEYOND));
        let count = usize::try_from(until - from + 1).unwrap_or(usize::MAX);
        let store = call.context.node().store()?;
        let page = assignment::range(&*store, process, from, Limit::count(count)).await?;
        let last = page.items.last().map_or(from, |(slot, _)| *slot);
        Ok(Self { assignments: page.items, continues: last < to })
    }

    const EMPTY: Self = Self { assignments: Vec::new(), continues: false };

    fn native(self, process: Id) -> Outcome {
        let numbered = |(slot, assignment): (Slot, Message)| (slot.to_string(), assignment);
        let answer = with_block(Message::new())
            .with("type", "schedule")
            .with("process", process.to_string())
            .with("continues", if self.continues { Atom::TRUE } else { Atom::FALSE })
            .with("assignments", self.assignments.into_iter().map(numbered).collect::<Message>());
        Outcome::ok(answer)
    }

    /// As legacy clients read it. Source: spec 11, section 6.
    fn legacy(self, process: Id) -> Result<Outcome, CallError> {
        let edges = self.assignments.into_iter().map(|(slot, assignment)| edge(slot, assignment));
        let page = json!({
            "page_info": {
                "process": process.to_string(),
                "has_next_page": self.continues,
                "timestamp": "0",
                "block-height": "0",
                "block-hash": NO_BLOCK,
            },
            "edges": edges.collect::<Result<Vec<_>, _>>()?,
        });
        let answer =
            Message::new().with("content-type", "application/json").with("body", page.to_string());
        Ok(Outcome::ok(answer))
    }
}

fn edge(slot: Slot, mut assignment: Message) -> Result<Json, CallError> {
    let id = super::target::id(&assignment)?.to_string();
    let body = match assignment.remove("body") {
        Some(Value::Map(body)) => body,
        _ => Message::new(),
    };
    let mut written = legacy::message(&assignment)?;
    if let Some(written) = written.as_object_mut() {
        written.insert("Id".into(), id.into());
    }
    let node = json!({ "message": legacy::message(&body)?, "assignment": written });
    Ok(json!({ "cursor": slot, "node": node }))
}

/// What the node knows of the newest block: nothing, in mode `debug`.
fn with_block(message: Message) -> Message {
    message.with("timestamp", 0).with("block-height", 0).with("block-hash", NO_BLOCK)
}
