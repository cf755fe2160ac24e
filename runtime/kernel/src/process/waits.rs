//! Which processes wait for each other while they compute.
//!
//! A process that computes may ask for the state of another, which may ask for its own: nobody would
//! ever answer. So who would close such a circle is refused instead.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use oxbeam_protocol::Id;
use parking_lot::Mutex;

use crate::error::CallError;

/// One of the actors that compute a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    pub(crate) process: Id,
    /// The one that computes slots further back.
    pub(crate) past: bool,
}

/// Who waits for whom.
#[derive(Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<HashMap<Worker, Vec<Worker>>>>);

/// A wait; over when dropped.
pub(crate) struct Wait {
    waits: Waits,
    waiter: Worker,
    awaited: Worker,
}

impl Waits {
    /// Notes that one waits for another.
    ///
    /// # Errors
    /// [`CallError::Recursion`] if the other waits for the one already, be it through others.
    pub(crate) fn wait(&self, waiter: Worker, awaited: Worker) -> Result<Wait, CallError> {
        let mut waits = self.0.lock();
        let mut seen = vec![awaited];
        let mut at = 0;
        while let Some(worker) = seen.get(at).copied() {
            if worker == waiter {
                return Err(CallError::Recursion);
            }
            for next in waits.get(&worker).into_iter().flatten() {
                if !seen.contains(next) {
                    seen.push(*next);
                }
            }
            at += 1;
        }
        waits.entry(waiter).or_default().push(awaited);
        Ok(Wait { waits: self.clone(), waiter, awaited })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waits = self.waits.0.lock();
        let Some(awaited) = waits.get_mut(&self.waiter) else { return };
        if let Some(at) = awaited.iter().position(|one| *one == self.awaited) {
            awaited.swap_remove(at);
        }
        if awaited.is_empty() {
            waits.remove(&self.waiter);
        }
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(name: &str) -> Worker {
        Worker { process: Id::of(name.as_bytes()), past: false }
    }

    #[test]
    fn nobody_waits_for_himself_or_in_a_circle() {
        let waits = Waits::default();
        let [a, b, c] = ["a", "b", "c"].map(worker);
        assert!(waits.wait(a, a).is_err());
        let ab = waits.wait(a, b).unwrap();
        let _bc = waits.wait(b, c).unwrap();
        assert!(waits.wait(c, a).is_err());
        assert!(waits.wait(c, Worker { past: true, ..a }).is_ok());
        drop(ab);
        assert!(waits.wait(c, a).is_ok());
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let waits = Waits::default();
        let [a, b] = ["a", "b"].map(worker);
        let twice = (waits.wait(a, b).unwrap(), waits.wait(a, b).unwrap());
        drop(twice);
        assert!(waits.0.lock().is_empty());
    }
}
