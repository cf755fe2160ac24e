//! What an actor has done so far: counters, times, and the last exits.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::{exit::ExitReason, inspect::State};

/// Exits that a row of the tree tells.
const LAST_EXITS: usize = 4;
/// Bounds of the hint that an overloaded actor gives.
const RETRY_MIN: Duration = Duration::from_millis(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Counters, not rates: a reader takes the difference of two snapshots.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) state: State,
    /// Since when the present incarnation lives.
    pub(crate) since: Option<Instant>,
    pub(crate) incarnation: u64,
    /// Whether any life ever came as far as running.
    pub(crate) has_run: bool,
    pub(crate) handled: u64,
    pub(crate) refused: u64,
    pub(crate) high_water: usize,
    pub(crate) current: Option<(&'static str, Instant)>,
    pub(crate) exits: u64,
    pub(crate) last_exits: VecDeque<(ExitReason, Instant)>,
    /// Restarts left before the supervisor acts, where the supervisor tells.
    pub(crate) budget_left: Option<u32>,
    /// Messages still to be traced.
    pub(crate) trace: u32,
    busy: Duration,
    idle_since: Option<Instant>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            state: State::Down,
            since: None,
            incarnation: 0,
            has_run: false,
            handled: 0,
            refused: 0,
            high_water: 0,
            current: None,
            exits: 0,
            last_exits: VecDeque::new(),
            budget_left: None,
            trace: 0,
            busy: Duration::ZERO,
            idle_since: None,
        }
    }
}

impl Ledger {
    pub(crate) fn enter(&mut self, state: State, now: Instant) {
        if state == State::Starting {
            self.since = Some(now);
            self.idle_since = Some(now);
        }
        self.has_run |= state == State::Running;
        self.state = state;
    }

    pub(crate) fn begin(&mut self, message: &'static str, now: Instant) {
        self.handled += 1;
        self.current = Some((message, now));
    }

    /// Ends the message before. Gives back what to trace of it.
    pub(crate) fn finish(&mut self, now: Instant) -> Option<(&'static str, Duration)> {
        let (message, since) = self.current.take()?;
        let took = now.saturating_duration_since(since);
        self.busy += took;
        self.idle_since = Some(now);
        if self.trace == 0 {
            return None;
        }
        self.trace -= 1;
        Some((message, took))
    }

    pub(crate) fn exit(&mut self, reason: ExitReason, now: Instant) {
        self.finish(now);
        self.exits += 1;
        self.since = None;
        if self.last_exits.len() >= LAST_EXITS {
            self.last_exits.pop_front();
        }
        self.last_exits.push_back((reason, now));
        self.state = State::Down;
    }

    pub(crate) fn last_exit(&self) -> Option<ExitReason> {
        self.last_exits.back().map(|(reason, _)| reason.clone())
    }

    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.idle_since
    }

    /// How long `queued` messages will take, judged by those before.
    pub(crate) fn time_for(&self, queued: usize) -> Duration {
        let each = self.busy.as_secs_f64() / (self.handled.max(1) as f64);
        let seconds = (each * queued as f64).min(RETRY_MAX.as_secs_f64());
        Duration::from_secs_f64(seconds).max(RETRY_MIN)
    }
}
