//! Exports: all that is kept of one process, or of all, as one stream.
//!
//! ```text
//! "OXBEAM-STORE", version u32 ‖ frame ‖ … ‖ last frame
//! frame: length of the body, u32 ‖ CRC-32 of the body, u32 ‖ body, MessagePack
//! ```
//!
//! | Body | Means |
//! |---|---|
//! | 0, process | records of this process follow, before any record |
//! | 1, family, key, value | a record as it lies in the store |
//! | 2, number of records, SHA-256 of all records | the end: a stream without it is not whole |
//!
//! Indexes are not exported but made again. An import becomes visible when its last frame has been
//! read; until then its processes are marked, and a failed or interrupted import is deleted.

mod frame;
mod import;
mod read;
mod whole;

use std::collections::HashSet;
use std::io::Write;

use bytes::Bytes;
use oxbeam_protocol::Id;

use self::frame::{Frames, Record};
pub use self::import::Imported;
use crate::checkpoint::{CheckpointRecord, NO_PAGES, hashes, read_page};
use crate::content::CameWith;
use crate::engine::{Family, Reader};
use crate::error::StoreError;
use crate::keys::{
    self, ALIAS, ASSIGNMENT, ATTEMPTS, CHECKPOINT, COMPUTED, ENTRY, HALF_DONE, HEAD, LINK, MESSAGE,
    PUSH, RECEIVED, RESULT, SIGNED, STATE, TIMER, VALUE,
};
use crate::local::LocalStore;
use crate::log::AssignmentRecord;
use crate::processes::half_done_key;
use crate::record::unseal;
use crate::results::ResultRecord;

/// What each process has, in the order in which it is exported.
const OF_PROCESS: [(Family, u8); 11] = [
    (Family::Log, ASSIGNMENT),
    (Family::Log, RECEIVED),
    (Family::Log, HEAD),
    (Family::Results, RESULT),
    (Family::Results, ATTEMPTS),
    (Family::Results, COMPUTED),
    (Family::Checkpoints, STATE),
    (Family::Checkpoints, CHECKPOINT),
    (Family::Outbox, SIGNED),
    (Family::Outbox, ENTRY),
    (Family::Outbox, PUSH),
];
/// What belongs to no process.
const OF_NODE: [(Family, u8); 7] = [
    (Family::Content, MESSAGE),
    (Family::Content, ALIAS),
    (Family::Content, LINK),
    (Family::Timers, TIMER),
    (Family::Names, VALUE),
    (Family::Ledgers, VALUE),
    (Family::Node, VALUE),
];

/// What an export holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Processes.
    pub processes: u64,
    /// Records.
    pub records: u64,
}

impl LocalStore {
    /// Writes one process: its log, results, outbox and checkpoints, and the messages, aliases and
    /// links that came with its assignments and results or are named by them.
    ///
    /// Blocks: for a command, or a thread of its own. Others may write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::NoProcess`], [`StoreError::ProcessBusy`] if it is being deleted,
    /// [`StoreError::Stream`], [`StoreError::Interrupted`]; errors of reading.
    pub fn export_process(&self, process: Id, to: &mut dyn Write) -> Result<Exported, StoreError> {
        self.export_with(to, |export| {
            let head = keys::of_process(HEAD, &process);
            if export.reader.get(Family::Log, &head)?.is_none() {
                return Err(StoreError::NoProcess { process });
            }
            if export.reader.get(Family::Node, &half_done_key(&process))?.is_some() {
                return Err(StoreError::ProcessBusy { process });
            }
            export.begin(process)?;
            export.process(&process)
        })
    }

    /// Writes everything.
    ///
    /// Blocks: for a command, or a thread of its own. Others may write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Stream`], [`StoreError::Interrupted`]; errors of reading.
    pub fn export(&self, to: &mut dyn Write) -> Result<Exported, StoreError> {
        self.export_with(to, |export| {
            let heads = export.keys(Family::Log, &[HEAD])?;
            let ids = heads.iter().map(|key| crate::processes::process_of(Family::Log, key));
            let mut processes = ids.collect::<Result<Vec<_>, _>>()?;
            export.whole = true;
            let marked = export.keys(Family::Node, &[HALF_DONE])?;
            processes.retain(|process| !marked.contains(&keys::of_process(HALF_DONE, process)));
            processes.iter().try_for_each(|process| export.begin(*process))?;
            OF_NODE.iter().try_for_each(|(family, kind)| export.records(*family, &[*kind]))?;
            processes.iter().try_for_each(|process| export.process(process))
        })
    }

    fn export_with(
        &self,
        to: &mut dyn Write,
        write: impl FnOnce(&mut Export<'_, '_>) -> Result<(), StoreError>,
    ) -> Result<Exported, StoreError> {
        let mut frames = Some(Frames::begin(to)?);
        let mut write = Some(write);
        let mut exported = Exported::default();
        self.engine().snapshot(&mut |reader| {
            let (Some(frames), Some(write)) = (frames.take(), write.take()) else {
                return Ok(());
            };
            let seen = HashSet::new();
            let none = Exported::default();
            let mut export = Export { reader, frames, whole: false, seen, exported: none };
            write(&mut export)?;
            export.frames.end()?;
            exported = export.exported;
            Ok(())
        })?;
        Ok(exported)
    }
}

/// An export under way.
struct Export<'r, 'w> {
    reader: &'r dyn Reader,
    frames: Frames<'w>,
    /// All messages are written anyhow.
    whole: bool,
    /// Pages and messages that are written.
    seen: HashSet<(Family, Bytes)>,
    exported: Exported,
}

impl Export<'_, '_> {
    fn begin(&mut self, process: Id) -> Result<(), StoreError> {
        self.exported.processes += 1;
        self.frames.process(process)
    }

    fn record(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.exported.records += 1;
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        self.frames.record(Record { family, key, value })
    }

    fn keys(&self, family: Family, prefix: &[u8]) -> Result<Vec<Bytes>, StoreError> {
        let mut found = Vec::new();
        self.reader.scan(family, prefix, &keys::after(prefix), &mut |key, _| {
            found.push(Bytes::copy_from_slice(key));
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Writes all records that begin with `prefix`, and what each needs besides.
    fn records(&mut self, family: Family, prefix: &[u8]) -> Result<(), StoreError> {
        let reader = self.reader;
        let mut failed = Ok(());
        reader.scan(family, prefix, &keys::after(prefix), &mut |key, value| {
            failed = self.needed(family, key, value).and_then(|()| self.record(family, key, value));
            match failed {
                Ok(()) => std::ops::ControlFlow::Continue(()),
                Err(_) => std::ops::ControlFlow::Break(()),
            }
        })?;
        failed
    }

    fn process(&mut self, process: &Id) -> Result<(), StoreError> {
        OF_PROCESS
            .iter()
            .try_for_each(|(family, kind)| self.records(*family, &keys::of_process(*kind, process)))
    }

    /// Writes what a record refers to and does not hold.
    fn needed(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        match (family, key.first()) {
            (Family::Log, Some(&ASSIGNMENT)) => {
                let record: AssignmentRecord = unseal(family, key, value)?;
                record.messages.iter().try_for_each(|id| self.message(id))?;
                record.body.map_or(Ok(()), |body| self.message(body.as_bytes()))?;
                self.came_with(&record.came_with)
            }
            (Family::Results, Some(&RESULT)) => {
                let record: ResultRecord = unseal(family, key, value)?;
                self.message(record.result.as_bytes())?;
                record.state.map_or(Ok(()), |state| self.message(state.as_bytes()))?;
                self.came_with(&record.came_with)
            }
            (Family::Checkpoints, Some(&CHECKPOINT)) => {
                let record: CheckpointRecord = unseal(family, key, value)?;
                let lists: Vec<_> = record.memory.iter().flat_map(|m| m.lists()).collect();
                lists.iter().try_for_each(|list| self.page(list, true))
            }
            _ => Ok(()),
        }
    }

    fn came_with(&mut self, content: &CameWith) -> Result<(), StoreError> {
        content.messages.iter().try_for_each(|id| self.message(id))?;
        content.aliases.iter().try_for_each(|alias| self.alias(alias))?;
        content.links.iter().try_for_each(|path| self.content(&keys::path(path)?).map(drop))
    }

    /// Writes what can be read under an id: the message, or that of which it is an alias.
    fn message(&mut self, id: &[u8]) -> Result<(), StoreError> {
        match self.content(&keys::key(&[&[MESSAGE], id]))? {
            Some(_) => Ok(()),
            None => self.alias(id),
        }
    }

    fn alias(&mut self, alias: &[u8]) -> Result<(), StoreError> {
        let key = keys::key(&[&[ALIAS], alias]);
        let Some(sealed) = self.content(&key)? else { return Ok(()) };
        let id: Bytes = unseal(Family::Content, &key, &sealed)?;
        self.content(&keys::key(&[&[MESSAGE], &id])).map(drop)
    }

    /// Writes a record of content, unless it is written, and answers it if it is there.
    fn content(&mut self, key: &Bytes) -> Result<Option<Bytes>, StoreError> {
        if self.whole {
            return Ok(None);
        }
        let value = self.reader.get(Family::Content, key)?;
        if let Some(value) = &value
            && self.seen.insert((Family::Content, key.clone()))
        {
            self.record(Family::Content, key, value)?;
        }
        Ok(value)
    }

    /// Writes a page, after those that it lists.
    fn page(&mut self, hash: &[u8; 32], is_list: bool) -> Result<(), StoreError> {
        let key = Bytes::copy_from_slice(hash);
        if *hash == NO_PAGES || !self.seen.insert((Family::Pages, key)) {
            return Ok(());
        }
        let page = read_page(self.reader, hash)?.ok_or_else(|| StoreError::Corrupt {
            family: Family::Pages,
            key: crate::record::hex(hash),
            reason: "a checkpoint names it and it is missing".into(),
        })?;
        if is_list {
            hashes(&page).try_for_each(|page| self.page(&page, false))?;
        }
        self.record(Family::Pages, hash, &page)
    }
}
