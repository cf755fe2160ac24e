//! The log of each process: its assignments, slot after slot.
//!
//! What is appended is on disk before it is acknowledged, together with the content that came with
//! it and the memory of where it came from. Nothing in this trait says where the log lies, so that a
//! replicated log can offer it as well.

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::batch::Batch;
use crate::content::{CameWith, ContentBatch};
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::keys::{self, ASSIGNMENT, HEAD, Parts};
use crate::local::LocalStore;
use crate::page::{Limit, Page, page};
use crate::processes::refuse_half_done;
use crate::record;
use crate::recovery::check_head;
use crate::writer::How;

/// A process's place in its log: 0, 1, 2, … without gaps.
pub type Slot = u64;

/// Largest message, state or value that is kept in one piece: 64 MiB.
pub const MAX_VALUE_BYTES: usize = 64 << 20;

/// Nearly what the records of an append take up besides what is given.
const RECORD_BYTES: usize = 256;

/// The logs of all processes.
pub trait Log: Send + Sync {
    /// Appends an assignment. When it is answered, the assignment is on disk.
    ///
    /// With an [`Origin`] that was seen before, nothing is appended, and the answer names the slot
    /// that the message has. Appends may be asked for one after another without waiting; each
    /// counts on those before it.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] unless the slot follows the last; errors of writing.
    fn append(&self, append: Append) -> Answer<Appended>;

    /// The last slot of a process, and its hash chain.
    ///
    /// # Errors
    /// Errors of reading.
    fn head(&self, process: Id) -> Answer<Option<Head>>;

    /// The assignment at a slot.
    ///
    /// # Errors
    /// Errors of reading.
    fn assignment(&self, process: Id, slot: Slot) -> Answer<Option<Assignment>>;

    /// Assignments from a slot on, in order, as many as the limit allows and at least one if there
    /// is one.
    ///
    /// # Errors
    /// Errors of reading.
    fn assignments(&self, process: Id, from: Slot, limit: Limit) -> Answer<Page<Assignment, Slot>>;

    /// The slot that a message of another process has in `process`'s log.
    ///
    /// # Errors
    /// Errors of reading.
    fn received(&self, process: Id, origin: Origin) -> Answer<Option<Slot>>;
}

/// What is to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Whose log.
    pub process: Id,
    /// The slot, which must be the next one.
    pub slot: Slot,
    /// The assignment, encoded by the caller. At most [`MAX_VALUE_BYTES`].
    pub assignment: Bytes,
    /// The hash chain at this slot. Source: spec 11, section 2.1.
    pub chain: Id,
    /// The id of the assignment's body, from which the chain can be checked.
    pub body: Option<Id>,
    /// Where the message came from, if another process sent it.
    pub origin: Option<Origin>,
    /// Messages, aliases and links that become readable together with the assignment.
    pub content: ContentBatch,
}

/// Which message of which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Who sent it.
    pub process: Id,
    /// The sender's slot.
    pub slot: Slot,
    /// Which of the slot's messages.
    pub index: u32,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The slot that the message has.
    pub slot: Slot,
    /// It had it before.
    pub repeated: bool,
}

/// The end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last slot.
    pub slot: Slot,
    /// The hash chain there.
    #[serde(with = "record::id")]
    pub chain: Id,
}

/// What the log has at a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Where.
    pub slot: Slot,
    /// The assignment as it was appended.
    pub assignment: Bytes,
    /// The hash chain.
    pub chain: Id,
    /// The id of the body.
    pub body: Option<Id>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AssignmentRecord {
    pub(crate) assignment: Bytes,
    #[serde(with = "record::id")]
    pub(crate) chain: Id,
    #[serde(with = "record::maybe_id")]
    pub(crate) body: Option<Id>,
    /// The messages that came with it, in records that do not say more.
    pub(crate) messages: Vec<Bytes>,
    #[serde(default)]
    pub(crate) came_with: CameWith,
}

impl AssignmentRecord {
    fn at(self, slot: Slot) -> Assignment {
        Assignment { slot, assignment: self.assignment, chain: self.chain, body: self.body }
    }
}

/// An append whose records are encoded, ready for the writer.
struct Prepared {
    process: Id,
    slot: Slot,
    chain: Id,
    origin: Option<Bytes>,
    key: Bytes,
    record: Bytes,
    content: crate::content::Prepared,
}

impl Prepared {
    fn new(append: Append) -> Result<Self, StoreError> {
        let Append { process, slot, assignment, chain, body, origin, content } = append;
        check_size("an assignment", assignment.len())?;
        let key = keys::of_slot(ASSIGNMENT, &process, slot);
        let came_with = CameWith::from(&content);
        let record = AssignmentRecord { assignment, chain, body, messages: Vec::new(), came_with };
        let origin = origin.map(|o| keys::received(&process, &o.process, o.slot, o.index));
        let record = record::seal(&key, &record);
        let content = crate::content::Prepared::new(content)?;
        Ok(Self { process, slot, chain, origin, key, record, content })
    }

    fn plan(self, batch: &mut Batch<'_>) -> Result<Appended, StoreError> {
        refuse_half_done(batch, &self.process)?;
        if let Some(origin) = &self.origin
            && let Some(slot) = batch.record(Family::Log, origin)?
        {
            return Ok(Appended { slot, repeated: true });
        }
        let head_key = keys::of_process(HEAD, &self.process);
        let expected = free_slot(batch, &self.process, &head_key)?;
        let Self { process, slot, chain, .. } = self;
        if slot != expected {
            return Err(StoreError::OutOfOrder { process, given: slot, expected });
        }
        batch.put_unread(Family::Log, self.key, self.record);
        batch.put_record(Family::Log, head_key, &Head { slot, chain });
        if let Some(origin) = self.origin {
            batch.put_record(Family::Log, origin, &slot);
        }
        self.content.plan(batch)?;
        Ok(Appended { slot, repeated: false })
    }
}

/// The slot after the last.
///
/// A head that this writer has not seen before is held against its log, once: a slot that is taken
/// must not be assigned again, whatever a damaged head says.
fn free_slot(batch: &Batch<'_>, process: &Id, key: &Bytes) -> Result<Slot, StoreError> {
    if !batch.remembers(Family::Log, key) {
        check_end(batch.engine(), process, key)?;
    }
    match batch.record::<Head>(Family::Log, key)? {
        None => Ok(0),
        Some(head) => next_slot(Family::Log, key, head.slot),
    }
}

fn check_end(engine: &dyn Engine, process: &Id, key: &Bytes) -> Result<(), StoreError> {
    if let Some(sealed) = engine.get(Family::Log, key)? {
        return check_head(engine, key, &sealed);
    }
    let first = keys::of_process(ASSIGNMENT, process);
    match engine.last(Family::Log, &first, &keys::after(&first))? {
        None => Ok(()),
        Some((found, _)) => Err(StoreError::Corrupt {
            family: Family::Log,
            key: record::hex(&found),
            reason: "the log has no head".into(),
        }),
    }
}

/// The slot after the one that the record at `key` names.
pub(crate) fn next_slot(family: Family, key: &[u8], slot: Slot) -> Result<Slot, StoreError> {
    slot.checked_add(1).ok_or_else(|| StoreError::Corrupt {
        family,
        key: record::hex(key),
        reason: "no slot comes after it".into(),
    })
}

/// Refuses what is longer than [`MAX_VALUE_BYTES`].
pub(crate) fn check_size(what: &'static str, size: usize) -> Result<(), StoreError> {
    if size > MAX_VALUE_BYTES {
        return Err(StoreError::TooLarge { what, size, limit: MAX_VALUE_BYTES });
    }
    Ok(())
}

/// The assignments of a process from a slot on.
pub(crate) fn read(
    engine: &dyn Engine,
    process: &Id,
    from: Slot,
    limit: Limit,
) -> Result<Page<Assignment, Slot>, StoreError> {
    let first = keys::of_slot(ASSIGNMENT, process, from);
    let end = keys::after(&keys::of_process(ASSIGNMENT, process));
    let mut expected = Some(from);
    page(engine, Family::Log, &first, &end, limit, |key, value| {
        let slot = Parts(key.get(33..).unwrap_or_default()).u64();
        // A slot that is missing in the middle must not be passed over.
        let slot =
            slot.filter(|slot| Some(*slot) == expected).ok_or_else(|| StoreError::Corrupt {
                family: Family::Log,
                key: record::hex(key),
                reason: match expected {
                    Some(expected) => format!("slot {expected} before it is missing"),
                    None => "it lies behind the last slot there can be".into(),
                },
            })?;
        expected = slot.checked_add(1);
        let record: AssignmentRecord = record::unseal(Family::Log, key, value)?;
        Ok((record.at(slot), slot))
    })
}

impl Log for LocalStore {
    fn append(&self, append: Append) -> Answer<Appended> {
        let bytes = RECORD_BYTES + append.assignment.len() + append.content.bytes();
        self.writer().submit_encoded(How::synced(bytes), || Prepared::new(append), Prepared::plan)
    }

    fn head(&self, process: Id) -> Answer<Option<Head>> {
        let head = self.record(Family::Log, keys::of_process(HEAD, &process));
        self.unless_half_done(process, head)
    }

    fn assignment(&self, process: Id, slot: Slot) -> Answer<Option<Assignment>> {
        let key = keys::of_slot(ASSIGNMENT, &process, slot);
        let found =
            self.read_record(Family::Log, key, move |record: AssignmentRecord| record.at(slot));
        self.unless_half_done(process, found)
    }

    fn assignments(&self, process: Id, from: Slot, limit: Limit) -> Answer<Page<Assignment, Slot>> {
        let found = self.readers().run(move |engine| read(engine, &process, from, limit));
        self.unless_half_done(process, found)
    }

    fn received(&self, process: Id, origin: Origin) -> Answer<Option<Slot>> {
        let key = keys::received(&process, &origin.process, origin.slot, origin.index);
        self.unless_half_done(process, self.record(Family::Log, key))
    }
}
