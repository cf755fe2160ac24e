//! Processes as a whole: which there are, what they take up, and getting rid of one.

mod delete;
mod deleter;
mod marks;
mod usage;

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

pub(crate) use self::delete::delete_now;
pub(crate) use self::deleter::{Deleter, Job};
pub(crate) use self::marks::{Claim, Marks};
pub use self::usage::{Amount, ProcessUsage};
use crate::answer::Answer;
use crate::batch::Batch;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, HALF_DONE, HEAD, Parts};
use crate::local::LocalStore;
use crate::log::Head;
use crate::page::{Limit, Page, page};
use crate::record;

/// What concerns processes as a whole.
pub trait Processes: Send + Sync {
    /// Processes that have a log, in order of their ids, from behind `after` on. Those that are being
    /// deleted or imported are left out, so that a page may be empty and not the last.
    ///
    /// # Errors
    /// Errors of reading.
    fn processes(&self, after: Option<Id>, limit: Limit) -> Answer<Page<(Id, Head), Id>>;

    /// Deletes all that is kept of a process but for content, which others may share, and pages,
    /// which collection finds.
    ///
    /// From the moment when it is begun, reads find nothing of the process, and writes are refused
    /// until it is done. It goes on by itself when the caller goes away, when a full disk has space
    /// again, and at the next start.
    ///
    /// # Errors
    /// [`StoreError::NoProcess`]; errors of writing.
    fn delete_process(&self, process: Id) -> Answer<()>;

    /// What a process takes up. Costs as much as reading it.
    ///
    /// # Errors
    /// Errors of reading.
    fn process_usage(&self, process: Id) -> Answer<ProcessUsage>;
}

/// Work that spans several batches and is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HalfDone {
    Deleting,
    Importing,
}

pub(crate) fn half_done_key(process: &Id) -> Bytes {
    keys::of_process(HALF_DONE, process)
}

/// Refuses to write to a process that is being deleted or imported.
pub(crate) fn refuse_half_done(batch: &Batch<'_>, process: &Id) -> Result<(), StoreError> {
    match batch.is_marked(process)? {
        true => Err(StoreError::ProcessBusy { process: *process }),
        false => Ok(()),
    }
}

impl Processes for LocalStore {
    fn processes(&self, after: Option<Id>, limit: Limit) -> Answer<Page<(Id, Head), Id>> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| {
            let first = after
                .map_or(keys::key(&[&[HEAD]]), |id| keys::just_after(&keys::of_process(HEAD, &id)));
            let end = keys::after(&[HEAD]);
            let mut found = page(engine, Family::Log, &first, &end, limit, |key, value| {
                let head: Head = record::unseal(Family::Log, key, value)?;
                let id = process_of(Family::Log, key)?;
                Ok(((id, head), id))
            })?;
            found.items.retain(|(process, _)| !marks.has(process));
            Ok(found)
        })
    }

    fn delete_process(&self, process: Id) -> Answer<()> {
        delete::delete(self, process)
    }

    fn process_usage(&self, process: Id) -> Answer<ProcessUsage> {
        self.readers().run(move |engine| usage::usage(engine, &process))
    }
}

/// The process that a key names after its kind.
pub(crate) fn process_of(family: Family, key: &[u8]) -> Result<Id, StoreError> {
    Parts(key.get(1..).unwrap_or_default()).id().ok_or_else(|| StoreError::Corrupt {
        family,
        key: record::hex(key),
        reason: "it names no process".into(),
    })
}
