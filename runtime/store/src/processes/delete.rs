//! Deleting a process: a mark, then piece after piece, then the mark.

use std::ops::ControlFlow;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::{HalfDone, half_done_key};
use crate::answer::Answer;
use crate::batch::Batch;
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::keys::{
    self, ASSIGNMENT, ATTEMPTS, CHECKPOINT, COMPUTED, DEAD, ENTRY, HEAD, RECEIVED, RESULT, SIGNED,
    STATE,
};
use crate::local::LocalStore;
use crate::outbox::EntryRecord;
use crate::record;
use crate::writer::How;

/// Entries of the outbox that one batch deletes.
const PIECE: usize = 1000;

pub(super) fn delete(store: LocalStore, process: Id) -> Answer<()> {
    Box::pin(async move {
        let marked = store.writer().submit(How::synced(64), move |batch| mark(batch, &process));
        marked.await?;
        finish_delete(store, process).await
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

/// Deletes what is left of a process that is marked.
pub(crate) async fn finish_delete(store: LocalStore, process: Id) -> Result<(), StoreError> {
    loop {
        let how = How::buffered(PIECE * 128).alone();
        let piece = store.writer().submit(how, move |batch| delete_entries(batch, &process));
        if !piece.await? {
            break;
        }
    }
    let how = How::synced(1024).alone();
    store.writer().submit(how, move |batch| delete_rest(batch, &process)).await
}

/// The same before there is a writer.
pub(crate) fn delete_now(engine: &dyn Engine, process: &Id) -> Result<(), StoreError> {
    loop {
        let mut piece = Batch::new(engine);
        let any = delete_entries(&mut piece, process)?;
        engine.write(piece.ops(), false)?;
        if !any {
            break;
        }
    }
    let mut rest = Batch::new(engine);
    delete_rest(&mut rest, process)?;
    engine.write(rest.ops(), true)
}

/// Deletes some entries of the outbox with what the indexes say of them. Were there any?
fn delete_entries(batch: &mut Batch<'_>, process: &Id) -> Result<bool, StoreError> {
    let first = keys::of_process(ENTRY, process);
    let mut found: Vec<(Bytes, Bytes)> = Vec::new();
    batch.scan_written(Family::Outbox, &first, &keys::after(&first), &mut |key, value| {
        found.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        if found.len() < PIECE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let any = !found.is_empty();
    for (entry, sealed) in found {
        let record: EntryRecord = record::unseal(Family::Outbox, &entry, &sealed)?;
        if let Some(index) = record.index(&entry) {
            batch.delete(Family::Outbox, index);
        }
        batch.delete(Family::Outbox, entry);
    }
    Ok(any)
}

fn delete_rest(batch: &mut Batch<'_>, process: &Id) -> Result<(), StoreError> {
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
