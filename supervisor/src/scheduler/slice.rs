//! Cooperative yielding for long work.

use std::time::{Duration, Instant};

/// A share of the thread's time. Long work calls [`Slice::checkpoint`] often; it costs a clock
/// reading, and yields the thread when the slice is used up.
#[derive(Debug)]
pub struct Slice {
    length: Duration,
    since: Instant,
}

impl Slice {
    /// A slice that begins now.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        // The wall clock, also in simulated time: it is the thread that is being shared.
        Self { length, since: Instant::now() }
    }

    /// Yields if the slice is used up, and begins a new one.
    pub async fn checkpoint(&mut self) {
        if self.since.elapsed() >= self.length {
            super::yield_now().await;
            self.since = Instant::now();
        }
    }
}
