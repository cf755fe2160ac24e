//! RocksDB.

mod closed;
mod fault;
mod lock;
mod options;
mod view;
mod wal;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use rocksdb::{
    ColumnFamily, CompactOptions, DB, DEFAULT_COLUMN_FAMILY_NAME, ErrorKind, FlushOptions,
    ReadOptions, ReadTier, Snapshot, WriteBatch, WriteOptions,
};

use self::fault::{not_open, opening, reading, system, writing};
use self::lock::FolderLock;
use self::options::Tuning;
use self::view::View;
use crate::config::StoreConfig;
use crate::engine::{Cached, Engine, Family, Op, Reader, Visit, WithReader};
use crate::error::StoreError;
use crate::recovery::FORMAT_VERSION;
use crate::writer::LONG_BYTES;

/// What must be writable, besides what lies in the write-ahead log alone, before a full disk counts
/// as usable again: whenever RocksDB opens, it turns its log into tables and writes files of its own.
const SPACE_TO_REOPEN: u64 = 4 << 20;
/// Longest wait for reads to end before the database is opened again; then the next try is made.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Written and removed to find out.
const SPACE_PROBE: &str = "space.probe";
/// What RocksDB writes before `CURRENT` when it makes a folder.
const FIRST_MANIFEST: &str = "MANIFEST-000001";

/// A folder of RocksDB.
pub(crate) struct Rocks {
    folder: PathBuf,
    tuning: Tuning,
    open: RwLock<Option<Arc<Open>>>,
    /// Disconnected when the database that is open now has been closed.
    gone: Mutex<mpsc::Receiver<()>>,
    /// A write failed: what the system shows of the files may not be what the disk has.
    failed: AtomicBool,
    /// Given up when all else is done.
    lock: Mutex<Option<FolderLock>>,
}

/// An open database. Fields drop in order, so `_gone` tells that the folder's lock is free.
pub(super) struct Open {
    db: DB,
    cached: ReadOptions,
    synced: WriteOptions,
    unsynced: WriteOptions,
    /// All reads are to end, for the folder is given up.
    closing: AtomicBool,
    /// Long reads are to end, for the database is opened again.
    reopening: AtomicBool,
    _gone: mpsc::Sender<()>,
}

impl std::fmt::Debug for Rocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rocks").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Rocks {
    /// Opens the folder, or makes it if nothing is there.
    pub(crate) fn open(folder: &Path, config: &StoreConfig) -> Result<Self, StoreError> {
        make(folder).map_err(|error| system(folder, error))?;
        let lock = FolderLock::take(folder)?;
        let new = is_new(folder)?;
        let tuning = Tuning::new(config);
        if !new {
            refuse_newer(folder, &tuning)?;
            closed::check_and_remove(folder, config.salvage)?;
            if !config.salvage {
                wal::check(folder)?;
            }
        }
        let access = if new { Access::Create } else { Access::ReadWrite };
        let (open, gone) = open_db(folder, &tuning, access)?;
        Ok(Self {
            folder: folder.to_owned(),
            tuning,
            open: RwLock::new(Some(Arc::new(open))),
            gone: Mutex::new(gone),
            failed: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
        })
    }

    fn handle(&self) -> Result<Arc<Open>, StoreError> {
        self.open.read().clone().ok_or_else(not_open)
    }

    fn failed(&self, error: rocksdb::Error) -> StoreError {
        self.failed.store(true, Relaxed);
        writing(error)
    }

    /// Drops the database and waits until the last reader has let go of it.
    fn shut(&self, open: &mut Option<Arc<Open>>) {
        if let Some(held) = open.take() {
            held.db.cancel_all_background_work(false);
            drop(held);
            // Nothing is ever sent: this returns when the sender is dropped.
            let _ = self.gone.lock().recv();
        }
    }

    /// Ends long reads, and answers when nobody reads any more. Does not wait for that for long, for
    /// nobody else can begin to read meanwhile.
    fn alone(&self) -> Result<RwLockWriteGuard<'_, Option<Arc<Open>>>, StoreError> {
        let open = self.open.write();
        let Some(held) = &*open else { return Ok(open) };
        held.reopening.store(true, Relaxed);
        held.db.cancel_all_background_work(false);
        let until = Instant::now() + LONGEST_WAIT;
        while Arc::strong_count(held) > 1 {
            if Instant::now() > until {
                let source = Arc::new(io::Error::other("a long read has not ended yet"));
                return Err(StoreError::DiskFull { source });
            }
            // On the writer's thread, which may wait; an end of a read is told to nobody.
            thread::sleep(LONGEST_WAIT / 100);
        }
        Ok(open)
    }

    fn probe_space(&self) -> Result<(), StoreError> {
        let path = self.folder.join(SPACE_PROBE);
        let written = closed::log_bytes(&self.folder).and_then(|log| {
            let mut file = fs::File::create(&path)?;
            let space = SPACE_TO_REOPEN + log.min(self.tuning.write_buffer_bytes());
            io::copy(&mut io::repeat(0xa5).take(space), &mut file)?;
            file.sync_all()
        });
        let removed = fs::remove_file(&path);
        written.and(removed).map_err(|error| system(&self.folder, error))
    }
}

/// Makes the folder and those it lies in, so that the power does not take them.
fn make(folder: &Path) -> io::Result<()> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(missing).collect();
    fs::create_dir_all(folder)?;
    for made in missing {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Whether there is no database yet. Data without the file that says where it begins must not be
/// taken for none; the first manifest alone is no data, but what a crash leaves of a folder that
/// was being made.
fn is_new(folder: &Path) -> Result<bool, StoreError> {
    let mut new = true;
    for entry in fs::read_dir(folder).map_err(|error| system(folder, error))? {
        let name = entry.map_err(|error| system(folder, error))?.file_name();
        let name = name.to_string_lossy();
        if name == "CURRENT" {
            return Ok(false);
        }
        new &= name == FIRST_MANIFEST || !closed::holds_data(&name);
    }
    if new {
        return Ok(true);
    }
    let reason = "there is data, but no file CURRENT that says where it begins";
    Err(fault::damaged(folder, reason.into()))
}

/// Refuses data in families that this version does not know.
fn refuse_newer(folder: &Path, tuning: &Tuning) -> Result<(), StoreError> {
    // What keeps the names from being read will be told when the folder is opened.
    let names = DB::list_cf(&tuning.database(false), folder).unwrap_or_default();
    let known = |name: &String| {
        name == DEFAULT_COLUMN_FAMILY_NAME || Family::ALL.iter().any(|family| family.name() == name)
    };
    if names.iter().all(known) {
        return Ok(());
    }
    Err(StoreError::VersionTooNew { found: FORMAT_VERSION + 1, supported: FORMAT_VERSION })
}

/// What a database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Create,
    ReadWrite,
    Read,
}

fn open_db(
    folder: &Path,
    tuning: &Tuning,
    access: Access,
) -> Result<(Open, mpsc::Receiver<()>), StoreError> {
    let (options, families) = (tuning.database(access == Access::Create), tuning.families());
    let db = match access {
        Access::Create | Access::ReadWrite => DB::open_cf_descriptors(&options, folder, families),
        Access::Read => DB::open_cf_descriptors_read_only(&options, folder, families, false),
    };
    let db = db.map_err(|error| opening(folder, error))?;
    let mut cached = ReadOptions::default();
    cached.set_read_tier(ReadTier::BlockCache);
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    let (sender, gone) = mpsc::channel();
    let open = Open {
        db,
        cached,
        synced,
        unsynced: WriteOptions::default(),
        closing: AtomicBool::new(false),
        reopening: AtomicBool::new(false),
        _gone: sender,
    };
    Ok((open, gone))
}

/// While this is there, merging tables rewrites also the newest blob files.
struct AllBlobs<'a>(&'a DB, &'a ColumnFamily);

impl<'a> AllBlobs<'a> {
    fn begin(db: &'a DB, column: &'a ColumnFamily) -> Result<Self, StoreError> {
        let all = Self(db, column);
        set_blob_gc_age(db, column, 1.0)?;
        Ok(all)
    }
}

impl Drop for AllBlobs<'_> {
    fn drop(&mut self) {
        if let Err(error) = set_blob_gc_age(self.0, self.1, options::BLOB_GC_AGE) {
            tracing::warn!(%error, "blob files are rewritten more than they should be");
        }
    }
}

fn set_blob_gc_age(db: &DB, column: &ColumnFamily, age: f64) -> Result<(), StoreError> {
    let age = age.to_string();
    db.set_options_cf(column, &[("blob_garbage_collection_age_cutoff", &age)]).map_err(writing)
}

impl Open {
    fn view(&self) -> View<'_> {
        View { db: &self.db, snapshot: None, ending: &self.closing, ended: not_open }
    }
}

impl Reader for Rocks {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.handle()?.view().get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.handle()?.view().scan(family, from, to, visit)
    }

    fn last(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        self.handle()?.view().last(family, from, to)
    }
}

impl Engine for Rocks {
    fn get_cached(&self, family: Family, key: &[u8]) -> Result<Cached, StoreError> {
        // Held for long while a folder is opened again: others may wait for that, not this thread.
        let Some(open) = self.open.try_read().map(|open| open.clone()) else {
            return Ok(Cached::OnDisk);
        };
        let open = open.ok_or_else(not_open)?;
        match open.db.get_pinned_cf_opt(view::column(&open.db, family)?, key, &open.cached) {
            // Copying it takes long as well.
            Ok(Some(found)) if found.len() > LONG_BYTES => Ok(Cached::OnDisk),
            Ok(found) => Ok(Cached::Known(found.map(|found| Bytes::copy_from_slice(&found)))),
            Err(error) if error.kind() == ErrorKind::Incomplete => Ok(Cached::OnDisk),
            Err(error) => Err(reading(family, key, error)),
        }
    }

    fn write(&self, ops: &[Op], sync: bool) -> Result<(), StoreError> {
        let open = self.handle()?;
        if ops.is_empty() && sync {
            return open.db.flush_wal(true).map_err(|error| self.failed(error));
        }
        let mut batch = WriteBatch::with_capacity_bytes(ops.iter().map(|op| op.bytes() + 16).sum());
        for op in ops {
            match op {
                Op::Put { family, key, value } => {
                    batch.put_cf(view::column(&open.db, *family)?, key, value);
                }
                Op::Delete { family, key } => {
                    batch.delete_cf(view::column(&open.db, *family)?, key);
                }
                Op::DeleteRange { family, from, to } => {
                    batch.delete_range_cf(view::column(&open.db, *family)?, from, to);
                }
            }
        }
        let options = if sync { &open.synced } else { &open.unsynced };
        open.db.write_opt(batch, options).map_err(|error| self.failed(error))
    }

    fn snapshot(&self, read: WithReader<'_>) -> Result<(), StoreError> {
        let open = self.handle()?;
        let snapshot: Snapshot<'_> = open.db.snapshot();
        let ended = || StoreError::Interrupted;
        let view = View { db: &open.db, snapshot: Some(&snapshot), ending: &open.reopening, ended };
        read(&view).map_err(|error| match error {
            StoreError::Interrupted if open.closing.load(Relaxed) => not_open(),
            error => error,
        })
    }

    fn reopen(&self) -> Result<(), StoreError> {
        self.probe_space()?;
        let mut open = self.alone()?;
        self.shut(&mut open);
        let (again, result) = match open_db(&self.folder, &self.tuning, Access::ReadWrite) {
            Ok(again) => (Some(again), Ok(())),
            // Reads go on even if the space was not enough after all.
            Err(error) => (open_db(&self.folder, &self.tuning, Access::Read).ok(), Err(error)),
        };
        self.failed.store(result.is_err(), Relaxed);
        if let Some((again, gone)) = again {
            *open = Some(Arc::new(again));
            *self.gone.lock() = gone;
        }
        result
    }

    fn close(&self) {
        let mut open = self.open.write();
        if let Some(held) = &*open {
            held.closing.store(true, Relaxed);
            held.reopening.store(true, Relaxed);
            self.shut(&mut open);
            if !self.failed.load(Relaxed)
                && let Err(error) = closed::write(&self.folder)
            {
                tracing::warn!(%error, "the list of files could not be written");
            }
        }
        drop(self.lock.lock().take());
    }

    fn settle(&self) -> Result<(), StoreError> {
        let open = self.handle()?;
        let columns = Family::ALL.map(|family| view::column(&open.db, family));
        let columns = columns.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut options = FlushOptions::default();
        options.set_wait(false);
        open.db.flush_cfs_opt(&columns, &options).map_err(writing)
    }

    fn compact(&self) -> Result<(), StoreError> {
        let open = self.handle()?;
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(rocksdb::BottommostLevelCompaction::Force);
        for family in Family::ALL {
            let column = view::column(&open.db, family)?;
            open.db.flush_cf(column).map_err(writing)?;
            let compact =
                || open.db.compact_range_cf_opt(column, None::<&[u8]>, None::<&[u8]>, &options);
            if options::has_blobs(family) {
                let _all = AllBlobs::begin(&open.db, column)?;
                compact();
            } else {
                compact();
            }
        }
        Ok(())
    }

    fn size(&self, family: Family) -> Result<u64, StoreError> {
        let open = self.handle()?;
        let column = view::column(&open.db, family)?;
        let property = |name: &str| {
            let value = open.db.property_int_value_cf(column, name);
            value.map(Option::unwrap_or_default).map_err(|error| reading(family, &[], error))
        };
        Ok(property("rocksdb.live-sst-files-size")?
            + property("rocksdb.live-blob-file-size")?
            + property("rocksdb.cur-size-all-mem-tables")?)
    }

    fn counters(&self) -> Vec<(String, u64)> {
        self.tuning.counters()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Rocks {
        Rocks::open(folder, &StoreConfig::default()).unwrap()
    }

    fn put(rocks: &Rocks, key: &'static str) -> Result<(), StoreError> {
        rocks.write(&[Op::Put { family: Family::Names, key: key.into(), value: key.into() }], true)
    }

    fn has(rocks: &Rocks, key: &str) -> bool {
        rocks.get(Family::Names, key.as_bytes()).unwrap().is_some()
    }

    #[test]
    fn opening_again_ends_long_reads_and_does_not_wait_for_one_that_does_not_end() {
        let folder = tempfile::tempdir().unwrap();
        let rocks = open(folder.path());
        put(&rocks, "a").unwrap();
        put(&rocks, "b").unwrap();
        let (begun, reading) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let rocks = &rocks;
            let read = scope.spawn(move || {
                rocks.snapshot(&mut |reader| {
                    reader.scan(Family::Names, b"a", b"z", &mut |_, _| {
                        begun.send(()).unwrap();
                        let _ = held.recv();
                        std::ops::ControlFlow::Continue(())
                    })
                })
            });
            reading.recv().unwrap();
            let refused = rocks.reopen().unwrap_err();
            assert!(matches!(refused, StoreError::DiskFull { .. }), "{refused}");
            assert!(has(rocks, "a"), "others read");
            drop(release);
            let ended = read.join().unwrap();
            assert!(matches!(ended, Err(StoreError::Interrupted)), "{ended:?}");
        });
        rocks.reopen().unwrap();
        put(&rocks, "c").unwrap();
        assert!(has(&rocks, "a") && has(&rocks, "c"));
    }

    #[test]
    fn what_cannot_be_opened_again_for_writing_is_still_read() {
        let folder = tempfile::tempdir().unwrap();
        let rocks = open(folder.path());
        put(&rocks, "a").unwrap();
        // RocksDB takes its lock to write, and not to read.
        let lock = folder.path().join("LOCK");
        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
        rocks.reopen().unwrap_err();
        assert!(has(&rocks, "a"));
        put(&rocks, "b").unwrap_err();
        fs::remove_dir(&lock).unwrap();
        rocks.reopen().unwrap();
        put(&rocks, "b").unwrap();
        assert!(has(&rocks, "a") && has(&rocks, "b"));
    }

    #[test]
    fn compaction_leaves_the_age_of_blob_files_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let rocks = open(folder.path());
        put(&rocks, "a").unwrap();
        let handle = rocks.handle().unwrap();
        let column = view::column(&handle.db, Family::Log).unwrap();
        let interrupted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _all = AllBlobs::begin(&handle.db, column).unwrap();
            panic!("interrupted");
        }));
        assert!(interrupted.is_err());
        let mut options: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains("OPTIONS-"))
            .collect();
        options.sort();
        let text = fs::read_to_string(options.last().unwrap()).unwrap();
        let ages = text.lines().filter(|line| line.contains("blob_garbage_collection_age_cutoff"));
        assert!(ages.clone().count() > 0 && ages.clone().all(|line| line.contains("0.25")));
    }
}
