//! What an actor has done so far: counters, times, and the last exits.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::{exit::ExitReason, inspect::State};

/// Exits that a row of the tree tells.
const LAST_EXITS: usize = 4;
/// One message in so many is timed, unless it is traced: a clock reading costs as much as a lock.
const SAMPLE: u64 = 8;
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
    /// The message, and the beginning of the turn in which it is handled.
    pub(crate) current: Option<(&'static str, Instant)>,
    pub(crate) exits: u64,
    pub(crate) last_exits: VecDeque<(ExitReason, Instant)>,
    /// Restarts left before the supervisor acts, where the supervisor tells.
    pub(crate) budget_left: Option<u32>,
    /// Messages still to be traced.
    pub(crate) trace: u32,
    busy: Duration,
    /// Messages that `busy` is the time of.
    timed: u64,
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
            timed: 0,
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
        self.state = state;
    }

    /// The start is complete. An actor that is on its way out already stays so.
    pub(crate) fn started(&mut self) {
        self.has_run = true;
        if self.state == State::Starting {
            self.state = State::Running;
        }
    }

    /// A message begins, in the turn that began at `turn`.
    pub(crate) fn begin(&mut self, message: &'static str, turn: Instant) {
        self.handled += 1;
        let since = if self.is_timed() { Instant::now() } else { turn };
        self.current = Some((message, since));
    }

    fn is_timed(&self) -> bool {
        self.trace > 0 || self.handled % SAMPLE == 1
    }

    /// Ends the message before, and times it if it is one of the sample. Gives back what to trace.
    pub(crate) fn finish_sampled(&mut self) -> Option<(&'static str, Duration)> {
        let (_, since) = self.current?;
        if self.is_timed() {
            return self.finish(Instant::now());
        }
        self.current = None;
        self.idle_since = Some(since);
        None
    }

    fn finish(&mut self, now: Instant) -> Option<(&'static str, Duration)> {
        let (message, since) = self.current.take()?;
        let took = now.saturating_duration_since(since);
        self.busy += took;
        self.timed += 1;
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
        let each = self.busy.as_secs_f64() / (self.timed.max(1) as f64);
        let seconds = (each * queued as f64).min(RETRY_MAX.as_secs_f64());
        Duration::from_secs_f64(seconds).max(RETRY_MIN)
    }
}
