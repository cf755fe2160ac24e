//! What each slot came to.
//!
//! A slot's result, its outbox entries and the state it led to are written together, slots in order
//! and each once. They follow from the log, so no sync is spent on them: a power cut takes some of
//! the last ones, never one without those before it, and they are computed again.

use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

use crate::Slot;
use crate::answer::Answer;
use crate::batch::Batch;
use crate::content::{CameWith, ContentBatch};
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, ATTEMPTS, COMPUTED, HEAD, Parts, RESULT};
use crate::local::LocalStore;
use crate::log::{Head, next_slot};
use crate::outbox::{self, Outgoing};
use crate::page::{Limit, Page, page};
use crate::processes::refuse_half_done;
use crate::record;
use crate::writer::How;

/// Longest hashpath, in bytes.
pub const MAX_HASHPATH_BYTES: usize = 1024;

/// Longest text that is kept of what guests print in a slot.
pub const MAX_PRINTED_BYTES: usize = 16 << 10;
/// Most messages that one slot sends.
pub const MAX_OUTGOING: usize = 65_536;

/// The results of all processes.
pub trait Results: Send + Sync {
    /// Commits a slot: its result, its outbox entries and its content, all or nothing.
    ///
    /// A slot that has this result already is left as it is; what it sends, and what guests were
    /// allowed, need not be given again.
    ///
    /// # Errors
    /// [`StoreError::NotScheduled`] beyond the log, [`StoreError::OutOfOrder`] unless the slot
    /// follows the last computed one, [`StoreError::ResultDiffers`] if it has another result; errors
    /// of writing.
    fn commit(&self, commit: Commit) -> Answer<Committed>;

    /// The result of a slot.
    ///
    /// # Errors
    /// Errors of reading.
    fn result(&self, process: Id, slot: Slot) -> Answer<Option<SlotResult>>;

    /// Results from a slot on, in order.
    ///
    /// # Errors
    /// Errors of reading.
    fn results(&self, process: Id, from: Slot, limit: Limit) -> Answer<Page<SlotResult, Slot>>;

    /// The last slot that is computed.
    ///
    /// # Errors
    /// Errors of reading.
    fn computed(&self, process: Id) -> Answer<Option<SlotResult>>;

    /// Counts an attempt at a slot, which survives the program if not a power cut. Answers with the
    /// number of attempts, this one included. Committing the slot forgets them.
    ///
    /// # Errors
    /// Errors of writing.
    fn count_attempt(&self, process: Id, slot: Slot) -> Answer<u32>;

    /// Attempts at a slot that is not committed.
    ///
    /// # Errors
    /// Errors of reading.
    fn attempts(&self, process: Id, slot: Slot) -> Answer<u32>;

    /// Takes back the last attempt at each of so many slots from the first on, which were broken off in
    /// order and tell nothing of them. Queued by this call, whether or not anybody waits for the answer.
    ///
    /// # Errors
    /// Errors of writing.
    fn take_back_attempts(&self, process: Id, first: Slot, slots: u8) -> Answer<()>;

    /// Forgets the attempts at a slot, so that it may be tried again.
    ///
    /// # Errors
    /// Errors of writing.
    fn forget_attempts(&self, process: Id, slot: Slot) -> Answer<()>;
}

/// What is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Whose slot, and which, what it came to.
    pub process: Id,
    /// Which slot.
    pub slot: Slot,
    /// The result message.
    pub result: Id,
    /// The hashpath of the state after the slot. At most [`MAX_HASHPATH_BYTES`].
    pub hashpath: String,
    /// The state message, if it is kept as one.
    pub state: Option<Id>,
    /// What the slot sends. At most [`MAX_OUTGOING`].
    pub outbox: Vec<Outgoing>,
    /// Messages that become readable together with the result.
    pub content: ContentBatch,
    /// What guests were allowed while the slot was computed, if the committer has such limits.
    pub allowance: Option<Allowance>,
    /// What guests printed in the slot, for people. At most [`MAX_PRINTED_BYTES`].
    pub printed: String,
    /// Counts an attempt at each of so many of the next slots together with the commit, as
    /// [`Results::count_attempt`] would: at the first, and at those after it as long as the log has
    /// them and neither they nor the first were tried before.
    pub begins: u8,
}

/// What guests were allowed while a slot was computed. It decides the result, so that whoever
/// computes the slot again has to allow the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Fuel of one call.
    pub fuel: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

impl Commit {
    /// Nearly what it takes up as records.
    fn bytes(&self) -> usize {
        let sent = self.outbox.iter().map(|sent| sent.target.len() + sent.message.len() + 320);
        256 + self.hashpath.len() + self.printed.len() + sent.sum::<usize>() + self.content.bytes()
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The slot had this result before; its outbox entries are those of the first time.
    pub repeated: bool,
    /// What was begun with this commit. None if nothing was: it was not asked for, the log does not
    /// have the next slot, or the commit was repeated.
    pub begun: Option<Begun>,
}

/// The next slots, at which attempts were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// How many slots.
    pub slots: u8,
    /// Attempts at the first of them, this one included. At others it is the first one.
    pub attempts: u32,
}

/// What a slot came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotResult {
    /// Which slot.
    pub slot: Slot,
    /// The result message.
    pub result: Id,
    /// The hashpath of the state after the slot.
    pub hashpath: String,
    /// The state message, if it is kept as one.
    pub state: Option<Id>,
    /// How many messages the slot sent.
    pub sent: u32,
    /// What guests were allowed when it was first committed.
    pub allowance: Option<Allowance>,
    /// What guests printed then.
    pub printed: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResultRecord {
    #[serde(with = "record::id")]
    pub(crate) result: Id,
    pub(crate) hashpath: String,
    #[serde(with = "record::maybe_id")]
    pub(crate) state: Option<Id>,
    pub(crate) sent: u32,
    #[serde(default)]
    pub(crate) came_with: CameWith,
    #[serde(default)]
    pub(crate) allowance: Option<Allowance>,
    #[serde(default)]
    pub(crate) printed: String,
}

impl ResultRecord {
    fn at(self, slot: Slot) -> SlotResult {
        let Self { result, hashpath, state, sent, came_with: _, allowance, printed } = self;
        SlotResult { slot, result, hashpath, state, sent, allowance, printed }
    }
}

/// A commit whose records are encoded.
struct Prepared {
    process: Id,
    slot: Slot,
    record: ResultRecord,
    outbox: outbox::Prepared,
    content: crate::content::Prepared,
    begins: u8,
}

impl Prepared {
    fn new(commit: Commit) -> Result<Self, StoreError> {
        let Commit {
            process,
            slot,
            result,
            hashpath,
            state,
            outbox,
            content,
            allowance,
            printed,
            begins,
        } = commit;
        if hashpath.len() > MAX_HASHPATH_BYTES {
            let (size, limit) = (hashpath.len(), MAX_HASHPATH_BYTES);
            return Err(StoreError::TooLarge { what: "a hashpath", size, limit });
        }
        if printed.len() > MAX_PRINTED_BYTES {
            let (size, limit) = (printed.len(), MAX_PRINTED_BYTES);
            return Err(StoreError::TooLarge { what: "what a slot prints", size, limit });
        }
        let outbox = outbox::Prepared::new(&process, slot, outbox)?;
        let (sent, came_with) = (outbox.count(), CameWith::from(&content));
        let record = ResultRecord { result, hashpath, state, sent, came_with, allowance, printed };
        let content = crate::content::Prepared::new(content)?;
        Ok(Self { process, slot, record, outbox, content, begins })
    }

    fn plan(self, batch: &mut Batch<'_>) -> Result<Committed, StoreError> {
        let Self { process, slot, record, outbox, content, begins } = self;
        refuse_half_done(batch, &process)?;
        let key = keys::of_slot(RESULT, &process, slot);
        if let Some(found) = batch.record::<ResultRecord>(Family::Results, &key)? {
            let (found, mut given) = (found.at(slot), record.at(slot));
            if given.sent == 0 {
                // What a slot sends is signed once, and so not brought again.
                given.sent = found.sent;
            }
            // What was allowed the first time holds, and what was printed then.
            given.allowance = found.allowance;
            given.printed.clone_from(&found.printed);
            return match found == given {
                true => Ok(Committed { repeated: true, begun: None }),
                false => Err(StoreError::ResultDiffers { process, slot }),
            };
        }
        let last = check_order(batch, process, slot)?;
        batch.put_record(Family::Results, key, &record);
        batch.put_record(Family::Results, keys::of_process(COMPUTED, &process), &slot);
        let attempts = keys::of_slot(ATTEMPTS, &process, slot);
        if batch.get(Family::Results, &attempts)?.is_some() {
            batch.delete(Family::Results, attempts);
        }
        outbox.plan(batch);
        content.plan(batch)?;
        let next = (slot..=last).skip(1).take(usize::from(begins));
        let begun = begin(batch, &process, next)?;
        Ok(Committed { repeated: false, begun })
    }
}

/// Counts an attempt at the first of these slots, and at those after it if none of them was tried.
fn begin(
    batch: &mut Batch<'_>,
    process: &Id,
    mut slots: impl Iterator<Item = Slot>,
) -> Result<Option<Begun>, StoreError> {
    let Some(first) = slots.next() else { return Ok(None) };
    let attempts = one_more_attempt(batch, process, first)?;
    let mut begun = Begun { slots: 1, attempts };
    for slot in slots.take_while(|_| attempts == 1) {
        let key = keys::of_slot(ATTEMPTS, process, slot);
        if batch.get(Family::Results, &key)?.is_some() {
            break;
        }
        batch.put_record(Family::Results, key, &1_u32);
        begun.slots = begun.slots.saturating_add(1);
    }
    Ok(Some(begun))
}

/// Counts an attempt. Answers with how many there are now.
fn one_more_attempt(batch: &mut Batch<'_>, process: &Id, slot: Slot) -> Result<u32, StoreError> {
    let key = keys::of_slot(ATTEMPTS, process, slot);
    let attempts: Option<u32> = batch.record(Family::Results, &key)?;
    let attempts = attempts.unwrap_or(0).saturating_add(1);
    batch.put_record(Family::Results, key, &attempts);
    Ok(attempts)
}

/// Counts one more message of a slot that has a result.
pub(crate) fn sends_one_more(
    batch: &mut Batch<'_>,
    process: Id,
    slot: Slot,
) -> Result<(), StoreError> {
    let key = keys::of_slot(RESULT, &process, slot);
    let record: Option<ResultRecord> = batch.record(Family::Results, &key)?;
    let record = record.ok_or(StoreError::NotComputed { process, slot })?;
    let sent = record.sent.saturating_add(1);
    let (size, limit) = (usize::try_from(sent).unwrap_or(usize::MAX), MAX_OUTGOING);
    if size > limit {
        return Err(StoreError::TooLarge { what: "an outbox", size, limit });
    }
    batch.put_record(Family::Results, key, &ResultRecord { sent, ..record });
    Ok(())
}

/// The slot must be in the log, and right after the last one with a result. Answers with the last
/// one in the log.
fn check_order(batch: &Batch<'_>, process: Id, slot: Slot) -> Result<Slot, StoreError> {
    let head: Option<Head> = batch.record(Family::Log, &keys::of_process(HEAD, &process))?;
    let last = head.map(|head| head.slot).filter(|last| slot <= *last);
    let last = last.ok_or(StoreError::NotScheduled { process, slot })?;
    let at = keys::of_process(COMPUTED, &process);
    let computed: Option<Slot> = batch.record(Family::Results, &at)?;
    let expected = match computed {
        None => 0,
        Some(computed) => next_slot(Family::Results, &at, computed)?,
    };
    if slot != expected {
        return Err(StoreError::OutOfOrder { process, given: slot, expected });
    }
    Ok(last)
}

impl Results for LocalStore {
    fn commit(&self, commit: Commit) -> Answer<Committed> {
        let how = How::buffered(commit.bytes());
        self.writer().submit_encoded(how, || Prepared::new(commit), Prepared::plan)
    }

    fn result(&self, process: Id, slot: Slot) -> Answer<Option<SlotResult>> {
        let key = keys::of_slot(RESULT, &process, slot);
        let found =
            self.read_record(Family::Results, key, move |record: ResultRecord| record.at(slot));
        self.unless_half_done(process, found)
    }

    fn results(&self, process: Id, from: Slot, limit: Limit) -> Answer<Page<SlotResult, Slot>> {
        let found = self.readers().run(move |engine| {
            let first = keys::of_slot(RESULT, &process, from);
            let end = keys::after(&keys::of_process(RESULT, &process));
            page(engine, Family::Results, &first, &end, limit, |key, value| {
                let slot = Parts(key.get(33..).unwrap_or_default()).u64().unwrap_or_default();
                let record: ResultRecord = record::unseal(Family::Results, key, value)?;
                Ok((record.at(slot), slot))
            })
        });
        self.unless_half_done(process, found)
    }

    fn computed(&self, process: Id) -> Answer<Option<SlotResult>> {
        let found = self.read(move |reader| {
            let key = keys::of_process(COMPUTED, &process);
            let Some(sealed) = reader.get(Family::Results, &key)? else { return Ok(None) };
            let slot: Slot = record::unseal(Family::Results, &key, &sealed)?;
            let key = keys::of_slot(RESULT, &process, slot);
            let Some(sealed) = reader.get(Family::Results, &key)? else { return Ok(None) };
            let record: ResultRecord = record::unseal(Family::Results, &key, &sealed)?;
            Ok(Some(record.at(slot)))
        });
        self.unless_half_done(process, found)
    }

    fn count_attempt(&self, process: Id, slot: Slot) -> Answer<u32> {
        self.writer().submit(How::buffered(64), move |batch| {
            refuse_half_done(batch, &process)?;
            one_more_attempt(batch, &process, slot)
        })
    }

    fn attempts(&self, process: Id, slot: Slot) -> Answer<u32> {
        let found = self.record(Family::Results, keys::of_slot(ATTEMPTS, &process, slot));
        let found = self.unless_half_done(process, found);
        Box::pin(async move { Ok(found.await?.unwrap_or(0)) })
    }

    fn take_back_attempts(&self, process: Id, first: Slot, slots: u8) -> Answer<()> {
        self.writer().submit(How::buffered(64 * usize::from(slots)), move |batch| {
            for slot in (first..=Slot::MAX).take(usize::from(slots)) {
                let key = keys::of_slot(ATTEMPTS, &process, slot);
                let attempts: Option<u32> = batch.record(Family::Results, &key)?;
                match attempts {
                    None => {}
                    Some(0 | 1) => batch.delete(Family::Results, key),
                    Some(attempts) => batch.put_record(Family::Results, key, &(attempts - 1)),
                }
            }
            Ok(())
        })
    }

    fn forget_attempts(&self, process: Id, slot: Slot) -> Answer<()> {
        let key = keys::of_slot(ATTEMPTS, &process, slot);
        self.writer().submit(How::buffered(64), move |batch| {
            batch.delete(Family::Results, key);
            Ok(())
        })
    }
}
