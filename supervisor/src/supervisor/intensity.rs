//! How many restarts a supervisor allows in which time.

use std::{collections::VecDeque, time::Duration};

/// More than `restarts` restarts within `period`, sliding, and the supervisor gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts allowed; 0 means that the first failure is one too many. Over 4,096, those that
    /// are closer to each other than a 4,096th of the period are counted as of one time.
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

/// Moments that a history tells apart, where the intensity allows more restarts than that.
const MOMENTS: u32 = 4096;

/// The restarts that still count. Each entry holds a moment, and how many there were: no more
/// entries than twice `MOMENTS`, however many restarts are allowed.
#[derive(Debug)]
pub(super) struct History {
    intensity: Intensity,
    moments: VecDeque<(Duration, u32)>,
    restarts: u32,
}

impl History {
    pub(super) fn new(intensity: Intensity) -> Self {
        Self { intensity, moments: VecDeque::new(), restarts: 0 }
    }

    /// Counts one restart. False if it was one too many.
    pub(super) fn allow(&mut self, now: Duration) -> bool {
        self.forget(now);
        self.restarts = self.restarts.saturating_add(1);
        let grain = self.grain();
        match self.moments.back_mut() {
            Some((at, restarts)) if now.saturating_sub(*at) <= grain => {
                *restarts = restarts.saturating_add(1);
            }
            _ => self.moments.push_back((now, 1)),
        }
        self.restarts <= self.intensity.restarts
    }

    /// Restarts that would be allowed now.
    pub(super) fn left(&mut self, now: Duration) -> u32 {
        self.forget(now);
        self.intensity.restarts.saturating_sub(self.restarts)
    }

    fn grain(&self) -> Duration {
        if self.intensity.restarts > MOMENTS {
            self.intensity.period / MOMENTS
        } else {
            Duration::ZERO
        }
    }

    /// A restart exactly one period ago still counts, as in OTP.
    fn forget(&mut self, now: Duration) {
        let period = self.intensity.period;
        while let Some((at, restarts)) = self.moments.front()
            && now.saturating_sub(*at) > period
        {
            self.restarts = self.restarts.saturating_sub(*restarts);
            self.moments.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intensity_that_allows_a_million_restarts_does_not_remember_a_million_moments() {
        let period = Duration::from_secs(60);
        let mut history = History::new(Intensity { restarts: 1_000_000, period });
        for micros in 0..1_000_000 {
            assert!(history.allow(Duration::from_micros(10 * micros)));
        }
        assert!(history.moments.len() < 2 * MOMENTS as usize, "{}", history.moments.len());
        assert!(!history.allow(Duration::from_secs(11)), "one more than a million");
    }
}
