//! The store of one machine.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::de::DeserializeOwned;

use crate::answer::{Answer, ready};
use crate::checkpoint::Collector;
use crate::config::StoreConfig;
use crate::engine::memory::{Memory, MemoryDisk};
use crate::engine::rocks::Rocks;
use crate::engine::{Cached, Engine, Family, Reader, Visit};
use crate::error::{Ended, StoreError};
use crate::processes::{Deleter, Marks};
use crate::readers::Readers;
use crate::record::unseal;
use crate::recovery::{self, Recovery};
use crate::writer::{Counters, How, LONG_BYTES, Times, Writer};

/// The store of one machine: a folder of RocksDB, or memory.
///
/// Clones are the same store. Dropping the last one closes it and waits for that; who must not wait
/// calls [`LocalStore::close`] before.
#[derive(Debug, Clone)]
pub struct LocalStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Arc<dyn Engine>,
    writer: Writer,
    readers: Readers,
    config: StoreConfig,
    counters: Arc<Counters>,
    collector: Collector,
    marks: Marks,
    deleter: Deleter,
}

impl Drop for Inner {
    /// Waits until the folder is free, so that who drops a store can open it again.
    fn drop(&mut self) {
        self.writer.join();
    }
}

/// What the store counts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Requests written.
    pub requests: u64,
    /// Batches they were written in.
    pub batches: u64,
    /// Syncs of the write-ahead log.
    pub syncs: u64,
    /// Bytes of keys and values written.
    pub bytes: u64,
    /// Time spent writing and syncing.
    pub write_time: Duration,
    /// How long batches took that were not synced.
    pub buffered: Times,
    /// How long batches took that were.
    pub synced: Times,
    /// Batches that failed.
    pub failures: u64,
    /// Times that writing went on after a full disk.
    pub reopened: u64,
    /// What the engine counts itself, by its own names.
    pub engine: Vec<(String, u64)>,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of each family.
    pub families: Vec<(Family, u64)>,
}

impl Usage {
    /// Bytes of all families.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.families.iter().map(|(_, bytes)| bytes).sum()
    }
}

impl LocalStore {
    /// Opens a folder, or makes it, and says what was found.
    ///
    /// Blocks while the engine replays its log, up to [`StoreConfig::wal_bytes`].
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NoPermission`], [`StoreError::DiskFull`],
    /// [`StoreError::VersionTooNew`], [`StoreError::Damaged`], [`StoreError::OpenFailed`];
    /// [`StoreError::Corrupt`] if what is first read is.
    pub fn open(
        folder: impl AsRef<Path>,
        config: &StoreConfig,
    ) -> Result<(Self, Recovery), StoreError> {
        let folder = folder.as_ref();
        let engine = Arc::new(Rocks::open(folder, config)?);
        Self::start(engine, config, folder)
    }

    /// Opens a disk in memory.
    ///
    /// # Errors
    /// As [`LocalStore::open`].
    pub fn open_memory(
        disk: &MemoryDisk,
        config: &StoreConfig,
    ) -> Result<(Self, Recovery), StoreError> {
        Self::start(Arc::new(Memory::open(disk)?), config, Path::new("memory"))
    }

    fn start(
        engine: Arc<dyn Engine>,
        config: &StoreConfig,
        folder: &Path,
    ) -> Result<(Self, Recovery), StoreError> {
        let recovery = recovery::recover(&*engine).inspect_err(|_| engine.close())?;
        let failed = |source: std::io::Error| StoreError::OpenFailed {
            folder: folder.to_owned(),
            source: Arc::new(source),
        };
        let counters = Arc::new(Counters::default());
        let readers = Readers::start(Arc::clone(&engine), config.reader_threads, config.read_queue)
            .map_err(failed)?;
        let marks = Marks::default();
        marks.load(&*engine).inspect_err(|_| engine.close())?;
        let writer =
            Writer::start(Arc::clone(&engine), config, Arc::clone(&counters), marks.clone());
        let writer = writer.inspect_err(|_| engine.close()).map_err(failed)?;
        let deleter = Deleter::start(writer.clone()).inspect_err(|_| writer.join());
        let deleter = deleter.map_err(failed)?;
        let collector = Collector::default();
        let config = config.clone();
        let inner = Inner { engine, writer, readers, config, counters, collector, marks, deleter };
        Ok((Self(Arc::new(inner)), recovery))
    }

    /// Does what is queued, then gives up the folder; when this is answered it can be opened again.
    /// Later requests fail with [`StoreError::Ended`].
    pub fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.writer.close()
    }

    /// As [`LocalStore::close`], on this thread.
    pub fn close_and_wait(&self) {
        self.0.writer.join();
    }

    /// Waits until the store writes no more, and says why. For whoever starts it again.
    pub fn ended(&self) -> impl Future<Output = Ended> + Send + use<> {
        self.0.writer.ended()
    }

    /// What the store counted since it was opened.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let counters = &self.0.counters;
        let (buffered, synced) = counters.times();
        Statistics {
            requests: counters.requests.load(Relaxed),
            batches: counters.batches.load(Relaxed),
            syncs: counters.syncs.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            write_time: buffered.sum + synced.sum,
            buffered,
            synced,
            failures: counters.failures.load(Relaxed),
            reopened: counters.reopened.load(Relaxed),
            engine: self.0.engine.counters(),
        }
    }

    /// Why nothing is written just now, if that is so; it was found when something was last written.
    #[must_use]
    pub fn refusal(&self) -> Option<StoreError> {
        self.0.counters.refused()
    }

    /// For how long the batch has been on its way to the disk that is being written; `None` if none
    /// is.
    #[must_use]
    pub fn writing_for(&self) -> Option<Duration> {
        self.0.counters.writing_for()
    }

    /// Tries whether anything can be written, as a request would that writes nothing. After a full
    /// disk this finds out, now and then, whether there is space again.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn try_writing(&self) -> Answer<()> {
        self.0.writer.submit(How::buffered(0), |_| Ok(()))
    }

    /// What is kept, by family, in bytes on disk and not yet there.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let sizes = Family::ALL.map(|family| Ok((family, self.0.engine.size(family)?)));
        Ok(Usage { families: sizes.into_iter().collect::<Result<_, StoreError>>()? })
    }

    /// Rewrites the data without what is deleted, which gives its space back.
    ///
    /// Blocks for as long as that takes: for a command, or a thread of its own. Others may read and
    /// write meanwhile.
    ///
    /// # Errors
    /// Errors of writing.
    pub fn compact(&self) -> Result<(), StoreError> {
        self.0.engine.compact()
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.0.engine
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.0.writer
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.0.readers
    }

    pub(crate) fn config(&self) -> &StoreConfig {
        &self.0.config
    }

    pub(crate) fn collector(&self) -> &Collector {
        &self.0.collector
    }

    pub(crate) fn marks(&self) -> &Marks {
        &self.0.marks
    }

    pub(crate) fn deleter(&self) -> &Deleter {
        &self.0.deleter
    }

    /// What was read of a process; nothing if it is being deleted or imported.
    pub(crate) fn unless_half_done<T: Default + Send + 'static>(
        &self,
        process: Id,
        read: Answer<T>,
    ) -> Answer<T> {
        let marks = self.marks().clone();
        Box::pin(async move {
            match read.await {
                // Half of it may well be corrupt.
                Ok(_) | Err(StoreError::Corrupt { .. }) if marks.has(&process) => Ok(T::default()),
                found => found,
            }
        })
    }

    /// One record as it is.
    pub(crate) fn record<T: DeserializeOwned + Send + 'static>(
        &self,
        family: Family,
        key: Bytes,
    ) -> Answer<Option<T>> {
        self.read_record(family, key, |record: T| record)
    }

    /// One record, turned into what the caller sees.
    pub(crate) fn read_record<R: DeserializeOwned, T: Send + 'static>(
        &self,
        family: Family,
        key: Bytes,
        turn: impl Fn(R) -> T + Send + 'static,
    ) -> Answer<Option<T>> {
        self.read(move |reader| {
            let sealed = reader.get(family, &key)?;
            sealed.map(|sealed| unseal(family, &key, &sealed).map(&turn)).transpose()
        })
    }

    /// Reads a few records, each of which may say which one is next: on this thread if all of them are
    /// in memory, else on one that may wait for the disk.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let memory = InMemory { engine: self.engine(), missed: Cell::new(false) };
        let found = read(&memory);
        match memory.missed.get() {
            false => ready(found),
            true => self.0.readers.run(move |engine| read(engine)),
        }
    }
}

/// What memory knows, but for long records, which are for another thread than the caller's.
struct InMemory<'a> {
    engine: &'a dyn Engine,
    /// Whether anything was asked for that only the disk knows. Then it seemed not to be there.
    missed: Cell<bool>,
}

impl Reader for InMemory<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.engine.get_cached(family, key)? {
            Cached::Known(found) if found.as_ref().is_none_or(|it| it.len() <= LONG_BYTES) => {
                Ok(found)
            }
            Cached::Known(_) | Cached::OnDisk => {
                self.missed.set(true);
                Ok(None)
            }
        }
    }

    fn scan(&self, _: Family, _: &[u8], _: &[u8], _: Visit<'_>) -> Result<(), StoreError> {
        self.missed.set(true);
        Ok(())
    }

    fn last(&self, _: Family, _: &[u8], _: &[u8]) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        self.missed.set(true);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::answer::wait;
    use crate::content::{Content, ContentBatch, Persist};

    /// Asks an answer once whether it is there.
    fn poll<T>(answer: &mut Answer<T>) -> Poll<Result<T, StoreError>> {
        answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    fn message(name: &str, length: usize, path: &str) -> ContentBatch {
        let messages = vec![(Id::of(name.as_bytes()), vec![7; length].into())];
        ContentBatch { messages, links: vec![(path.into(), "x".into())], ..Default::default() }
    }

    /// A pair of an end that blocks a thread until the other one is dropped.
    fn block() -> (mpsc::Sender<()>, impl FnOnce() + Send) {
        let (release, held) = mpsc::channel::<()>();
        (release, move || {
            let _ = held.recv();
        })
    }

    #[test]
    fn a_long_value_is_not_decoded_on_the_callers_thread() {
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig { reader_threads: 1, ..StoreConfig::default() };
        let memory = LocalStore::open_memory(&MemoryDisk::new(), &config).unwrap().0;
        let disk = LocalStore::open(folder.path(), &config).unwrap().0;
        for store in [memory, disk] {
            for (name, length) in [("short", 1000), ("long", LONG_BYTES)] {
                let batch = message(name, length, name);
                wait(store.put_content(batch, Persist::Buffered)).unwrap();
            }
            let (release, held) = block();
            let mut reading = store.readers().run(move |_| {
                held();
                Ok(())
            });
            assert!(poll(&mut reading).is_pending(), "no reader is left");
            assert!(poll(&mut store.content(Id::of(b"short"))).is_ready());
            assert!(poll(&mut store.content(Id::of(b"long"))).is_pending());
            drop(release);
            assert!(wait(store.content(Id::of(b"long"))).unwrap().is_some());
        }
    }

    #[test]
    fn a_long_value_is_not_encoded_on_the_callers_thread() {
        let disk = MemoryDisk::new();
        let (store, _) = LocalStore::open_memory(&disk, &StoreConfig::default()).unwrap();
        let (release, held) = block();
        drop(store.writer().submit(How::buffered(0).alone(), move |_| {
            held();
            Ok(())
        }));
        // What is wrong with it is found when it is encoded.
        let wrong = |length| store.put_content(message("m", length, "a//b"), Persist::Buffered);
        assert!(poll(&mut wrong(1000)).is_ready());
        let mut long = wrong(LONG_BYTES);
        assert!(poll(&mut long).is_pending());
        drop(release);
        assert!(matches!(wait(long), Err(StoreError::InvalidPath { .. })));
    }
}
