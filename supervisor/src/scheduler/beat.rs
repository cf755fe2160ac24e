//! A thread's sign of life: which actor has it now.

#[cfg(all(test, oxbeam_loom))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, oxbeam_loom)))]
use std::sync::atomic::{AtomicU64, Ordering};
use std::{
    num::NonZeroU64,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use crate::inspect::ActorId;

/// Bits for the count of turns; the rest hold the actor's number, 0 when none has the thread.
const TURN_BITS: u32 = 24;
const TURNS: u64 = (1 << TURN_BITS) - 1;

/// Actor and turn in one word, so that a reader never sees the actor of one turn with the count of
/// another. Written by its own thread only.
#[derive(Debug)]
pub(super) struct Beat(AtomicU64);

/// One word of a beat. Two equal ones, read at different times, mean one turn that took all the
/// time between: within a sampling period the count cannot come around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign(u64);

impl Sign {
    /// Who has the thread.
    pub(super) fn actor(self) -> Option<ActorId> {
        let actor = self.0 >> TURN_BITS;
        NonZeroU64::new(actor).map(ActorId)
    }
}

impl Beat {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn begin(&self, actor: ActorId) {
        let turn = self.0.load(Ordering::Relaxed).wrapping_add(1) & TURNS;
        self.0.store(actor.0.get() << TURN_BITS | turn, Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) & TURNS, Ordering::Relaxed);
    }

    pub(super) fn sign(&self) -> Sign {
        Sign(self.0.load(Ordering::Relaxed))
    }
}

/// The beats of all threads that have run an actor; those of ended threads go at the next look.
static BEATS: Mutex<Vec<Weak<Beat>>> = Mutex::new(Vec::new());

#[cfg(not(all(test, oxbeam_loom)))]
thread_local! {
    static BEAT: Arc<Beat> = {
        let beat = Arc::new(Beat::new());
        let mut beats = BEATS.lock();
        beats.retain(|beat| beat.strong_count() > 0);
        beats.push(Arc::downgrade(&beat));
        drop(beats);
        beat
    };
}

/// The beats of all threads that live.
pub(super) fn beats() -> Vec<Arc<Beat>> {
    let mut beats = BEATS.lock();
    beats.retain(|beat| beat.strong_count() > 0);
    beats.iter().filter_map(Weak::upgrade).collect()
}

/// While it lives, the thread belongs to an actor.
pub(crate) struct Busy(());

impl Busy {
    pub(crate) fn mark(actor: ActorId) -> Self {
        #[cfg(not(all(test, oxbeam_loom)))]
        BEAT.with(|beat| beat.begin(actor));
        #[cfg(all(test, oxbeam_loom))]
        let _ = actor;
        Self(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        #[cfg(not(all(test, oxbeam_loom)))]
        let _ = BEAT.try_with(|beat| beat.end());
    }
}

#[cfg(all(test, not(oxbeam_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_sign_changes_with_every_turn_and_names_the_actor_only_while_it_is_busy() {
        let beat = Beat::new();
        let seven = ActorId(NonZeroU64::new(7).unwrap());
        beat.begin(seven);
        let first = beat.sign();
        assert_eq!(first.actor(), Some(seven));
        beat.end();
        assert_eq!(beat.sign().actor(), None);
        beat.begin(seven);
        assert_ne!(beat.sign(), first, "another turn of the same actor");
    }
}

#[cfg(all(test, oxbeam_loom))]
mod loom_tests {
    use super::*;

    #[test]
    fn two_equal_signs_are_one_turn_whatever_the_interleaving() {
        loom::model(|| {
            let beat = loom::sync::Arc::new(Beat::new());
            let writer = beat.clone();
            let thread = loom::thread::spawn(move || {
                for actor in [1, 2] {
                    writer.begin(ActorId(NonZeroU64::new(actor).unwrap()));
                    writer.end();
                }
            });
            let sign = beat.sign();
            // Turn 1 is always actor 1's, turn 2 always actor 2's.
            if let Some(ActorId(actor)) = sign.actor() {
                assert_eq!(sign.0 & TURNS, actor.get());
            }
            thread.join().unwrap();
            assert_eq!(beat.sign().actor(), None);
        });
    }
}
