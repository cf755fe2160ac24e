//! Writing a checkpoint: its pages, some at a time, then its record.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::prepare::{Pages, prepare};
use super::{CheckpointRecord, CheckpointWritten, MemoryRecord, NewCheckpoint, Session, slot_of};
use crate::Slot;
use crate::batch::Batch;
use crate::config::Retention;
use crate::engine::Family;
use crate::error::StoreError;
use crate::failpoint;
use crate::keys::{self, CHECKPOINT, COMPUTED, STATE};
use crate::local::LocalStore;
use crate::log::check_size;
use crate::processes::refuse_half_done;
use crate::record;
use crate::results::MAX_HASHPATH_BYTES;
use crate::writer::How;

/// Bytes of pages in one request to the writer, so that others are not kept waiting.
const PART_BYTES: usize = 1 << 20;

pub(super) async fn write(
    store: &LocalStore,
    checkpoint: NewCheckpoint,
) -> Result<CheckpointWritten, StoreError> {
    let NewCheckpoint { process, slot, hashpath, state, memory } = checkpoint;
    check_size("a state", state.len())?;
    if hashpath.len() > MAX_HASHPATH_BYTES {
        let (size, limit) = (hashpath.len(), MAX_HASHPATH_BYTES);
        return Err(StoreError::TooLarge { what: "a hashpath", size, limit });
    }
    let base = memory.as_ref().and_then(|memory| memory.base);
    // Before the lists of the base are read: from then on nothing that is named may go.
    let session = Arc::new(store.collector().session());
    let mut written = CheckpointWritten::default();
    let memory = match memory {
        Some(memory) => {
            memory.check(slot)?;
            let prepared = prepare(store, process, memory).await?;
            Some(write_pages(store, &session, prepared, &mut written).await?)
        }
        None => None,
    };
    failpoint::pass("checkpoint::before")?;
    let record = Record { process, slot, base, state, retention: store.config().retention };
    let named = CheckpointRecord { hashpath, memory };
    // Alone: which checkpoints there are is read by a scan, which sees what is written only.
    let how = How::buffered(record.state.len() + PART_BYTES / 8).alone();
    let planned = store.writer().submit(how, move |batch| {
        let dropped = record.plan(batch, &named);
        drop(session);
        dropped
    });
    written.dropped = planned.await?;
    failpoint::pass("checkpoint::after")?;
    Ok(written)
}

async fn write_pages(
    store: &LocalStore,
    session: &Arc<Session>,
    pages: Pages,
    written: &mut CheckpointWritten,
) -> Result<MemoryRecord, StoreError> {
    let mut puts = pages.puts.into_iter().peekable();
    while puts.peek().is_some() {
        failpoint::pass("page::before")?;
        let mut bytes = 0;
        let mut part = Vec::new();
        while let Some((hash, page)) = puts.next_if(|_| bytes < PART_BYTES) {
            bytes += page.len();
            part.push((hash, page));
        }
        let session = Arc::clone(session);
        let planned = store
            .writer()
            .submit(How::buffered(bytes), move |batch| put_part(batch, &session, part));
        let (count, bytes) = planned.await?;
        written.pages += count;
        written.bytes += bytes;
        failpoint::pass("page::after")?;
    }
    Ok(pages.record)
}

/// Writes pages that are not there. Named first, so that what is there stays.
fn put_part(
    batch: &mut Batch<'_>,
    session: &Session,
    part: Vec<([u8; 32], Bytes)>,
) -> Result<(u64, u64), StoreError> {
    let (mut count, mut bytes) = (0, 0);
    for (hash, page) in part {
        session.name(&hash);
        let key = Bytes::copy_from_slice(&hash);
        if batch.get(Family::Pages, &key)?.is_none() {
            count += 1;
            bytes += page.len() as u64;
            batch.put(Family::Pages, key, page);
        }
    }
    Ok((count, bytes))
}

struct Record {
    process: Id,
    slot: Slot,
    base: Option<Slot>,
    state: Bytes,
    retention: Retention,
}

impl Record {
    /// Answers how many checkpoints were dropped.
    fn plan(self, batch: &mut Batch<'_>, named: &CheckpointRecord) -> Result<usize, StoreError> {
        let Self { process, slot, base, state, retention } = self;
        refuse_half_done(batch, &process)?;
        let computed: Option<Slot> =
            batch.record(Family::Results, &keys::of_process(COMPUTED, &process))?;
        if computed.is_none_or(|computed| computed < slot) {
            return Err(StoreError::NotComputed { process, slot });
        }
        if let Some(base) = base
            && batch.get(Family::Checkpoints, &keys::of_slot(CHECKPOINT, &process, base))?.is_none()
        {
            return Err(StoreError::NoCheckpoint { process, slot: base });
        }
        let (key, state_key) =
            (keys::of_slot(CHECKPOINT, &process, slot), keys::of_slot(STATE, &process, slot));
        let sealed = record::seal(&state_key, &state);
        batch.put(Family::Checkpoints, state_key, sealed);
        batch.put_record(Family::Checkpoints, key, named);
        drop_old(batch, process, slot, retention)
    }
}

fn drop_old(
    batch: &mut Batch<'_>,
    process: Id,
    new: Slot,
    retention: Retention,
) -> Result<usize, StoreError> {
    let all = keys::of_process(CHECKPOINT, &process);
    let mut slots = vec![new];
    let mut failed = Ok(());
    batch.scan_written(Family::Checkpoints, &all, &keys::after(&all), &mut |key, _| {
        match slot_of(key) {
            Ok(slot) => slots.push(slot),
            Err(error) => failed = Err(error),
        }
        ControlFlow::Continue(())
    })?;
    failed?;
    slots.sort_unstable();
    slots.dedup();
    let mut dropped = retention.dropped(&slots);
    dropped.retain(|slot| *slot != new);
    for slot in &dropped {
        batch.delete(Family::Checkpoints, keys::of_slot(CHECKPOINT, &process, *slot));
        batch.delete(Family::Checkpoints, keys::of_slot(STATE, &process, *slot));
    }
    Ok(dropped.len())
}
