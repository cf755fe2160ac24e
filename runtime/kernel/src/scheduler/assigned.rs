//! Assignments that this life of the node has given out: what is in them was verified before, and they
//! were signed here.
//!
//! A slot is mostly computed soon after it was given out, from what the log says of it. If these are
//! the bytes that went into the log, no signature in them has to be verified once more.

use std::collections::{HashSet, VecDeque};
use std::fmt;

use oxbeam_protocol::Id;
use parking_lot::Mutex;

/// Assignments that are remembered: some two megabytes of hashes. Older ones are verified.
const REMEMBERED: usize = 1 << 14;

/// The SHA-256 of the records of assignments, the latest of them.
#[derive(Default)]
pub(crate) struct Assigned(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    records: HashSet<Id>,
    in_order: VecDeque<Id>,
}

impl Assigned {
    /// Remembers an assignment by the hash of its record.
    pub(crate) fn note(&self, record: Id) {
        let mut remembered = self.0.lock();
        if !remembered.records.insert(record) {
            return;
        }
        remembered.in_order.push_back(record);
        if remembered.in_order.len() > REMEMBERED
            && let Some(oldest) = remembered.in_order.pop_front()
        {
            remembered.records.remove(&oldest);
        }
    }

    /// Whether this is, byte for byte, the record of an assignment that was given out.
    pub(crate) fn has(&self, record: &[u8]) -> bool {
        let record = Id::of(record);
        self.0.lock().records.contains(&record)
    }
}

impl fmt::Debug for Assigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remembered = self.0.lock().in_order.len();
        f.debug_struct("Assigned").field("remembered", &remembered).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_nothing_like_them() {
        let assigned = Assigned::default();
        let record = |number: usize| number.to_string().into_bytes();
        for number in 0..=REMEMBERED {
            assigned.note(Id::of(&record(number)));
            assigned.note(Id::of(&record(number)));
        }
        assert!(!assigned.has(&record(0)), "the oldest made room");
        assert!(assigned.has(&record(1)) && assigned.has(&record(REMEMBERED)));
        assert!(!assigned.has(b"x"));
        assert_eq!(assigned.0.lock().records.len(), REMEMBERED);
    }
}
