//! When one timer runs: plain rules over the times that its record holds.
//!
//! ```text
//! next ── begin ──► began, next one on ── ended ──► next, runs + 1
//!                     ▲      │
//!                     └──────┘ after a crash: the same run again
//! ```
//!
//! Runs are due at the first time and at every interval after it, however long they take. A run that
//! has begun keeps the time when it was due, so that its repetition is told from the run after it.

use std::num::NonZeroU64;

use oxbeam_store::{CatchUp, Timer};

/// Runs that are made up for at most; of more, the oldest are left out.
pub(super) const MAX_MADE_UP: u64 = 10_000;

/// How far a timer has come. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// When the run is due that is behind the one that has begun.
    pub(super) next: Option<u64>,
    /// When the run was due that has begun and not ended.
    pub(super) began: Option<u64>,
    interval: Option<NonZeroU64>,
    catch_up: CatchUp,
    last: Option<u64>,
    runs: u64,
    pub(super) missed: u64,
}

impl Plan {
    pub(super) fn of(timer: &Timer) -> Self {
        Self {
            next: timer.next_run,
            began: timer.began,
            interval: timer.interval.and_then(NonZeroU64::new),
            catch_up: timer.catch_up,
            last: timer.last_run,
            runs: timer.runs,
            missed: timer.missed,
        }
    }

    /// The record of a timer that has come so far.
    pub(super) fn recorded(self, timer: Timer) -> Timer {
        Timer {
            next_run: self.next,
            began: self.began,
            last_run: self.last,
            runs: self.runs,
            missed: self.missed,
            ..timer
        }
    }

    /// When there is something to do; `None` if it has run for the last time.
    pub(super) fn due(&self) -> Option<u64> {
        self.began.or(self.next)
    }

    /// After a time in which nothing was run.
    pub(super) fn resumed(self, now: u64) -> Self {
        match self.began {
            Some(_) => self,
            None => self.without_the_skipped(now),
        }
    }

    /// Begins the run that is due, or again the one that has begun. `None` if none is due.
    pub(super) fn begin(self, now: u64) -> Option<Self> {
        if self.began.is_some() {
            return Some(self);
        }
        let next = self.next.filter(|next| *next <= now)?;
        let Some(interval) = self.interval else {
            return Some(Self { began: Some(next), next: None, ..self });
        };
        let passed = (now - next) / interval;
        let left_out = match self.catch_up {
            CatchUp::All => passed.saturating_sub(MAX_MADE_UP),
            CatchUp::Skip | CatchUp::Once => passed,
        };
        let at = next.saturating_add(left_out.saturating_mul(interval.get()));
        Some(Self {
            began: Some(at),
            next: Some(at.saturating_add(interval.get())),
            missed: self.missed.saturating_add(left_out),
            ..self
        })
    }

    /// The run that has begun is over.
    pub(super) fn ended(self, now: u64) -> Self {
        let runs = self.runs.saturating_add(1);
        Self { began: None, last: Some(now), runs, ..self }.without_the_skipped(now)
    }

    /// Leaves out what was due before now, if that is how it is to be. What runs once is never left
    /// out.
    fn without_the_skipped(self, now: u64) -> Self {
        match (self.catch_up, self.next, self.interval) {
            (CatchUp::Skip, Some(next), Some(interval)) if next < now => {
                let left_out = (now - next).div_ceil(interval.get());
                let next = next.saturating_add(left_out.saturating_mul(interval.get()));
                let missed = self.missed.saturating_add(left_out);
                Self { next: Some(next), missed, ..self }
            }
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(catch_up: CatchUp) -> Plan {
        let interval = NonZeroU64::new(10);
        Plan { next: Some(100), began: None, interval, catch_up, last: None, runs: 0, missed: 0 }
    }

    /// Begins and ends runs until none is due, and answers when those were due.
    fn run_all(mut plan: Plan, now: u64) -> (Vec<u64>, Plan) {
        let mut ran = Vec::new();
        while let Some(begun) = plan.begin(now) {
            ran.extend(begun.began);
            plan = begun.ended(now);
        }
        (ran, plan)
    }

    #[test]
    fn a_run_in_time_moves_the_next_by_the_interval_whatever_it_took() {
        assert_eq!(plan(CatchUp::Once).begin(99), None);
        let (ran, after) = run_all(plan(CatchUp::Once), 104);
        assert_eq!((ran, after.next, after.missed, after.runs), (vec![100], Some(110), 0, 1));
    }

    #[test]
    fn after_a_pause_each_policy_does_what_it_says() {
        let after = |catch_up| {
            let (ran, plan) = run_all(plan(catch_up).resumed(125), 125);
            (ran, plan.next, plan.missed)
        };
        assert_eq!(after(CatchUp::Skip), (vec![], Some(130), 3));
        assert_eq!(after(CatchUp::Once), (vec![120], Some(130), 2));
        assert_eq!(after(CatchUp::All), (vec![100, 110, 120], Some(130), 0));
    }

    #[test]
    fn a_run_that_has_begun_is_the_same_one_after_a_pause() {
        for catch_up in [CatchUp::Skip, CatchUp::Once, CatchUp::All] {
            let begun = plan(catch_up).begin(100).unwrap();
            assert_eq!(begun.resumed(500).due(), Some(100));
            assert_eq!(begun.resumed(500).begin(500).unwrap().began, Some(100));
        }
    }

    #[test]
    fn what_runs_once_runs_however_late_and_is_over() {
        for catch_up in [CatchUp::Skip, CatchUp::Once, CatchUp::All] {
            let once = Plan { interval: None, ..plan(catch_up) };
            let (ran, after) = run_all(once.resumed(900), 900);
            assert_eq!((ran, after.due(), after.missed), (vec![100], None, 0));
        }
    }

    #[test]
    fn only_so_many_runs_are_made_up_for() {
        let now = 100 + 10 * (MAX_MADE_UP + 7);
        let (ran, after) = run_all(plan(CatchUp::All), now);
        assert_eq!((ran.len() as u64, ran[0], after.missed), (MAX_MADE_UP + 1, 170, 7));
    }

    #[test]
    fn times_at_the_end_of_all_time_do_not_overflow() {
        let interval = NonZeroU64::new(u64::MAX);
        let last = Plan { next: Some(u64::MAX), interval, ..plan(CatchUp::Skip) };
        assert_eq!(last.begin(u64::MAX).unwrap().ended(u64::MAX).next, Some(u64::MAX));
    }
}
