//! An entry of the outbox, and how its indexes follow it.

use std::ops::{ControlFlow, Range};

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

use super::MAX_NOTE_BYTES;
use crate::Slot;
use crate::batch::Batch;
use crate::engine::{Engine, Family, Reader};
use crate::error::StoreError;
use crate::keys::{self, DEAD, DUE, ENTRY, Parts, SIGNED};
use crate::page::{Limit, Page, page};
use crate::processes::{Marks, refuse_half_done};
use crate::record;

/// A message that a slot sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Which of the slot's messages. Unique within the slot.
    pub index: u32,
    /// Where to. At most [`MAX_NOTE_BYTES`].
    pub target: String,
    /// The id of the signed message.
    pub id: Id,
    /// The message signed and encoded. At most [`crate::MAX_VALUE_BYTES`].
    pub message: Bytes,
    /// When it is to be tried first, in milliseconds since 1970.
    pub next_try: u64,
}

/// Names an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// Who sends.
    pub process: Id,
    /// The slot that sent it.
    pub slot: Slot,
    /// Which of the slot's messages.
    pub index: u32,
}

impl EntryKey {
    pub(super) fn of(&self, kind: u8) -> Bytes {
        keys::of_index(kind, &self.process, self.slot, self.index)
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut parts = Parts(bytes);
        let (process, slot, index) = (parts.id()?, parts.u64()?, parts.u32()?);
        Some(Self { process, slot, index })
    }
}

/// How far an entry has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// To be tried.
    Pending,
    /// It has arrived, there in this slot if the receiver said so.
    Delivered {
        /// The receiver's slot.
        slot: Option<Slot>,
    },
    /// Given up until somebody asks for it.
    Dead,
}

/// An entry of an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: EntryKey,
    /// Where to.
    pub target: String,
    /// The id of the signed message.
    pub id: Id,
    /// The message signed and encoded, the same in every attempt.
    pub message: Bytes,
    /// Attempts begun.
    pub attempts: u32,
    /// When it is tried next, if it is pending.
    pub next_try: u64,
    /// How far it has come.
    pub status: Status,
    /// Why the last attempt failed.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moved {
    Pending,
    Delivered(Option<Slot>),
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryRecord {
    pub(crate) target: String,
    #[serde(with = "record::id")]
    pub(crate) id: Id,
    pub(crate) attempts: u32,
    pub(crate) next_try: u64,
    pub(crate) status: Moved,
    pub(crate) reason: Option<String>,
}

impl EntryRecord {
    /// Refuses an entry that does not wait, as the caller believes.
    pub(super) fn expect_pending(&self, key: EntryKey) -> Result<(), StoreError> {
        if self.status == Moved::Pending { Ok(()) } else { Err(self.moved(key)) }
    }

    fn moved(&self, EntryKey { process, slot, index }: EntryKey) -> StoreError {
        StoreError::EntryMoved { process, slot, index, status: self.status() }
    }

    /// Puts the next try where it is wanted; a dead entry gets all its tries again.
    pub(super) fn redriven(&mut self, key: EntryKey, next_try: u64) -> Result<(), StoreError> {
        match self.status {
            Moved::Delivered(_) => return Err(self.moved(key)),
            Moved::Pending => self.next_try = next_try,
            Moved::Dead => {
                self.attempts = 0;
                self.pending(next_try, None);
            }
        }
        Ok(())
    }

    /// What arrived once has arrived.
    pub(super) fn delivered(&mut self, slot: Option<Slot>) {
        if !matches!(self.status, Moved::Delivered(_)) {
            self.status = Moved::Delivered(slot);
        }
    }

    fn status(&self) -> Status {
        match self.status {
            Moved::Pending => Status::Pending,
            Moved::Delivered(slot) => Status::Delivered { slot },
            Moved::Dead => Status::Dead,
        }
    }

    pub(super) fn pending(&mut self, next_try: u64, reason: Option<String>) {
        self.next_try = next_try;
        self.status = Moved::Pending;
        self.reason = reason.map(cut);
    }

    pub(super) fn dead(&mut self, reason: String) {
        self.status = Moved::Dead;
        self.reason = Some(cut(reason));
    }

    /// The key that this entry must have in an index, if any.
    pub(crate) fn index(&self, entry: &Bytes) -> Option<Bytes> {
        match self.status {
            Moved::Pending => Some(keys::due(self.next_try, entry)),
            Moved::Dead => Some(keys::with_kind(DEAD, entry)),
            Moved::Delivered(_) => None,
        }
    }

    fn with(self, key: EntryKey, message: Bytes) -> Entry {
        let status = self.status();
        let Self { target, id, attempts, next_try, reason, .. } = self;
        Entry { key, target, id, message, attempts, next_try, status, reason }
    }
}

fn cut(mut reason: String) -> String {
    let end = (0..=MAX_NOTE_BYTES).rev().find(|end| reason.is_char_boundary(*end));
    reason.truncate(end.unwrap_or(0));
    reason
}

/// Changes an entry and moves it in the indexes.
pub(super) fn update<T>(
    batch: &mut Batch<'_>,
    key: EntryKey,
    change: impl FnOnce(&mut EntryRecord) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let entry = key.of(ENTRY);
    let EntryKey { process, slot, index } = key;
    refuse_half_done(batch, &process)?;
    let before: EntryRecord = batch.record(Family::Outbox, &entry)?.ok_or(StoreError::NoEntry {
        process,
        slot,
        index,
    })?;
    let mut after = before.clone();
    let answer = change(&mut after)?;
    // An entry that nothing changes is written as well: who asks for a sync is to get one.
    if let Some(index) = before.index(&entry) {
        batch.delete(Family::Outbox, index);
    }
    if let Some(index) = after.index(&entry) {
        batch.put(Family::Outbox, index, Bytes::new());
    }
    batch.put_record(Family::Outbox, entry, &after);
    Ok(answer)
}

/// Whether nobody has asked for an entry to be sent yet.
pub(super) fn is_asleep(batch: &Batch<'_>, key: EntryKey) -> Result<bool, StoreError> {
    let EntryKey { process, slot, index } = key;
    let record: Option<EntryRecord> = batch.record(Family::Outbox, &key.of(ENTRY))?;
    let record = record.ok_or(StoreError::NoEntry { process, slot, index })?;
    Ok(record.status == Moved::Pending && record.next_try == u64::MAX)
}

pub(super) fn read_entry(reader: &dyn Reader, key: EntryKey) -> Result<Option<Entry>, StoreError> {
    let entry = key.of(ENTRY);
    let Some(sealed) = reader.get(Family::Outbox, &entry)? else { return Ok(None) };
    let record: EntryRecord = record::unseal(Family::Outbox, &entry, &sealed)?;
    let at = key.of(SIGNED);
    let Some(sealed) = reader.get(Family::Outbox, &at)? else {
        // Its process may have been deleted since the entry was read.
        return match reader.get(Family::Outbox, &entry)? {
            Some(_) => Err(corrupt(&at, "the entry's message is missing")),
            None => Ok(None),
        };
    };
    Ok(Some(record.with(key, record::unseal(Family::Outbox, &at, &sealed)?)))
}

/// The time of the first entry in the index of what is due.
pub(super) fn first_due(engine: &dyn Engine, marks: &Marks) -> Result<Option<u64>, StoreError> {
    let mut found = Ok(None);
    engine.scan(Family::Outbox, &[DUE], &keys::after(&[DUE]), &mut |key, _| {
        let mut parts = Parts(key.get(1..).unwrap_or_default());
        found = match (parts.u64(), parts.id()) {
            (Some(_), Some(process)) if marks.has(&process) => return ControlFlow::Continue(()),
            (Some(time), Some(_)) => Ok(Some(time)),
            _ => Err(corrupt(key, "it names no entry")),
        };
        ControlFlow::Break(())
    })?;
    found
}

/// The entries that an index names, with their places in it. `place` reads a key of the index.
pub(super) fn scan_index<C: Copy>(
    engine: &dyn Engine,
    marks: &Marks,
    range: Range<&Bytes>,
    limit: Limit,
    place: impl Fn(&[u8]) -> Option<(EntryKey, C)>,
) -> Result<Page<Entry, C>, StoreError> {
    let found = page(engine, Family::Outbox, range.start, range.end, limit, |key, _| {
        let (at, place) = place(key).ok_or_else(|| corrupt(key, "it names no entry"))?;
        Ok(((at, place), place))
    })?;
    let mut items = Vec::with_capacity(found.items.len());
    let mut bytes = 0;
    let mut last = None;
    for (key, place) in &found.items {
        let entry = read_entry(engine, *key);
        // It may come from an import under way, or its process be deleted.
        if marks.has(&key.process) {
            continue;
        }
        let Some(entry) = entry? else { continue };
        bytes += entry.message.len();
        if !items.is_empty() && bytes > limit.bytes {
            return Ok(Page { items, last });
        }
        last = Some(*place);
        items.push(entry);
    }
    Ok(Page { items, last: found.last })
}

/// The place of an entry in an index in order of entries.
pub(super) fn by_entry(key: &[u8]) -> Option<(EntryKey, EntryKey)> {
    EntryKey::read(key.get(1..)?).map(|entry| (entry, entry))
}

/// Where the index of what is due goes on behind a place.
pub(super) fn behind((at, entry): (u64, EntryKey)) -> Bytes {
    keys::just_after(&keys::due(at, &entry.of(ENTRY)))
}

/// The place of an entry in the index of what is due.
pub(super) fn by_time(key: &[u8]) -> Option<(EntryKey, (u64, EntryKey))> {
    let mut parts = Parts(key.get(1..)?);
    let at = parts.u64()?;
    EntryKey::read(parts.0).map(|entry| (entry, (at, entry)))
}

pub(super) fn corrupt(key: &[u8], reason: &str) -> StoreError {
    StoreError::Corrupt { family: Family::Outbox, key: record::hex(key), reason: reason.into() }
}
