//! How a state comes into memory: from a checkpoint, or from the definition.

use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{Checkpoint, Slot, StoreError};

use super::definition::{first_state, read};
use super::pages;
use super::role::{Role, run_as};
use super::state::{Live, at_slot};
use crate::context::Context;
use crate::error::CallError;
use crate::outcome::{Outcome, Status};
use crate::quarantine;
use crate::record;
use crate::resolver::HASHPATH;

/// The state after the last checkpoint at or before a slot, or that before any slot.
pub(super) async fn load(
    context: &Context,
    process: Id,
    at_or_before: Option<Slot>,
) -> Result<Result<Live, Outcome>, CallError> {
    let mut below = at_or_before;
    while let Some(slot) = below {
        let Some(checkpoint) = context.node().store()?.checkpoint(process, slot).await? else {
            break;
        };
        let why = match restore(context, &checkpoint).await {
            Ok(Err(outcome)) if outcome.status == Status::Error => quarantine::words_of(&outcome),
            Err(error) if is_unusable(&error) => error.to_string(),
            restored => return restored,
        };
        tracing::warn!(%process, slot = checkpoint.slot, why, "checkpoint passed over");
        below = checkpoint.slot.checked_sub(1);
    }
    initial(context, process).await
}

/// Whether a checkpoint that cannot be restored stays so: retention dropped it meanwhile, it is damaged,
/// or records or guests were others when it was written. The log tells the state without it.
fn is_unusable(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Raised(_)
            | CallError::Record(_)
            | CallError::Store(StoreError::NoCheckpoint { .. } | StoreError::Corrupt { .. })
    )
}

async fn restore(
    context: &Context,
    checkpoint: &Checkpoint,
) -> Result<Result<Live, Outcome>, CallError> {
    let context = &as_at(context, checkpoint.process, checkpoint.slot).await?;
    let restored = context.node().store()?.restore(checkpoint.process, checkpoint.slot).await?;
    let at_rest = Some(restored.state.len());
    let state = pages::together(record::decode(&restored.state)?, restored.memory);
    let Some(mut state) = state else {
        return Err(CallError::Raised("the checkpoint holds no state".into()));
    };
    state.set_private(HASHPATH, checkpoint.hashpath.clone());
    Ok(restarted(context, state).await?.map(|state| {
        let state = at_slot(state.with("initialized", "true"), Some(checkpoint.slot));
        Live { at_rest, ..Live::new(state, Some(checkpoint.slot)) }
    }))
}

/// A state with its execution device running what its snapshot holds.
pub(super) async fn restarted(
    context: &Context,
    state: Message,
) -> Result<Result<Message, Outcome>, CallError> {
    if !state.contains("snapshot") {
        return Ok(Ok(state));
    }
    let request = Message::from([("path", "normalize")]);
    let outcome = run_as(context, Role::Execution, &state, request).await?;
    // A device without anything to restore does not answer.
    let mut restarted = match outcome.is_not_found() {
        true => state.clone(),
        false => match outcome.into_result() {
            Ok(Value::Map(state)) => state,
            Ok(_) => {
                return Err(CallError::Raised("the execution device restores no message".into()));
            }
            Err(outcome) => return Ok(Err(outcome)),
        },
    };
    restarted.remove("snapshot");
    if let Some(hashpath) = state.private(HASHPATH) {
        restarted.set_private(HASHPATH, hashpath.clone());
    }
    Ok(Ok(restarted))
}

/// The context of a slot: it allows guests what they were allowed there, if it was computed before.
pub(super) async fn as_at(
    context: &Context,
    process: Id,
    slot: Slot,
) -> Result<Context, CallError> {
    let known = context.node().store()?.result(process, slot).await?;
    Ok(context.allowing(known.and_then(|known| known.allowance)))
}

async fn initial(context: &Context, process: Id) -> Result<Result<Live, Outcome>, CallError> {
    // A process is begun for its first slot.
    let context = &as_at(context, process, 0).await?;
    let state = first_state(read(context, process).await?);
    let request = Message::from([("path", "init")]);
    let outcome = run_as(context, Role::Execution, &state, request).await?;
    let state = match outcome.is_not_found() {
        true => Role::Execution.of(context, &state).await?,
        false => match outcome.into_result() {
            Ok(Value::Map(state)) => state,
            Ok(_) => {
                return Err(CallError::Raised(
                    "the execution device starts with no message".into(),
                ));
            }
            Err(outcome) => return Ok(Err(outcome)),
        },
    };
    Ok(Ok(Live::new(at_slot(state.with("initialized", "true"), None), None)))
}
