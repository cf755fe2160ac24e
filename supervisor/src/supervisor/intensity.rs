//! How many restarts a supervisor allows in which time.

use std::{collections::VecDeque, time::Duration};

/// More than `restarts` restarts within `period`, sliding, and the supervisor gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts allowed; 0 means that the first failure is one too many.
    pub restarts: u32,
    /// The time in which they are counted; not zero.
    pub period: Duration,
}

impl Default for Intensity {
    /// OTP's: 1 in 5 s.
    fn default() -> Self {
        Self { restarts: 1, period: Duration::from_secs(5) }
    }
}

/// The restarts that still count. At most one more than the intensity allows.
#[derive(Debug)]
pub(super) struct History {
    intensity: Intensity,
    restarts: VecDeque<Duration>,
}

impl History {
    pub(super) fn new(intensity: Intensity) -> Self {
        Self { intensity, restarts: VecDeque::new() }
    }

    /// Counts one restart. False if it was one too many.
    pub(super) fn allow(&mut self, now: Duration) -> bool {
        self.restarts.push_back(now);
        self.forget(now);
        self.restarts.len() <= self.intensity.restarts as usize
    }

    /// Restarts that would be allowed now.
    pub(super) fn left(&mut self, now: Duration) -> u32 {
        self.forget(now);
        let used = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        self.intensity.restarts.saturating_sub(used)
    }

    /// A restart exactly one period ago still counts, as in OTP.
    fn forget(&mut self, now: Duration) {
        let period = self.intensity.period;
        while self.restarts.front().is_some_and(|at| now.saturating_sub(*at) > period) {
            self.restarts.pop_front();
        }
    }
}
