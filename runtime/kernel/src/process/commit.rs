//! What is on disk of a process that computes: results, checkpoints.
//!
//! A result is committed with all that the slot sends, in one batch. A checkpoint only saves work, so
//! one that cannot be written is said and forgotten.

use std::time::Instant;

use bytes::Bytes;
use oxbeam_protocol::commitment::{Proven, unsigned_id};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{Begun, Commit, ContentBatch, MAX_VALUE_BYTES, NewCheckpoint, Slot, StoreError};

use super::machine::Stopped;
use super::pages;
use super::role::{Role, run_as};
use super::state::Live;
use crate::context::Context;
use crate::error::CallError;
use crate::outbox;
use crate::quarantine::{self, Cause};
use crate::record;
use crate::resolver::HASHPATH;

/// Notes a slot that has no state, or that was not committed. One that came to an end by itself did no
/// harm: it may be tried again.
pub(super) async fn failed(
    context: &Context,
    process: Id,
    slot: Slot,
    stopped: &Stopped,
) -> Result<(), CallError> {
    let node = context.node();
    match stopped {
        Stopped::At(outcome) => {
            let words = quarantine::words_of(outcome);
            node.note_failure(process, slot, Cause::Outcome, words).await?;
        }
        Stopped::By(error) => not_committed(context, process, slot, error).await?,
    }
    if matches!(stopped, Stopped::By(CallError::Panicked { .. })) {
        return Ok(());
    }
    Ok(node.store()?.forget_attempts(process, slot).await?)
}

/// Notes why a slot was not committed, unless that passes by itself.
async fn not_committed(
    context: &Context,
    process: Id,
    slot: Slot,
    error: &CallError,
) -> Result<(), CallError> {
    match quarantine::cause_of(error) {
        Some(cause) => context.node().note_failure(process, slot, cause, error.to_string()).await,
        None => Ok(()),
    }
}

/// Writes what a slot came to, and begins so many of the next ones with it.
pub(super) async fn commit(
    context: &Context,
    (process, slot): (Id, Slot),
    state: &Message,
    (is_new, begins): (bool, u8),
) -> Result<Option<Begun>, CallError> {
    let store = context.node().store()?;
    let Results { results, id: result, record } = Results::of(context, state).await?;
    let hashpath = hashpath(state);
    // What it sends is signed once. The store compares the rest.
    let outbox = match is_new {
        true => outbox::prepare(context, process, slot, &results).await?,
        false => Vec::new(),
    };
    let content = ContentBatch { messages: vec![(result, record)], ..ContentBatch::default() };
    let commit = Commit {
        process,
        slot,
        result,
        hashpath,
        state: None,
        outbox,
        content,
        allowance: Some(context.guest_limits().allowance()),
        printed: context.printed(),
        begins,
    };
    let committed = store.commit(commit).await?;
    if is_new {
        context.node().metrics().computed();
        if let Err(error) = context.node().got_past(process, slot).await {
            // The next slot tries again.
            tracing::warn!(%process, slot, %error, "the quarantine still names the process");
        }
        context.node().followers().tell(process);
    }
    Ok(committed.begun)
}

/// What a slot came to, whole. Its id follows from what was computed, and not from what the process
/// claims of it.
struct Results {
    results: Proven,
    id: Id,
    record: Bytes,
}

impl Results {
    async fn of(context: &Context, state: &Message) -> Result<Self, CallError> {
        let proven = context.node().prove_made(loaded(context, state).await?).await?;
        match Self::written(proven) {
            Ok(written) => Ok(written),
            // It would be so with every attempt: that is what the slot came to.
            Err(why) => {
                let body = format!("The results of the slot cannot be kept: {why}");
                let error = Message::new().with("status", 413).with("body", body);
                Self::written(context.node().prove_made(error).await?)
            }
        }
    }

    fn written(results: Proven) -> Result<Self, CallError> {
        let value = Value::from(results.clone());
        let (id, record) = (unsigned_id(&value)?, record::encode(&value)?);
        match record.len() {
            size if size > MAX_VALUE_BYTES => {
                let (what, limit) = ("a message", MAX_VALUE_BYTES);
                Err(StoreError::TooLarge { what, size, limit }.into())
            }
            _ => Ok(Self { results, id, record }),
        }
    }
}

/// The results of a state with all that they link.
async fn loaded(context: &Context, state: &Message) -> Result<Message, CallError> {
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

/// Whether enough slots or enough time have passed since the last checkpoint for another one.
pub(super) fn is_due(context: &Context, live: &Live) -> bool {
    let settings = context.settings();
    live.since >= settings.checkpoint_slots.max(1)
        || live.saved.elapsed() >= settings.checkpoint_interval
}

/// Writes a checkpoint of a state, unless there is one.
pub(super) async fn save(context: &Context, process: Id, live: &mut Live) {
    let Some(slot) = live.slot.filter(|_| live.since > 0) else { return };
    match try_save(context, process, live, slot).await {
        Ok(bytes) => live.at_rest = Some(bytes),
        Err(error) => tracing::warn!(%process, slot, %error, "failed to write a checkpoint"),
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

/// Answers with the bytes of the state, guests left out.
async fn try_save(
    context: &Context,
    process: Id,
    live: &Live,
    slot: Slot,
) -> Result<usize, CallError> {
    let (state, memory) = pages::apart(with_snapshot(context, &live.state).await?);
    let state = record::encode(&state)?;
    let bytes = state.len();
    let checkpoint =
        NewCheckpoint { process, slot, hashpath: hashpath(&live.state), state, memory };
    context.node().store()?.put_checkpoint(checkpoint).await?;
    Ok(bytes)
}
