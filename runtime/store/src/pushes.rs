//! Slots that somebody wants to be pushed and does not wait for: kept until what they send is owed.

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::Slot;
use crate::answer::Answer;
use crate::batch::Batch;
use crate::content::Persist;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, HEAD, PUSH, PUSH_DUE, Parts};
use crate::local::LocalStore;
use crate::page::{Limit, Page, page};
use crate::processes::refuse_half_done;
use crate::record;

/// Where the slot begins in a record's key: behind its kind and its process.
const SLOT_AT: usize = 33;

/// A slot that is to be pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push {
    /// Whose slot.
    pub process: Id,
    /// Which one.
    pub slot: Slot,
    /// How often it failed.
    pub attempts: u32,
    /// When it is tried next, in milliseconds since 1970.
    pub next_try: u64,
}

/// Where a slot stands among those that are to be pushed: its next try, its process and itself.
pub type PushPlace = (u64, Id, Slot);

/// The slots of all processes that are to be pushed.
pub trait Pushes: Send + Sync {
    /// Notes that a slot is to be pushed, as of `now`; one that waits for its next attempt waits no
    /// longer. Answers once that is on disk.
    ///
    /// # Errors
    /// [`StoreError::NoProcess`], [`StoreError::ProcessBusy`]; errors of writing.
    fn ask_push(&self, process: Id, slot: Slot, now: u64) -> Answer<()>;

    /// Slots whose next try is at or before `now`, the longest due first, from behind the place `after`
    /// on. One whose record is damaged is logged and left out.
    ///
    /// # Errors
    /// Errors of reading.
    fn due_pushes(
        &self,
        now: u64,
        after: Option<PushPlace>,
        limit: Limit,
    ) -> Answer<Page<Push, PushPlace>>;

    /// Slots of a process from `from` on, due or not, in their order. One whose record is damaged is
    /// logged and left out.
    ///
    /// # Errors
    /// Errors of reading.
    fn pushes_of(&self, process: Id, from: Slot, limit: Limit) -> Answer<Page<Push, Slot>>;

    /// When the first slot is due of those that are due after `now`.
    ///
    /// # Errors
    /// Errors of reading.
    fn next_push(&self, now: u64) -> Answer<Option<u64>>;

    /// An attempt failed: the next one is at `next_try`. Nothing happens to what is not noted.
    ///
    /// # Errors
    /// Errors of writing.
    fn put_off_push(&self, process: Id, slot: Slot, next_try: u64) -> Answer<()>;

    /// What the slot sends is owed, on disk.
    ///
    /// # Errors
    /// Errors of writing.
    fn pushed(&self, process: Id, slot: Slot) -> Answer<()>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushRecord {
    attempts: u32,
    next_try: u64,
}

impl PushRecord {
    /// The key in the index of what is due that a record under `key` has.
    pub(crate) fn index(self, key: &[u8]) -> Bytes {
        keys::due_as(PUSH_DUE, self.next_try, key)
    }
}

/// Replaces a record, and its key in the index.
fn put(batch: &mut Batch<'_>, key: &Bytes, before: Option<PushRecord>, after: Option<PushRecord>) {
    if let Some(before) = before {
        batch.delete(Family::Outbox, before.index(key));
    }
    match after {
        Some(after) => {
            batch.put(Family::Outbox, after.index(key), Bytes::new());
            batch.put_record(Family::Outbox, key.clone(), &after);
        }
        None => batch.delete(Family::Outbox, key.clone()),
    }
}

impl Pushes for LocalStore {
    fn ask_push(&self, process: Id, slot: Slot, now: u64) -> Answer<()> {
        self.writer().submit(Persist::Synced.how(128), move |batch| {
            refuse_half_done(batch, &process)?;
            if batch.get(Family::Log, &keys::of_process(HEAD, &process))?.is_none() {
                return Err(StoreError::NoProcess { process });
            }
            let key = key_of(&process, slot);
            let before: Option<PushRecord> = batch.record(Family::Outbox, &key)?;
            let attempts = before.map_or(0, |before| before.attempts);
            let next_try = before.map_or(now, |before| before.next_try.min(now));
            put(batch, &key, before, Some(PushRecord { attempts, next_try }));
            Ok(())
        })
    }

    fn due_pushes(
        &self,
        now: u64,
        after: Option<PushPlace>,
        limit: Limit,
    ) -> Answer<Page<Push, PushPlace>> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| {
            let end = keys::after(&keys::key(&[&[PUSH_DUE], &now.to_be_bytes()]));
            let first = after.map_or(keys::key(&[&[PUSH_DUE]]), |(at, process, slot)| {
                keys::just_after(&keys::due_as(PUSH_DUE, at, &key_of(&process, slot)))
            });
            let due = page(engine, Family::Outbox, &first, &end, limit, |key, _| {
                place(key).map(|place| (place, place))
            })?;
            let mut pushes = Vec::with_capacity(due.items.len());
            for (_, process, slot) in due.items {
                // It may have been pushed, or its process be deleted, since the index was read.
                if let Some(sealed) = engine.get(Family::Outbox, &key_of(&process, slot))?
                    && !marks.has(&process)
                {
                    pushes.extend(read(process, slot, &sealed));
                }
            }
            Ok(Page { items: pushes, last: due.last })
        })
    }

    fn pushes_of(&self, process: Id, from: Slot, limit: Limit) -> Answer<Page<Push, Slot>> {
        let found = self.readers().run(move |engine| {
            let first = key_of(&process, from);
            let end = keys::after(&keys::of_process(PUSH, &process));
            let found = page(engine, Family::Outbox, &first, &end, limit, |key, sealed| {
                let slot = Parts(key.get(SLOT_AT..).unwrap_or_default()).u64();
                let slot = slot.ok_or_else(|| nameless(key))?;
                Ok((read(process, slot, sealed), slot))
            })?;
            Ok(Page { items: found.items.into_iter().flatten().collect(), last: found.last })
        });
        self.unless_half_done(process, found)
    }

    fn next_push(&self, now: u64) -> Answer<Option<u64>> {
        self.readers().run(move |engine| {
            let first = keys::after(&keys::key(&[&[PUSH_DUE], &now.to_be_bytes()]));
            let (limit, end) = (Limit::count(1), keys::after(&[PUSH_DUE]));
            let first = page(engine, Family::Outbox, &first, &end, limit, |key, _| {
                Ok((place(key)?.0, ()))
            })?;
            Ok(first.items.first().copied())
        })
    }

    fn put_off_push(&self, process: Id, slot: Slot, next_try: u64) -> Answer<()> {
        self.writer().submit(Persist::Buffered.how(128), move |batch| {
            refuse_half_done(batch, &process)?;
            let key = key_of(&process, slot);
            if let Some(before) = batch.record::<PushRecord>(Family::Outbox, &key)? {
                let attempts = before.attempts.saturating_add(1);
                put(batch, &key, Some(before), Some(PushRecord { attempts, next_try }));
            }
            Ok(())
        })
    }

    fn pushed(&self, process: Id, slot: Slot) -> Answer<()> {
        // Should the power take this, the slot is pushed again, and finds that its messages are owed.
        self.writer().submit(Persist::Buffered.how(128), move |batch| {
            refuse_half_done(batch, &process)?;
            let key = key_of(&process, slot);
            if let Some(before) = batch.record::<PushRecord>(Family::Outbox, &key)? {
                put(batch, &key, Some(before), None);
            }
            Ok(())
        })
    }
}

fn key_of(process: &Id, slot: Slot) -> Bytes {
    keys::of_slot(PUSH, process, slot)
}

/// What a record says, unless it is damaged: that is to stop nobody else's push.
fn read(process: Id, slot: Slot, sealed: &[u8]) -> Option<Push> {
    match record::unseal(Family::Outbox, &key_of(&process, slot), sealed) {
        Ok(PushRecord { attempts, next_try }) => Some(Push { process, slot, attempts, next_try }),
        Err(error) => {
            warn!(%process, slot, %error, "a slot that is to be pushed cannot be read");
            None
        }
    }
}

/// What a key of the index says.
fn place(key: &[u8]) -> Result<PushPlace, StoreError> {
    let mut parts = Parts(key.get(1..).unwrap_or_default());
    match (parts.u64(), parts.id(), parts.u64()) {
        (Some(at), Some(process), Some(slot)) => Ok((at, process, slot)),
        _ => Err(nameless(key)),
    }
}

fn nameless(key: &[u8]) -> StoreError {
    let (family, reason) = (Family::Outbox, "it names no slot".into());
    StoreError::Corrupt { family, key: record::hex(key), reason }
}
