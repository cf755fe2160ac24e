//! A disk in memory: a log of batches, of which a part is synced.
//!
//! ```text
//! length of the body, u32 ‖ CRC-32 of the body, u32 ‖ body: MessagePack array of changes
//! ```
//!
//! A power cut keeps what was synced and cuts the rest anywhere, also within a record. As on a real
//! disk, a start reads the log up to the first record that is not whole.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::tables::Tables;
use crate::engine::{Family, Op};
use crate::error::StoreError;

const HEADER_BYTES: usize = 8;
/// What must be free before a full disk counts as usable again.
const SPACE_TO_REOPEN: usize = 4 << 10;
/// A log that is longer is replaced by what it says.
const FOLD_BYTES: usize = 32 << 20;

/// What survives a program that keeps its data in memory. Clones are the same disk.
///
/// For tests: it can lose power, fail, fill up, be slow and rot, each as a seed decides.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    /// What earlier parts of the log said. All of it is synced.
    base: Tables,
    log: Vec<u8>,
    /// How much of `log` survives a power cut.
    synced: usize,
    capacity: Option<usize>,
    /// Writes until one fails, and the seed that says how.
    failure: Option<(u64, u64)>,
    /// What each write takes.
    delay: Duration,
    start: u64,
    in_use: bool,
}

type Change = (u8, u8, Bytes, Bytes);

fn change(op: &Op) -> Change {
    match op.clone() {
        Op::Put { family, key, value } => (0, family.code(), key, value),
        Op::Delete { family, key } => (1, family.code(), key, Bytes::new()),
        Op::DeleteRange { family, from, to } => (2, family.code(), from, to),
    }
}

fn op((kind, family, first, second): Change) -> Option<Op> {
    let family = Family::from_code(family)?;
    match kind {
        0 => Some(Op::Put { family, key: first, value: second }),
        1 => Some(Op::Delete { family, key: first }),
        2 => Some(Op::DeleteRange { family, from: first, to: second }),
        _ => None,
    }
}

fn encode(ops: &[Op]) -> Vec<u8> {
    let changes: Vec<Change> = ops.iter().map(change).collect();
    let body = rmp_serde::to_vec(&changes).unwrap_or_default();
    let mut record = Vec::with_capacity(HEADER_BYTES + body.len());
    record.extend_from_slice(&(body.len() as u32).to_be_bytes());
    record.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
    record.extend_from_slice(&body);
    record
}

/// The first record of `log` and its length, unless it is torn.
fn decode(log: &[u8]) -> Option<(Vec<Op>, usize)> {
    let (length, rest) = log.split_first_chunk()?;
    let (checksum, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let body = rest.get(..length)?;
    if crc32fast::hash(body) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let changes: Vec<Change> = rmp_serde::from_slice(body).ok()?;
    Some((changes.into_iter().map(op).collect::<Option<_>>()?, HEADER_BYTES + length))
}

impl Disk {
    /// What the log says; a torn end of it is cut off.
    fn recover(&mut self) -> Tables {
        let mut tables = self.base.clone();
        let mut whole = 0;
        while let Some((ops, length)) = self.log.get(whole..).and_then(decode) {
            tables.apply(&ops);
            whole += length;
        }
        self.log.truncate(whole);
        self.synced = self.synced.min(whole);
        tables
    }

    fn append(&mut self, ops: &[Op], sync: bool) -> Result<(), StoreError> {
        let record = encode(ops);
        if let Some(seed) = self.fails_now() {
            let torn = fastrand::Rng::with_seed(seed).usize(..=record.len());
            self.log.extend(record.iter().take(torn));
            return Err(failed("it was told to fail"));
        }
        let space = self.space();
        if record.len() > space {
            // As much as fits is there, and cut off when the log is read.
            self.log.extend(record.iter().take(space));
            return Err(full());
        }
        self.log.extend_from_slice(&record);
        if sync {
            self.synced = self.log.len();
            self.fold();
        }
        Ok(())
    }

    fn space(&self) -> usize {
        self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(self.log.len()))
    }

    fn fails_now(&mut self) -> Option<u64> {
        let (writes, seed) = self.failure?;
        self.failure = writes.checked_sub(1).map(|writes| (writes, seed));
        (writes == 0).then_some(seed)
    }

    fn fold(&mut self) {
        if self.log.len() > FOLD_BYTES {
            self.replace_log();
        }
    }

    /// Replaces the log by what it says, which is then synced.
    fn replace_log(&mut self) {
        self.base = self.recover();
        self.log.clear();
        self.synced = 0;
    }
}

fn failed(reason: &str) -> StoreError {
    let source = Arc::new(io::Error::other(reason.to_owned()));
    StoreError::WriteFailed { action: "write to memory", source }
}

fn full() -> StoreError {
    StoreError::DiskFull { source: Arc::new(io::Error::from(io::ErrorKind::StorageFull)) }
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power: what was not synced is gone from some point on, which may lie in the middle of
    /// a batch. Stores that are open on this disk fail from now on.
    pub fn power_loss(&self, seed: u64) {
        let mut disk = self.0.lock();
        let kept = fastrand::Rng::with_seed(seed).usize(disk.synced..=disk.log.len());
        disk.log.truncate(kept);
        disk.start += 1;
        disk.in_use = false;
    }

    /// Kills the program: all that was written stays. Stores that are open fail from now on.
    pub fn kill(&self) {
        let mut disk = self.0.lock();
        disk.start += 1;
        disk.in_use = false;
    }

    /// Lets the write after the next `writes` ones fail, with any part of it on the disk.
    pub fn fail_write(&self, writes: u64, seed: u64) {
        self.0.lock().failure = Some((writes, seed));
    }

    /// Bounds the bytes that the disk takes, or lifts the bound.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.0.lock().capacity = bytes;
    }

    /// Lets each write take so long.
    pub fn set_delay(&self, delay: Duration) {
        self.0.lock().delay = delay;
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.lock().log.len()
    }

    /// Flips one bit of one value, which is returned, while nobody has the disk open.
    #[must_use]
    #[doc(hidden)]
    pub fn flip_bit(&self, seed: u64) -> Option<(Family, Bytes)> {
        let mut disk = self.0.lock();
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut tables = disk.recover();
        let count = tables.records().count();
        let chosen = tables.records().nth(rng.usize(..count.max(1)))?;
        let (family, key, mut value) = (chosen.0, chosen.1.clone(), chosen.2.to_vec());
        let place = rng.usize(..value.len().max(1));
        *value.get_mut(place)? ^= 1 << rng.u8(..8);
        tables.apply(&[Op::Put { family, key: key.clone(), value: value.into() }]);
        disk.base = tables;
        disk.log.clear();
        disk.synced = 0;
        Some((family, key))
    }

    /// Marks the data as of another format, while nobody has the disk open.
    #[doc(hidden)]
    pub fn set_format(&self, version: u32) {
        let key = crate::keys::key(&[&[crate::keys::FORMAT]]);
        let value = crate::record::seal(&key, &version);
        let mut disk = self.0.lock();
        let record = encode(&[Op::Put { family: Family::Node, key, value }]);
        disk.log.extend_from_slice(&record);
        disk.synced = disk.log.len();
    }

    pub(super) fn start(&self) -> Result<(u64, Tables), StoreError> {
        let mut disk = self.0.lock();
        if disk.in_use {
            let source = Arc::new(io::Error::other("this disk is open"));
            return Err(StoreError::InUse { folder: PathBuf::from("memory"), source });
        }
        disk.in_use = true;
        disk.start += 1;
        // As RocksDB does, which writes and syncs as tables what it finds in its log: each start reads
        // what was written since the last one, however much there is in all.
        disk.replace_log();
        Ok((disk.start, disk.base.clone()))
    }

    pub(super) fn check(&self, start: u64) -> Result<(), StoreError> {
        if self.0.lock().start == start { Ok(()) } else { Err(failed("the power is off")) }
    }

    /// Waits as long as a write takes. Whoever reads meanwhile does not.
    pub(super) fn work(&self) {
        let delay = self.0.lock().delay;
        if !delay.is_zero() {
            thread::sleep(delay);
        }
    }

    pub(super) fn append(&self, start: u64, ops: &[Op], sync: bool) -> Result<(), StoreError> {
        self.check(start)?;
        self.0.lock().append(ops, sync)
    }

    pub(super) fn reopen(&self, start: u64) -> Result<Tables, StoreError> {
        self.check(start)?;
        let mut disk = self.0.lock();
        let tables = disk.recover();
        if disk.space() < SPACE_TO_REOPEN {
            return Err(full());
        }
        disk.synced = disk.log.len();
        Ok(tables)
    }

    pub(super) fn stop(&self, start: u64) {
        let mut disk = self.0.lock();
        if disk.start == start {
            disk.in_use = false;
        }
    }
}
