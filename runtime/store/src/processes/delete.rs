//! Deleting a process: a mark, then piece after piece, then the mark.
//!
//! Once there is a mark, the deletion goes on by itself: whoever asked may go away, and what the
//! writer cannot do just now is tried again.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::deleter::Job;
use super::{HalfDone, half_done_key};
use crate::answer::{Answer, wait};
use crate::batch::Batch;
use crate::engine::{Engine, Family};
use crate::error::{Ended, StoreError};
use crate::keys::{
    self, ASSIGNMENT, ATTEMPTS, CHECKPOINT, COMPUTED, DEAD, DUE, ENTRY, HEAD, PUSH, RECEIVED,
    RESULT, SIGNED, STATE,
};
use crate::local::LocalStore;
use crate::outbox::EntryRecord;
use crate::pushes::PushRecord;
use crate::record;
use crate::writer::{How, Writer};

/// Entries of the outbox that one batch deletes.
const PIECE: usize = 1000;
/// Kind and time, which come before the entry in the index of what is due.
const DUE_HEADER_BYTES: usize = 9;

pub(super) fn delete(store: &LocalStore, process: Id) -> Answer<()> {
    let (job, tried) = Job::new(process, HalfDone::Deleting, None);
    let deleter = store.deleter().clone();
    let how = How::synced(64);
    let marked = store.writer().submit_then(
        how,
        move |batch| mark(batch, &process),
        move |marked| {
            // With an unknown outcome there may be a mark.
            if marked.as_ref().map_or_else(StoreError::outcome_is_unknown, |()| true) {
                deleter.delete(job);
            }
        },
    );
    Box::pin(async move {
        marked.await?;
        tried.await.unwrap_or(Err(StoreError::Ended { ended: Ended::Closed }))
    })
}

fn mark(batch: &mut Batch<'_>, process: &Id) -> Result<(), StoreError> {
    let key = half_done_key(process);
    match batch.record(Family::Node, &key)? {
        Some(HalfDone::Importing) => return Err(StoreError::ProcessBusy { process: *process }),
        Some(HalfDone::Deleting) => return Ok(()),
        None => {}
    }
    if batch.get(Family::Log, &keys::of_process(HEAD, process))?.is_none() {
        return Err(StoreError::NoProcess { process: *process });
    }
    batch.put_record(Family::Node, key, &HalfDone::Deleting);
    Ok(())
}

/// Deletes what is left of a process, if it is marked like this.
pub(super) fn delete_marked(
    writer: &Writer,
    process: Id,
    marked: HalfDone,
) -> Result<(), StoreError> {
    let mut from = keys::of_process(ENTRY, &process);
    loop {
        let how = How::buffered(PIECE * 128).alone();
        let piece = writer.submit(how, move |batch| {
            let mark: Option<HalfDone> = batch.record(Family::Node, &half_done_key(&process))?;
            match mark == Some(marked) {
                true => delete_entries(batch, &process, &from).map(Some),
                false => Ok(None),
            }
        });
        match wait(piece)? {
            Some(Some(next)) => from = next,
            Some(None) => break,
            None => return Ok(()),
        }
    }
    let how = How::synced(1024).alone();
    wait(writer.submit(how, move |batch| delete_rest(batch, &process)))
}

/// The same before there is a writer.
pub(crate) fn delete_now(engine: &dyn Engine, process: &Id) -> Result<(), StoreError> {
    let mut from = Some(keys::of_process(ENTRY, process));
    while let Some(first) = from {
        let mut piece = Batch::new(engine);
        from = delete_entries(&mut piece, process, &first)?;
        engine.write(piece.ops(), false)?;
    }
    let mut rest = Batch::new(engine);
    delete_rest(&mut rest, process)?;
    engine.write(rest.ops(), true)
}

/// Deletes entries of the outbox from a key on, with what the indexes say of them. Answers where
/// the next piece begins, if there was anything: a scan from the start would pass all that is
/// deleted already.
fn delete_entries(
    batch: &mut Batch<'_>,
    process: &Id,
    from: &[u8],
) -> Result<Option<Bytes>, StoreError> {
    let end = keys::after(&keys::of_process(ENTRY, process));
    let mut found: Vec<(Bytes, Bytes)> = Vec::new();
    batch.scan_written(Family::Outbox, from, &end, &mut |key, value| {
        found.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        if found.len() < PIECE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let next = found.last().map(|(key, _)| keys::just_after(key));
    let mut unread = BTreeSet::new();
    for (entry, sealed) in found {
        match record::unseal::<EntryRecord>(Family::Outbox, &entry, &sealed) {
            Ok(record) => {
                if let Some(index) = record.index(&entry) {
                    batch.delete(Family::Outbox, index);
                }
            }
            // Damage must not keep what is unwanted anyway.
            Err(_) => drop(unread.insert(entry.slice(1..))),
        }
        batch.delete(Family::Outbox, entry);
    }
    delete_due(batch, &unread)?;
    Ok(next)
}

/// Deletes what the index says of entries that do not tell it themselves.
fn delete_due(batch: &mut Batch<'_>, entries: &BTreeSet<Bytes>) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut found = Vec::new();
    batch.scan_written(Family::Outbox, &[DUE], &keys::after(&[DUE]), &mut |key, _| {
        if key.get(DUE_HEADER_BYTES..).is_some_and(|entry| entries.contains(entry)) {
            found.push(Bytes::copy_from_slice(key));
        }
        ControlFlow::Continue(())
    })?;
    for key in found {
        batch.delete(Family::Outbox, key);
    }
    Ok(())
}

fn delete_rest(batch: &mut Batch<'_>, process: &Id) -> Result<(), StoreError> {
    delete_pushes(batch, process)?;
    let ranges = [
        (Family::Outbox, SIGNED),
        (Family::Outbox, DEAD),
        (Family::Results, RESULT),
        (Family::Results, ATTEMPTS),
        (Family::Log, ASSIGNMENT),
        (Family::Log, RECEIVED),
        (Family::Checkpoints, CHECKPOINT),
        (Family::Checkpoints, STATE),
    ];
    for (family, kind) in ranges {
        let from = keys::of_process(kind, process);
        let to = keys::after(&from);
        batch.delete_range(family, from, to);
    }
    batch.delete(Family::Results, keys::of_process(COMPUTED, process));
    batch.delete(Family::Log, keys::of_process(HEAD, process));
    batch.delete(Family::Node, half_done_key(process));
    Ok(())
}

/// Deletes what says which slots are to be pushed.
fn delete_pushes(batch: &mut Batch<'_>, process: &Id) -> Result<(), StoreError> {
    let from = keys::of_process(PUSH, process);
    let to = keys::after(&from);
    let mut found: Vec<Bytes> = Vec::new();
    batch.scan_written(Family::Outbox, &from, &to, &mut |key, sealed| {
        // Damage must not keep what is unwanted anyway: without its record the index says nothing.
        if let Ok(record) = record::unseal::<PushRecord>(Family::Outbox, key, sealed) {
            found.push(record.index(key));
        }
        ControlFlow::Continue(())
    })?;
    for index in found {
        batch.delete(Family::Outbox, index);
    }
    batch.delete_range(Family::Outbox, from, to);
    Ok(())
}
