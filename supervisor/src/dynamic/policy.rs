//! What one child's failures cost it. Pure: time and dice come from outside.

use std::time::Duration;

use crate::{
    exit::ExitReason,
    spec::{Restart, SpecError},
};

/// How often and how fast a failing child is started again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Failures before quarantine: the one after these is the last.
    pub restarts: u32,
    /// Wait after the first failure; it doubles with each.
    pub min: Duration,
    /// The longest wait.
    pub max: Duration,
    /// The part of the wait that is left to chance, from 0 to 1: the wait is drawn from
    /// `wait × (1 − jitter)` up to `wait`, so that what fell together does not rise together.
    pub jitter: f64,
    /// Failures are forgotten when it has lived this long without one.
    pub reset_after: Duration,
}

impl Default for Backoff {
    /// 5 restarts, from 100 ms to 30 s, half left to chance, forgotten after a minute.
    fn default() -> Self {
        Self {
            restarts: 5,
            min: Duration::from_millis(100),
            max: Duration::from_secs(30),
            jitter: 0.5,
            reset_after: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        let what = if self.min > self.max {
            "min is over max"
        } else if !(0.0..=1.0).contains(&self.jitter) {
            "jitter is not between 0 and 1"
        } else if self.reset_after.is_zero() {
            "reset_after is zero"
        } else {
            return Ok(());
        };
        Err(SpecError::BadBackoff { what })
    }

    /// The wait after the given failure, counted from 1.
    fn wait(&self, failure: u32, dice: f64) -> Duration {
        let doubled = 2f64.powi(i32::try_from(failure.saturating_sub(1)).unwrap_or(i32::MAX));
        let wait = (self.min.as_secs_f64() * doubled).min(self.max.as_secs_f64());
        let wait = wait * (1.0 - self.jitter * dice.clamp(0.0, 1.0));
        // Rounding may carry the longest wait past what a duration holds.
        Duration::try_from_secs_f64(wait).unwrap_or(self.max)
    }
}

/// What to do with a child that ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Decision {
    RestartAfter(Duration),
    Quarantine,
    Forget,
}

/// The failures of one child that still count.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Record {
    failures: u32,
    /// When it began to live again: a wait is no quiet time.
    quiet_from: Option<Duration>,
}

impl Record {
    pub(super) fn decide(
        &mut self,
        backoff: &Backoff,
        restart: Restart,
        reason: &ExitReason,
        now: Duration,
        dice: f64,
    ) -> Decision {
        if !restart.follows(reason) {
            return Decision::Forget;
        }
        if self.quiet_from.is_some_and(|from| now.saturating_sub(from) >= backoff.reset_after) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures > backoff.restarts {
            return Decision::Quarantine;
        }
        let wait = backoff.wait(self.failures, dice);
        self.quiet_from = Some(now.saturating_add(wait));
        Decision::RestartAfter(wait)
    }

    pub(super) fn left(&self, backoff: &Backoff) -> u32 {
        backoff.restarts.saturating_sub(self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn backoff() -> Backoff {
        Backoff { restarts: 3, min: SECOND, max: 3 * SECOND, jitter: 0.5, reset_after: 60 * SECOND }
    }

    fn fail(record: &mut Record, now: Duration, dice: f64) -> Decision {
        record.decide(&backoff(), Restart::Transient, &ExitReason::Killed, now, dice)
    }

    #[test]
    fn the_wait_doubles_up_to_its_maximum_and_then_comes_quarantine() {
        let mut record = Record::default();
        let waits: Vec<_> = (0..4).map(|_| fail(&mut record, SECOND, 0.0)).collect();
        let after = |seconds| Decision::RestartAfter(seconds * SECOND);
        assert_eq!(waits, [after(1), after(2), after(3), Decision::Quarantine]);
    }

    #[test]
    fn chance_shortens_the_wait_by_no_more_than_the_jitter() {
        assert_eq!(fail(&mut Record::default(), SECOND, 1.0), Decision::RestartAfter(SECOND / 2));
    }

    #[test]
    fn failures_are_forgotten_after_a_quiet_time() {
        let mut record = Record::default();
        for _ in 0..3 {
            fail(&mut record, SECOND, 0.0);
        }
        assert_eq!(fail(&mut record, 64 * SECOND, 0.0), Decision::RestartAfter(SECOND));
        assert_eq!(record.left(&backoff()), 2);
    }

    #[test]
    fn a_normal_end_is_no_failure_of_a_transient_child() {
        let mut record = Record::default();
        let normal = ExitReason::Normal;
        let decision = record.decide(&backoff(), Restart::Transient, &normal, SECOND, 0.0);
        assert_eq!((decision, record), (Decision::Forget, Record::default()));
    }
}
