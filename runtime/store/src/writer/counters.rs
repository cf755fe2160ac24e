//! What the writer counts, and whether it can write.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::StoreError;

/// Totals since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) write_nanos: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) reopened: AtomicU64,
    /// Why nothing is written just now.
    refused: Mutex<Option<StoreError>>,
    /// When the batch was begun that is being written.
    writing: Mutex<Option<Instant>>,
}

impl Counters {
    /// From now on, requests are refused for this reason, or none.
    pub(crate) fn refuses(&self, reason: Option<StoreError>) {
        *self.refused.lock() = reason;
    }

    pub(crate) fn refused(&self) -> Option<StoreError> {
        self.refused.lock().clone()
    }

    /// A batch begins at this time, or has ended.
    pub(crate) fn writes(&self, since: Option<Instant>) {
        *self.writing.lock() = since;
    }

    pub(crate) fn writing_for(&self) -> Option<Duration> {
        self.writing.lock().map(|since| since.elapsed())
    }

    pub(crate) fn wrote(&self, requests: usize, bytes: usize, synced: bool, took: Duration) {
        self.requests.fetch_add(requests as u64, Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.syncs.fetch_add(u64::from(synced), Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.write_nanos.fetch_add(nanos, Relaxed);
    }
}
