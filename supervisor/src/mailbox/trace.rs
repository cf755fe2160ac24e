//! The last messages of an actor that somebody traces.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::inspect::{Trace, Traced};

/// Messages that are remembered of one actor.
const KEPT: usize = 256;

/// How many messages are still to be traced, and the last ones that were.
#[derive(Debug)]
pub(crate) struct Tracing {
    left: u32,
    /// The latest last: its type, when it ended, and how long it took.
    last: VecDeque<(&'static str, Instant, Duration)>,
}

impl Tracing {
    pub(crate) fn of(messages: u32) -> Self {
        Self { left: messages, last: VecDeque::new() }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.left > 0
    }

    /// Remembers a message that has ended. Whether it is to be told.
    pub(crate) fn record(&mut self, message: &'static str, now: Instant, took: Duration) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        if self.last.len() >= KEPT {
            self.last.pop_front();
        }
        self.last.push_back((message, now, took));
        true
    }

    pub(crate) fn show(&self, now: Instant) -> Trace {
        let shown = |(message, at, took): &(&'static str, Instant, Duration)| Traced {
            message,
            took: *took,
            ago: now.saturating_duration_since(*at),
        };
        Trace { left: self.left, last: self.last.iter().map(shown).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_messages_are_remembered_and_no_more_than_were_asked_for() {
        let (mut tracing, now) = (Tracing::of(KEPT as u32 + 2), Instant::now());
        for number in 0..KEPT as u64 + 5 {
            tracing.record("Count", now, Duration::from_millis(number));
        }
        let trace = tracing.show(now);
        assert_eq!((trace.left, trace.last.len()), (0, KEPT));
        assert_eq!(trace.last.first().map(|traced| traced.took.as_millis()), Some(2));
    }
}
