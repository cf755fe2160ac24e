//! Processes as a whole: which there are, what they take up, and getting rid of one.

mod delete;
mod usage;

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

pub(crate) use self::delete::{delete_now, finish_delete};
pub use self::usage::{Amount, ProcessUsage};
use crate::answer::Answer;
use crate::batch::Batch;
use crate::engine::{Family, Reader};
use crate::error::StoreError;
use crate::keys::{self, HALF_DONE, HEAD, Parts};
use crate::local::LocalStore;
use crate::log::Head;
use crate::page::{Limit, Page, page};
use crate::record;

/// What concerns processes as a whole.
pub trait Processes: Send + Sync {
    /// Processes that have a log, in order of their ids, from behind `after` on.
    ///
    /// # Errors
    /// Errors of reading.
    fn processes(&self, after: Option<Id>, limit: Limit) -> Answer<Page<(Id, Head), Id>>;

    /// Deletes all that is kept of a process but for content, which others may share, and pages,
    /// which collection finds. What a crash leaves of it is finished at the next start.
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

/// Whether a process is being deleted or imported, for reads of what it has: looked at after those,
/// because a mark is there before the first record of an import and until its last.
pub(crate) fn is_half_done(
    reader: &(impl Reader + ?Sized),
    process: &Id,
) -> Result<bool, StoreError> {
    Ok(reader.get(Family::Node, &half_done_key(process))?.is_some())
}

/// Refuses to write to a process that is being deleted or imported.
pub(crate) fn refuse_half_done(batch: &Batch<'_>, process: &Id) -> Result<(), StoreError> {
    match batch.is_marked(&half_done_key(process))? {
        true => Err(StoreError::ProcessBusy { process: *process }),
        false => Ok(()),
    }
}

impl Processes for LocalStore {
    fn processes(&self, after: Option<Id>, limit: Limit) -> Answer<Page<(Id, Head), Id>> {
        self.readers().run(move |engine| {
            let first = after
                .map_or(keys::key(&[&[HEAD]]), |id| keys::just_after(&keys::of_process(HEAD, &id)));
            page(engine, Family::Log, &first, &keys::after(&[HEAD]), limit, |key, value| {
                let head: Head = record::unseal(Family::Log, key, value)?;
                let id = process_of(Family::Log, key)?;
                Ok(((id, head), id))
            })
        })
    }

    fn delete_process(&self, process: Id) -> Answer<()> {
        delete::delete(self.clone(), process)
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
