//! One slot of a process. Source: spec 10, section 5.2.

use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{Begun, Slot, StoreError};

use super::ahead::Ahead;
use super::attempt::Attempts;
use super::commit;
use super::proof;
use super::role::{Role, run_as};
use super::state::{Live, at_slot};
use crate::context::Context;
use crate::error::CallError;
use crate::outcome::{Outcome, Status};
use crate::request::http_status;
use crate::trace::{self, Span};

/// What a slot came to, if not to the next state.
#[derive(Debug)]
pub(super) enum Stopped {
    /// An outcome that is no state: the slot has none, however often it is tried.
    At(Outcome),
    /// The slot could not be computed.
    By(CallError),
}

impl Stopped {
    /// As whoever waits for the slot is answered.
    fn http_status(&self) -> u16 {
        match self {
            Self::At(outcome) => http_status(outcome),
            Self::By(error) => error.http_status(),
        }
    }
}

impl From<CallError> for Stopped {
    fn from(error: CallError) -> Self {
        Self::By(error)
    }
}

/// A slot that is to be computed.
#[derive(Debug)]
pub(super) struct Ready {
    assignment: Message,
    /// The hash chain there, if it was verified.
    chain: Option<Id>,
    /// Whether it is computed for the first time.
    is_new: bool,
    /// What guests are allowed in it.
    context: Context,
}

impl Ready {
    /// Whether its assignment was verified, as those after it will have to be.
    pub(super) const fn is_verified(&self) -> bool {
        self.chain.is_some()
    }
}

/// Finds the slot that comes after a state, and whether it may be computed. No device is asked, so
/// that what one runs for the state is as it was, whatever comes of it.
pub(super) async fn ready(
    context: &Context,
    process: Id,
    (live, ahead): (&mut Live, &mut Ahead),
    attempts: Option<&Attempts>,
) -> Result<Ready, Stopped> {
    let slot = live.next();
    let store = context.node().store()?;
    let Some(mut read) = ahead.take(context, process, slot).await? else {
        return Err(Stopped::At(unscheduled(slot)));
    };
    // What was committed before harmed nobody then: only its result is held against this one.
    let known = store.result(process, slot).await.map_err(CallError::from)?;
    let attempts = attempts.filter(|_| known.is_none());
    let is_new = attempts.is_some();
    // Guests are allowed what they were allowed then, or the slot might come to something else.
    let context = &context.allowing(known.and_then(|known| known.allowance));
    // A slot of the past was verified before it was committed.
    let chain = match is_new && context.settings().verifies_log {
        true => {
            let schedulers = live.schedulers(context, process).await?;
            Some(proof::prove(context, process, (&*live, &schedulers), &mut read).await?)
        }
        false => None,
    };
    let context = match attempts {
        Some(attempts) => attempts.make(context, process, slot).await?.keeping_prints(),
        None => context.clone(),
    };
    Ok(Ready { assignment: read.assignment, chain, is_new, context })
}

/// A slot that has come to a state.
pub(super) struct Computed {
    pub(super) live: Live,
    pub(super) is_new: bool,
    pub(super) within: Within,
}

/// What a slot was computed with. Its span ends when the slot is committed.
pub(super) struct Within {
    pub(super) context: Context,
    _span: Span,
}

/// Computes the next slot of a state.
pub(super) async fn next(process: Id, live: Live, ready: Ready) -> Result<Computed, Stopped> {
    let Ready { assignment, chain, is_new, context } = ready;
    let slot = live.next();
    let mut span = context.trace().begin("compute");
    span.set("oxbeam.process", || process.to_string());
    span.set("oxbeam.slot", || i64::try_from(slot).unwrap_or(i64::MAX));
    let context = context.traced(span.trace());
    let computed = compute(&context, &live.state, assignment, slot).await;
    if let Err(stopped) = &computed {
        span.ended(trace::STATUS, stopped.http_status());
    }
    if let (true, Err(stopped)) = (is_new, &computed) {
        commit::failed(&context, process, slot, stopped).await?;
    }
    let state = computed?;
    let since = live.since.saturating_add(1);
    let live = Live { state, slot: Some(slot), chain, since, at_rest: None, ..live };
    Ok(Computed { live, is_new, within: Within { context, _span: span } })
}

/// Commits a slot, and begins so many of the next ones with it. One that was committed before must
/// have come to the same.
pub(super) async fn commit(
    (process, slot): (Id, Slot),
    (state, within): (Message, Within),
    (is_new, begins): (bool, u8),
) -> Result<Option<Begun>, Stopped> {
    let context = &within.context;
    let committed = commit::commit(context, (process, slot), &state, (is_new, begins)).await;
    // What was committed before is noted only if it came to something else now.
    let differs = matches!(committed, Err(CallError::Store(StoreError::ResultDiffers { .. })));
    if differs {
        tracing::error!(%process, slot, "a slot came to another result than before");
    }
    let committed = committed.map_err(Stopped::By);
    if let (true, Err(why)) = (is_new || differs, &committed) {
        commit::failed(context, process, slot, why).await?;
    }
    committed
}

/// Applies an assignment to a state.
async fn compute(
    context: &Context,
    state: &Message,
    assignment: Message,
    slot: Slot,
) -> Result<Message, Stopped> {
    let state = state.clone().without(&["results"]);
    let assignment = match assignment.contains("path") {
        true => assignment,
        false => assignment.with("path", "compute"),
    };
    let outcome = run_as(context, Role::Execution, &state, assignment).await?;
    match (outcome.status, outcome.value) {
        (Status::Ok, Value::Map(state)) => Ok(at_slot(state, Some(slot))),
        (Status::Error, value) => Err(Stopped::At(failed(value, "compute", slot))),
        (status, _) => Err(Stopped::By(CallError::Raised(format!(
            "slot {slot} ended as {status}, without a state"
        )))),
    }
}

/// An error with where it came up.
fn failed(value: Value, phase: &str, slot: Slot) -> Outcome {
    let message = match value {
        Value::Map(message) => message,
        value => Message::new().with("error", value),
    };
    let slot = i64::try_from(slot).unwrap_or(i64::MAX);
    Outcome::error(message.with("phase", phase).with("attempted-slot", slot))
}

fn unscheduled(slot: Slot) -> Outcome {
    let reason = "Requested slot not yet available in schedule.";
    let value = Message::new().with("status", 404).with("reason", reason);
    failed(value.into(), "get-schedule", slot)
}
