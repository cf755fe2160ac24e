//! How counters have grown lately: the difference of two looks is a rate.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// How far back is looked.
const SPAN: Duration = Duration::from_secs(60);
/// Looks that are remembered of each thing: one a second, and some that were asked for between.
const MAX_SAMPLES: usize = 128;
/// Things that are remembered. Those that are not seen any more make room first.
const MAX_THINGS: usize = 1000;

/// Two counters of each of many things, over the last minute.
#[derive(Debug)]
pub(super) struct Window<K> {
    seen: BTreeMap<K, VecDeque<Sample>>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    counts: [u64; 2],
}

/// By how much two counters have grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) over: Duration,
    pub(super) counts: [u64; 2],
}

impl<K: Ord> Window<K> {
    pub(super) fn new() -> Self {
        Self { seen: BTreeMap::new() }
    }

    /// Remembers what the counters are.
    pub(super) fn note(&mut self, at: Instant, key: K, counts: [u64; 2]) {
        let samples = self.seen.entry(key).or_default();
        while samples.len() >= MAX_SAMPLES
            || samples.front().is_some_and(|first| at.duration_since(first.at) > SPAN)
        {
            samples.pop_front();
        }
        samples.push_back(Sample { at, counts });
    }

    /// Forgets what was not seen for the span, and of too many things all that was not seen now.
    pub(super) fn forget(&mut self, now: Instant) {
        let last_seen = |samples: &VecDeque<Sample>| samples.back().map(|last| last.at);
        let is_within = |at: Instant| now.duration_since(at) <= SPAN;
        self.seen.retain(|_, samples| last_seen(samples).is_some_and(is_within));
        if self.seen.len() > MAX_THINGS {
            self.seen.retain(|_, samples| last_seen(samples) == Some(now));
        }
    }

    /// The growth since the first look of the span; none before the second.
    pub(super) fn growth(&self, key: &K) -> Option<Growth> {
        let samples = self.seen.get(key)?;
        let (first, last) = (samples.front()?, samples.back()?);
        let [now, before] = [last.counts, first.counts];
        let counts = [now[0].saturating_sub(before[0]), now[1].saturating_sub(before[1])];
        let over = last.at.duration_since(first.at);
        (!over.is_zero()).then_some(Growth { over, counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_what_came_within_the_span() {
        let (mut window, start) = (Window::new(), Instant::now());
        window.note(start, "a", [5, 100]);
        assert_eq!(window.growth(&"a"), None, "one look tells no rate");
        for second in 1..=90 {
            window.note(start + Duration::from_secs(second), "a", [5 + second, 100]);
        }
        assert_eq!(window.growth(&"a"), Some(Growth { over: SPAN, counts: [60, 0] }));
    }

    #[test]
    fn what_is_gone_is_forgotten_and_there_are_never_too_many() {
        let (mut window, start) = (Window::new(), Instant::now());
        window.note(start, 0, [1, 1]);
        window.forget(start + SPAN + Duration::from_secs(1));
        assert!(window.seen.is_empty());
        for key in 0..MAX_THINGS {
            window.note(start, key, [1, 1]);
        }
        let now = start + Duration::from_secs(1);
        window.note(now, MAX_THINGS, [1, 1]);
        window.forget(now);
        assert_eq!(window.seen.len(), 1);
    }
}
