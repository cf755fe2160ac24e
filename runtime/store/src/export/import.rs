//! Reading an export into a store.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::frame::{Frame, ReadFrames, Record, invalid};
use super::read::{Place, index, place};
use super::whole;
use crate::answer::wait;
use crate::batch::Batch;
use crate::checkpoint::Session;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, HEAD};
use crate::local::LocalStore;
use crate::processes::{Claim, HalfDone, Job, half_done_key};
use crate::writer::How;

/// Bytes of records in one request to the writer.
const PART_BYTES: usize = 1 << 20;

/// What an import brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Processes.
    pub processes: u64,
    /// Records read.
    pub records: u64,
    /// Messages, names and the like that were there already and stayed as they were.
    pub kept: u64,
}

impl LocalStore {
    /// Reads an export. Its processes must not be here yet; they become visible together, at the
    /// end. Of messages, names, ledgers and timers, those that are here stay as they are.
    ///
    /// Until then nothing of them can be read, nothing of their outboxes is due or can be begun.
    ///
    /// If it fails, or the program does, the processes are deleted again; messages and pages stay.
    /// Only if the last write has an unknown outcome may they be there, whole.
    ///
    /// Blocks: for a command, or a thread of its own. Others may read and write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::ProcessExists`], [`StoreError::ProcessBusy`], [`StoreError::InvalidExport`],
    /// [`StoreError::Corrupt`] if a process does not agree with itself,
    /// [`StoreError::VersionTooNew`], [`StoreError::RecordTooNew`], [`StoreError::Stream`]; errors of
    /// writing.
    pub fn import(&self, from: &mut dyn Read) -> Result<Imported, StoreError> {
        let mut import = Import {
            store: self.clone(),
            session: Arc::new(self.collector().session()),
            processes: BTreeMap::new(),
            part: Vec::new(),
            part_bytes: 0,
            last: Vec::new(),
            imported: Imported::default(),
        };
        match import.all(from) {
            Ok(()) => Ok(import.imported),
            Err(error) => {
                import.undo();
                Err(error)
            }
        }
    }
}

/// An import under way.
struct Import {
    store: LocalStore,
    /// Keeps the pages until their checkpoints are written.
    session: Arc<Session>,
    /// Claimed, and then marked.
    processes: BTreeMap<Id, Claim>,
    part: Vec<(Place, Record)>,
    part_bytes: usize,
    /// What makes the processes visible.
    last: Vec<Record>,
    imported: Imported,
}

impl Import {
    fn all(&mut self, from: &mut dyn Read) -> Result<(), StoreError> {
        let mut frames = ReadFrames::begin(from)?;
        loop {
            match frames.next()? {
                Frame::Process(process) => self.begin(process)?,
                Frame::Record(record) => self.record(record)?,
                Frame::End => break,
            }
        }
        self.write()?;
        self.end()
    }

    /// Marks a process, so that nobody writes to it and a crash drops it.
    fn begin(&mut self, process: Id) -> Result<(), StoreError> {
        let claim = self.store.marks().claim(process);
        // Claimed before it is marked: should nobody know whether it is marked, the mark is ours.
        self.processes.insert(process, claim.ok_or(StoreError::ProcessBusy { process })?);
        let how = How::synced(64);
        wait(self.store.writer().submit(how, move |batch| {
            let mark = half_done_key(&process);
            if batch.get(Family::Node, &mark)?.is_some() {
                return Err(StoreError::ProcessBusy { process });
            }
            if batch.get(Family::Log, &keys::of_process(HEAD, &process))?.is_some() {
                return Err(StoreError::ProcessExists { process });
            }
            batch.put_record(Family::Node, mark, &HalfDone::Importing);
            Ok(())
        }))?;
        self.imported.processes += 1;
        Ok(())
    }

    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.imported.records += 1;
        let place = place(&record)?;
        if let Place::OfProcess(process) | Place::Last(process) = &place
            && !self.processes.contains_key(process)
        {
            return Err(invalid("a record belongs to no process of the export"));
        }
        if let Place::Last(_) = place {
            self.last.push(record);
            return Ok(());
        }
        self.part_bytes += record.key.len() + record.value.len();
        self.part.push((place, record));
        if self.part_bytes >= PART_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let part = std::mem::take(&mut self.part);
        let how = How::buffered(std::mem::take(&mut self.part_bytes));
        let session = Arc::clone(&self.session);
        let kept = wait(self.store.writer().submit(how, move |batch| put(batch, &session, part)))?;
        self.imported.kept += kept;
        Ok(())
    }

    fn end(&mut self) -> Result<(), StoreError> {
        whole::check(self.store.engine(), &self.last, self.processes.keys())?;
        let last = std::mem::take(&mut self.last);
        let processes: Vec<Id> = self.processes.keys().copied().collect();
        let how = How::synced(last.len() * 128);
        wait(self.store.writer().submit(how, move |batch| {
            for Record { family, key, value } in last {
                batch.put(family, key, value);
            }
            for process in &processes {
                batch.delete(Family::Node, half_done_key(process));
            }
            Ok(())
        }))
    }

    /// Deletes what was imported and is not whole. What cannot be deleted now will be later, at the
    /// latest at the next start.
    fn undo(self) {
        let tried = self.processes.into_iter().map(|(process, claim)| {
            let (job, tried) = Job::new(process, HalfDone::Importing, Some(claim));
            self.store.deleter().delete(job);
            tried
        });
        for tried in tried.collect::<Vec<_>>() {
            // The deleter has told the log why one is not gone.
            let _ = wait(Box::pin(async move { Ok(tried.await) }));
        }
    }
}

fn put(
    batch: &mut Batch<'_>,
    session: &Session,
    part: Vec<(Place, Record)>,
) -> Result<u64, StoreError> {
    let mut kept = 0;
    for (place, record) in part {
        if let (Place::Page, Some(hash)) = (&place, record.key.first_chunk()) {
            session.name(hash);
        }
        let index = index(&record)?;
        let Record { family, key, value } = record;
        if place == Place::IfAbsent && batch.get(family, &key)?.is_some() {
            kept += 1;
            continue;
        }
        if let Some(index) = index {
            batch.put(family, index, Bytes::new());
        }
        batch.put(family, key, value);
    }
    Ok(kept)
}
