//! What the writer counts, and whether it can write.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::StoreError;

/// Upper bounds, in microseconds, of the times that are told apart.
const BOUNDS: [u64; 12] =
    [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 500_000, 5_000_000];

/// How long things took, nearly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    /// How many took no longer than this, in seconds, and longer than the bound before. The last
    /// bound is infinity.
    pub buckets: Vec<(f64, u64)>,
    /// All of them together.
    pub sum: Duration,
}

/// How many fell between which bounds; behind the last there is one more.
#[derive(Debug, Default)]
struct Spread {
    counts: [AtomicU64; BOUNDS.len()],
    more: AtomicU64,
    nanos: AtomicU64,
}

impl Spread {
    fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let within = BOUNDS.iter().zip(&self.counts).find(|(bound, _)| micros <= **bound);
        within.map_or(&self.more, |(_, count)| count).fetch_add(1, Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    fn times(&self) -> Times {
        let bounds = BOUNDS.iter().map(|micros| *micros as f64 / 1e6).chain([f64::INFINITY]);
        let counts = self.counts.iter().chain([&self.more]).map(|count| count.load(Relaxed));
        let sum = Duration::from_nanos(self.nanos.load(Relaxed));
        Times { buckets: bounds.zip(counts).collect(), sum }
    }
}

/// Totals since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) bytes: AtomicU64,
    buffered: Spread,
    synced: Spread,
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
        if synced { &self.synced } else { &self.buffered }.add(took);
    }

    /// How long batches took that were not synced, and those that were.
    pub(crate) fn times(&self) -> (Times, Times) {
        (self.buffered.times(), self.synced.times())
    }
}
