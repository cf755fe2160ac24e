//! What an actor has done so far: counters, times, and the last exits.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::trace::Tracing;
use crate::{exit::ExitReason, inspect::State};

/// Exits that a row of the tree tells.
const LAST_EXITS: usize = 4;
/// One message in so many is timed, unless it is traced: a clock reading costs as much as a lock.
const SAMPLE: u64 = 32;
/// How much the latest time counts in the typical one.
const LATEST_WEIGHT: f32 = 0.125;
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
    /// The message, and when it began; where that was not worth a clock reading, when somebody first
    /// looked. It may have ended: the mailbox knows.
    current: Option<(&'static str, Option<Instant>)>,
    pub(crate) exits: u64,
    /// Boxed: most actors have never ended.
    last_exits: Option<Box<LastExits>>,
    /// Restarts left before the supervisor acts, where the supervisor tells.
    pub(crate) budget_left: Option<u32>,
    /// Boxed: most actors are never traced.
    pub(crate) tracing: Option<Box<Tracing>>,
    /// Seconds that a message takes, the late ones weighing more.
    typical: Option<f32>,
}

#[derive(Debug, Default)]
struct LastExits(VecDeque<End>);

/// One end of the actor.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) reason: ExitReason,
    pub(crate) at: Instant,
    /// The number of the last message that it had in its hands, or any life before it.
    opened: u64,
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
            last_exits: None,
            budget_left: None,
            tracing: None,
            typical: None,
        }
    }
}

impl Ledger {
    pub(crate) fn enter(&mut self, state: State, now: Instant) {
        if state == State::Starting {
            self.since = Some(now);
        }
        self.change(state);
    }

    /// An actor that is gone stays so, also when a thread that was given up comes back to it.
    fn change(&mut self, state: State) {
        if self.state != State::Gone {
            self.state = state;
        }
    }

    /// The start is complete. An actor that is on its way out already stays so.
    pub(crate) fn started(&mut self) {
        self.has_run = true;
        if self.state == State::Starting {
            self.state = State::Running;
        }
    }

    /// A suspension begins or ends. One that starts or stops goes on doing so.
    pub(crate) fn suspend(&mut self, suspended: bool) {
        self.state = match (self.state, suspended) {
            (State::Running, true) => State::Suspended,
            (State::Suspended, false) => State::Running,
            (state, _) => state,
        };
    }

    /// A message begins. Whether its end is to be timed.
    pub(crate) fn begin(&mut self, message: &'static str) -> bool {
        self.handled += 1;
        let traced = self.tracing.as_ref().is_some_and(|tracing| tracing.is_on());
        let timed = traced || self.handled % SAMPLE == 1;
        self.current = Some((message, timed.then(Instant::now)));
        timed
    }

    /// The current message, and since when; from now on, if nobody has looked before.
    pub(crate) fn current(&mut self, now: Instant) -> Option<(&'static str, Instant)> {
        let (message, since) = self.current.as_mut()?;
        Some((message, *since.get_or_insert(now)))
    }

    /// A timed message has ended. Gives back what to trace.
    pub(crate) fn finish(&mut self, now: Instant) -> Option<(&'static str, Duration)> {
        let (message, since) = self.current.take()?;
        let took = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let (took_now, weight) = (took.as_secs_f32(), LATEST_WEIGHT);
        let typical = self.typical.map_or(took_now, |old| old + weight * (took_now - old));
        self.typical = Some(typical);
        let told = self.tracing.as_mut()?.record(message, now, took);
        told.then_some((message, took))
    }

    /// The life ends, with `opened` messages taken out of the queue so far.
    pub(super) fn exit(&mut self, reason: ExitReason, opened: u64, now: Instant) {
        self.exits += 1;
        self.since = None;
        let LastExits(last_exits) = &mut **self.last_exits.get_or_insert_default();
        if last_exits.len() >= LAST_EXITS {
            last_exits.pop_front();
        }
        last_exits.push_back(End { reason, at: now, opened });
        self.change(State::Down);
    }

    pub(crate) fn last_exit(&self) -> Option<ExitReason> {
        self.last_exits.as_ref()?.0.back().map(|end| end.reason.clone())
    }

    /// The last few ends, the latest last.
    pub(crate) fn last_exits(&self) -> impl Iterator<Item = &End> {
        self.last_exits.iter().flat_map(|exits| &exits.0)
    }

    /// How the life ended that had a message in its hands. Of ends that are no longer remembered the
    /// next one speaks.
    pub(crate) fn end_of(&self, message: u64) -> Option<ExitReason> {
        self.last_exits().find(|end| end.opened >= message).map(|end| end.reason.clone())
    }

    /// How long `queued` messages will take, judged by those before.
    pub(crate) fn time_for(&self, queued: usize) -> Duration {
        let seconds = self.typical.unwrap_or_default() * queued as f32;
        Duration::from_secs_f32(seconds.min(RETRY_MAX.as_secs_f32())).max(RETRY_MIN)
    }
}
