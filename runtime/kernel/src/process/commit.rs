//! What is on disk of a process that computes: attempts, results, checkpoints.
//!
//! An attempt is counted before it is made, so that a slot which ends the program is not tried for
//! ever. A result is committed with all that the slot sends, in one batch. A checkpoint only saves
//! work, so one that cannot be written is said and forgotten.

use std::time::Instant;

use oxbeam_protocol::commitment::unsigned_id;
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{Commit, ContentBatch, NewCheckpoint, Slot};

use super::machine::Stopped;
use super::pages;
use super::role::{Role, run_as};
use super::state::Live;
use crate::context::Context;
use crate::error::CallError;
use crate::outbox;
use crate::record;
use crate::resolver::HASHPATH;

/// Counts an attempt at a slot.
pub(super) async fn begin(context: &Context, process: Id, slot: Slot) -> Result<(), CallError> {
    let attempts = context.node().store()?.count_attempt(process, slot).await?;
    if attempts > context.settings().max_attempts {
        let reason = format!("slot {slot} ended its program or its device {} times", attempts - 1);
        return Err(CallError::Quarantined { process, reason });
    }
    Ok(())
}

/// A slot that came to an end by itself, though without a state, did no harm: it may be tried again.
pub(super) async fn failed(
    context: &Context,
    process: Id,
    slot: Slot,
    computed: &Result<Message, Stopped>,
) -> Result<(), CallError> {
    if matches!(computed, Err(Stopped::By(CallError::Panicked { .. }))) {
        return Ok(());
    }
    Ok(context.node().store()?.forget_attempts(process, slot).await?)
}

/// Commits a slot. One that was committed before must have come to the same.
pub(super) async fn commit(
    context: &Context,
    process: Id,
    live: &Live,
    slot: Slot,
    is_new: bool,
) -> Result<(), CallError> {
    let store = context.node().store()?;
    let results = results(context, &live.state).await?;
    let result = unsigned_id(&results.clone().into())?;
    let hashpath = hashpath(&live.state);
    // What it sends is signed once. The store compares the rest.
    let outbox = match is_new {
        true => outbox::prepare(context, &live.state, slot, &results).await?,
        false => Vec::new(),
    };
    let content = ContentBatch {
        messages: vec![(result, record::encode(&results.into())?)],
        ..ContentBatch::default()
    };
    let commit = Commit { process, slot, result, hashpath, state: None, outbox, content };
    store.commit(commit).await?;
    if is_new {
        context.node().metrics().computed();
        context.node().followers().tell(process);
    }
    Ok(())
}

/// What a slot came to, whole.
async fn results(context: &Context, state: &Message) -> Result<Message, CallError> {
    match context.get(state, "results").await? {
        Some(Value::Map(results)) => match context.load_all(results.into()).await? {
            Value::Map(results) => Ok(results.without_private()),
            _ => Ok(Message::new()),
        },
        Some(other) => Ok(Message::new().with("results", other)),
        None => Ok(Message::new()),
    }
}

fn hashpath(state: &Message) -> String {
    match state.private(HASHPATH) {
        Some(Value::Bytes(hashpath)) => String::from_utf8_lossy(hashpath).into_owned(),
        _ => String::new(),
    }
}

/// Writes a checkpoint if enough slots or enough time have passed since the last.
pub(super) async fn save_if_due(context: &Context, process: Id, live: &mut Live) {
    let settings = context.settings();
    let due = live.since >= settings.checkpoint_slots.max(1)
        || live.saved.elapsed() >= settings.checkpoint_interval;
    if due {
        save(context, process, live).await;
    }
}

/// Writes a checkpoint of a state, unless there is one.
pub(super) async fn save(context: &Context, process: Id, live: &mut Live) {
    let Some(slot) = live.slot.filter(|_| live.since > 0) else { return };
    if let Err(error) = try_save(context, process, live, slot).await {
        tracing::warn!(%process, slot, %error, "failed to write a checkpoint");
    }
    // Also after a failure: the next one is due as if this had been written.
    live.since = 0;
    live.saved = Instant::now();
}

/// A state with what its execution device runs for it, as a value.
pub(super) async fn with_snapshot(
    context: &Context,
    state: &Message,
) -> Result<Message, CallError> {
    let request = Message::from([("path", "snapshot"), ("mode", "Map")]);
    let outcome = run_as(&context.quietly(), Role::Execution, state, request).await?;
    if outcome.is_not_found() {
        return Ok(state.clone());
    }
    match outcome.into_result() {
        Ok(snapshot) => Ok(state.clone().with("snapshot", snapshot)),
        Err(outcome) => {
            Err(CallError::Raised(format!("the execution device says {}", outcome.status)))
        }
    }
}

async fn try_save(
    context: &Context,
    process: Id,
    live: &Live,
    slot: Slot,
) -> Result<(), CallError> {
    let (state, memory) = pages::apart(with_snapshot(context, &live.state).await?);
    let state = record::encode(&state)?;
    let checkpoint =
        NewCheckpoint { process, slot, hashpath: hashpath(&live.state), state, memory };
    context.node().store()?.put_checkpoint(checkpoint).await?;
    Ok(())
}
