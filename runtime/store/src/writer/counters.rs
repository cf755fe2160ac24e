//! What the writer counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

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
}

impl Counters {
    pub(crate) fn wrote(&self, requests: usize, bytes: usize, synced: bool, took: Duration) {
        self.requests.fetch_add(requests as u64, Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.syncs.fetch_add(u64::from(synced), Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.write_nanos.fetch_add(nanos, Relaxed);
    }
}
