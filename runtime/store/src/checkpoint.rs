//! Checkpoints: states of processes, with guest memory in pages that are stored once.
//!
//! ```text
//! checkpoint ─► page lists, of 64 pages each ─► pages
//! ```
//!
//! Pages and page lists are found by their SHA-256, so that equal ones are one. Who writes a
//! checkpoint names the one before it and gives the pages that changed: those are written, and the
//! lists they are in; a page of zeros is written as none. What no checkpoint names any more is found
//! by [`Checkpoints::collect_pages`].
//!
//! A page has [`PAGE_BYTES`] unless the caller wants others: with smaller pages less is written when
//! changes are scattered, with larger ones fewer hashes are. The measurement is in
//! `docs/benchmarks.md`.

mod collect;
mod collector;
mod filter;
mod memory;
mod prepare;
mod restore;
mod retention;
mod write;

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

pub use self::collect::Collected;
pub(crate) use self::collector::{Collector, Session};
pub use self::memory::{MAX_MEMORY_BYTES, Memory, PAGE_BYTES};
pub(crate) use self::memory::{MemoryRecord, NO_PAGES, PAGES_OF_LIST, hashes, page_key, read_page};
pub use self::restore::Restored;
use crate::Slot;
use crate::answer::Answer;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, CHECKPOINT, Parts};
use crate::local::LocalStore;
use crate::page::{Limit, Page, page};
use crate::record;

/// The checkpoints of all processes.
pub trait Checkpoints: Send + Sync {
    /// Writes a checkpoint, and drops those that retention does not keep.
    ///
    /// It follows from the log and is not synced. Starts when the answer is awaited; dropped
    /// before, it leaves pages that are collected.
    ///
    /// # Errors
    /// [`StoreError::NotComputed`], [`StoreError::WrongPage`], [`StoreError::TooLarge`];
    /// [`StoreError::NoCheckpoint`] if the one it builds on is gone: write all pages; errors of
    /// writing.
    fn put_checkpoint(&self, checkpoint: NewCheckpoint) -> Answer<CheckpointWritten>;

    /// The last checkpoint at or before a slot.
    ///
    /// # Errors
    /// Errors of reading.
    fn checkpoint(&self, process: Id, at_or_before: Slot) -> Answer<Option<Checkpoint>>;

    /// Checkpoints of a process from behind `after` on.
    ///
    /// # Errors
    /// Errors of reading.
    fn checkpoints(
        &self,
        process: Id,
        after: Option<Slot>,
        limit: Limit,
    ) -> Answer<Page<Checkpoint, Slot>>;

    /// The state and memory of a checkpoint, exactly as they were: every page is held against its
    /// hash.
    ///
    /// # Errors
    /// [`StoreError::NoCheckpoint`], [`StoreError::Corrupt`]; errors of reading.
    fn restore(&self, process: Id, slot: Slot) -> Answer<Restored>;

    /// Deletes pages that no checkpoint names, a few at a time, between other writes. May be
    /// dropped or crash at any point.
    ///
    /// # Errors
    /// [`StoreError::Collecting`] if another one is under way; errors of reading and writing.
    fn collect_pages(&self) -> Answer<Collected>;
}

/// What is to be kept of a process after a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckpoint {
    /// Whose.
    pub process: Id,
    /// After which slot. It must have a result.
    pub slot: Slot,
    /// The hashpath of the state.
    pub hashpath: String,
    /// All of the state that is not memory. At most [`crate::MAX_VALUE_BYTES`].
    pub state: Bytes,
    /// Guest memory, if there is any.
    pub memory: Option<Memory>,
}

/// A checkpoint that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose.
    pub process: Id,
    /// After which slot.
    pub slot: Slot,
    /// The hashpath of the state.
    pub hashpath: String,
    /// Bytes of guest memory, if there is any.
    pub memory: Option<u64>,
}

/// What writing a checkpoint came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointWritten {
    /// Pages that were not there before.
    pub pages: u64,
    /// Bytes of pages and page lists written, before compression.
    pub bytes: u64,
    /// Checkpoints that retention dropped.
    pub dropped: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointRecord {
    pub(crate) hashpath: String,
    pub(crate) memory: Option<MemoryRecord>,
}

impl CheckpointRecord {
    fn at(self, process: Id, slot: Slot) -> Checkpoint {
        let memory = self.memory.map(|memory| memory.bytes);
        Checkpoint { process, slot, hashpath: self.hashpath, memory }
    }
}

/// The slot of a checkpoint's key.
pub(crate) fn slot_of(key: &[u8]) -> Result<Slot, StoreError> {
    Parts(key.get(33..).unwrap_or_default()).u64().ok_or_else(|| StoreError::Corrupt {
        family: Family::Checkpoints,
        key: record::hex(key),
        reason: "it names no slot".into(),
    })
}

impl Checkpoints for LocalStore {
    fn put_checkpoint(&self, checkpoint: NewCheckpoint) -> Answer<CheckpointWritten> {
        let store = self.clone();
        Box::pin(async move { write::write(&store, checkpoint).await })
    }

    fn checkpoint(&self, process: Id, at_or_before: Slot) -> Answer<Option<Checkpoint>> {
        let found = self.readers().run(move |engine| {
            let from = keys::of_process(CHECKPOINT, &process);
            let to = keys::just_after(&keys::of_slot(CHECKPOINT, &process, at_or_before));
            let Some((key, sealed)) = engine.last(Family::Checkpoints, &from, &to)? else {
                return Ok(None);
            };
            let record: CheckpointRecord = record::unseal(Family::Checkpoints, &key, &sealed)?;
            Ok(Some(record.at(process, slot_of(&key)?)))
        });
        self.unless_half_done(process, found)
    }

    fn checkpoints(
        &self,
        process: Id,
        after: Option<Slot>,
        limit: Limit,
    ) -> Answer<Page<Checkpoint, Slot>> {
        let found = self.readers().run(move |engine| {
            let all = keys::of_process(CHECKPOINT, &process);
            let from = after.map_or(all.clone(), |slot| {
                keys::just_after(&keys::of_slot(CHECKPOINT, &process, slot))
            });
            page(engine, Family::Checkpoints, &from, &keys::after(&all), limit, |key, value| {
                let record: CheckpointRecord = record::unseal(Family::Checkpoints, key, value)?;
                let slot = slot_of(key)?;
                Ok((record.at(process, slot), slot))
            })
        });
        self.unless_half_done(process, found)
    }

    fn restore(&self, process: Id, slot: Slot) -> Answer<Restored> {
        let store = self.clone();
        Box::pin(async move { restore::restore(&store, process, slot).await })
    }

    fn collect_pages(&self) -> Answer<Collected> {
        let store = self.clone();
        Box::pin(async move { collect::collect(&store).await })
    }
}
