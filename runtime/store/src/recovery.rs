//! What is checked and finished when a store is opened.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use oxbeam_protocol::Id;

use crate::engine::{Engine, Family, Op, Reader};
use crate::error::StoreError;
use crate::keys::{self, ASSIGNMENT, FORMAT, HALF_DONE, HEAD, Parts};
use crate::log::{AssignmentRecord, Head};
use crate::processes::{self, HalfDone};
use crate::record;

/// The format of the data that this version writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Heads are checked for so long; a whole check is [`crate::LocalStore::check`].
const HEADS_TIME: Duration = Duration::from_millis(200);
/// The clock is looked at once for so many heads, so that few are checked however slow the machine is.
const HEADS_AT_ONCE: usize = 1000;

/// What opening a store found and did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// There was nothing, and an empty store was made.
    pub created: bool,
    /// Heads that were held against the log.
    pub heads_checked: usize,
    /// There are more heads than there was time for.
    pub heads_left: bool,
    /// Processes whose deletion a crash had interrupted; it is finished.
    pub deletions_finished: Vec<Id>,
    /// Processes whose import a crash had interrupted; what had been imported is dropped.
    pub imports_dropped: Vec<Id>,
    /// Heads that are not what was written, or do not fit their log, and half-done work that is not
    /// what was written. Their processes cannot be written to; all others can.
    pub damaged: Vec<StoreError>,
}

/// Checks and finishes what must be before anyone may use the data.
pub(crate) fn recover(engine: &dyn Engine) -> Result<Recovery, StoreError> {
    let mut recovery = Recovery { created: check_format(engine)?, ..Recovery::default() };
    finish_half_done(engine, &mut recovery)?;
    check_heads(engine, &mut recovery)?;
    Ok(recovery)
}

/// Refuses data of a newer format; marks an empty store with ours, and says so.
fn check_format(engine: &dyn Engine) -> Result<bool, StoreError> {
    let key = keys::key(&[&[FORMAT]]);
    let Some(sealed) = engine.get(Family::Node, &key)? else {
        let value = record::seal(&key, &FORMAT_VERSION);
        engine.write(&[Op::Put { family: Family::Node, key, value }], true)?;
        return Ok(true);
    };
    let found: u32 = record::unseal(Family::Node, &key, &sealed)?;
    if found > FORMAT_VERSION {
        return Err(StoreError::VersionTooNew { found, supported: FORMAT_VERSION });
    }
    Ok(false)
}

fn finish_half_done(engine: &dyn Engine, recovery: &mut Recovery) -> Result<(), StoreError> {
    let mut marks: Vec<(Bytes, Bytes)> = Vec::new();
    engine.scan(Family::Node, &[HALF_DONE], &keys::after(&[HALF_DONE]), &mut |key, value| {
        marks.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    for (key, sealed) in marks {
        match finish(engine, &key, &sealed, recovery) {
            Ok(()) => {}
            // One process, which its mark goes on to protect; all others can be used.
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(error = ?error, "half-done work cannot be finished");
                recovery.damaged.push(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn finish(
    engine: &dyn Engine,
    key: &[u8],
    sealed: &[u8],
    recovery: &mut Recovery,
) -> Result<(), StoreError> {
    let process = processes::process_of(Family::Node, key)?;
    let half_done = record::unseal(Family::Node, key, sealed)?;
    processes::delete_now(engine, &process)?;
    match half_done {
        HalfDone::Deleting => recovery.deletions_finished.push(process),
        HalfDone::Importing => recovery.imports_dropped.push(process),
    }
    Ok(())
}

/// Each head must have its assignment, and nothing may lie beyond it.
fn check_heads(engine: &dyn Engine, recovery: &mut Recovery) -> Result<(), StoreError> {
    let until = Instant::now() + HEADS_TIME;
    engine.scan(Family::Log, &[HEAD], &keys::after(&[HEAD]), &mut |key, value| {
        let looked_at = recovery.heads_checked;
        if looked_at > 0 && looked_at.is_multiple_of(HEADS_AT_ONCE) && Instant::now() > until {
            recovery.heads_left = true;
            return ControlFlow::Break(());
        }
        recovery.heads_checked += 1;
        if let Err(error) = check_head(engine, key, value) {
            tracing::error!(error = ?error, "a log is damaged");
            recovery.damaged.push(error);
        }
        ControlFlow::Continue(())
    })
}

pub(crate) fn check_head(
    engine: &(impl Reader + ?Sized),
    key: &[u8],
    sealed: &[u8],
) -> Result<(), StoreError> {
    let head: Head = record::unseal(Family::Log, key, sealed)?;
    let process = processes::process_of(Family::Log, key)?;
    let first = keys::of_process(ASSIGNMENT, &process);
    let wrong =
        |reason: String| StoreError::Corrupt { family: Family::Log, key: record::hex(key), reason };
    let Some((key, sealed)) = engine.last(Family::Log, &first, &keys::after(&first))? else {
        return Err(wrong("the log of this head is empty".into()));
    };
    let slot = Parts(key.get(33..).unwrap_or_default()).u64();
    if slot != Some(head.slot) {
        return Err(wrong(format!("the head is {}, the last slot is {slot:?}", head.slot)));
    }
    let last: AssignmentRecord = record::unseal(Family::Log, &key, &sealed)?;
    if last.chain != head.chain {
        return Err(wrong("the hash chain of the head is not that of the last slot".into()));
    }
    Ok(())
}
