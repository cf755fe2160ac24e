//! A walk through what is due, a piece in each turn of the courier, and when the next one begins.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

use crate::assignment::milliseconds;

/// How long what waits for a job to end is left alone if none does, or the store failed.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// How long it sleeps at most: should nobody wake it, it looks by itself.
const SLEEP: Duration = Duration::from_secs(30);

/// Those that a walk passes over and remembers.
const MAX_PASSED: usize = 4096;

/// How far a walk has come. Times are milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Walk<P, K> {
    /// Behind which place it goes on; `None` if it is at its end.
    pub(super) place: Option<P>,
    /// Whether something that was seen on it waits for a job to end.
    pub(super) held: bool,
    /// Those of whom something was passed over: what comes behind it is, too.
    passed: HashSet<K>,
    /// When the next one begins.
    again: u64,
}

impl<P, K> Default for Walk<P, K> {
    fn default() -> Self {
        Self { place: None, held: false, passed: HashSet::new(), again: 0 }
    }
}

impl<P: Copy, K: Eq + Hash> Walk<P, K> {
    /// Where to go on, and from behind which place; nowhere if it is not time yet.
    pub(super) fn go_on(&mut self, now: u64) -> Option<Option<P>> {
        if self.place.is_none() {
            if now < self.again {
                return None;
            }
            self.held = false;
            self.passed.clear();
        }
        Some(self.place)
    }

    /// What was seen of these waits for a job to end.
    pub(super) fn pass_over(&mut self, key: K) {
        self.held = true;
        if self.passed.len() < MAX_PASSED {
            self.passed.insert(key);
        }
    }

    /// Whether something of these was passed over, as far as that is remembered.
    pub(super) fn has_passed_over(&self, key: &K) -> bool {
        self.passed.len() >= MAX_PASSED || self.passed.contains(key)
    }

    /// At its end, `next` says when something is due again.
    pub(super) fn ended(&mut self, next: Option<u64>) {
        // What is held is still due: without a pause, it would be looked at all the time.
        let pause = if self.held { PAUSE } else { Duration::ZERO };
        self.again = later(pause).max(next.unwrap_or(u64::MAX)).min(later(SLEEP));
    }

    /// The next one begins as soon as may be.
    pub(super) fn wake(&mut self) {
        self.again = 0;
    }

    /// When there is something to do.
    pub(super) fn due(&self) -> u64 {
        if self.place.is_some() { 0 } else { self.again }
    }
}

/// Milliseconds since 1970, so much later than now.
fn later(wait: Duration) -> u64 {
    milliseconds().saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_on_behind_its_place_and_begins_again_when_something_is_due() {
        let mut walk = Walk::<_, ()>::default();
        assert_eq!(walk.go_on(1), Some(None));
        walk.place = Some('a');
        assert_eq!((walk.due(), walk.go_on(1)), (0, Some(Some('a'))));
        walk.place = None;
        let next = later(PAUSE);
        walk.ended(Some(next));
        assert_eq!((walk.due(), walk.go_on(next - 1)), (next, None));
        walk.ended(None);
        assert!(walk.due() <= later(SLEEP), "it looks by itself");
        walk.wake();
        assert_eq!(walk.go_on(0), Some(None));
    }

    #[test]
    fn what_is_held_on_any_piece_is_held_until_the_next_walk() {
        let mut walk = Walk::default();
        walk.go_on(1);
        walk.pass_over("one");
        walk.place = Some('a');
        walk.go_on(1);
        assert!(walk.held && walk.has_passed_over(&"one") && !walk.has_passed_over(&"other"));
        walk.place = None;
        walk.ended(Some(0));
        assert!(walk.due() > milliseconds(), "what is held is still due");
        walk.wake();
        walk.go_on(1);
        assert!(!walk.held && !walk.has_passed_over(&"one"));
    }
}
