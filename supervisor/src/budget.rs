//! A shared allowance: how many messages may wait in the whole realm.

#[cfg(all(test, oxbeam_loom))]
use loom::sync::atomic::{AtomicUsize, Ordering};
#[cfg(not(all(test, oxbeam_loom)))]
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is in use and refuses what would go over the limit. Lock-free; checked by loom.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    /// Takes one unit if one is left.
    pub(crate) fn take(&self) -> bool {
        // Relaxed: the count guards no other memory, the queue's lock does.
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < self.limit).then_some(used + 1)
            })
            .is_ok()
    }

    /// Gives back `units` that were taken.
    pub(crate) fn give_back(&self, units: usize) {
        self.used.fetch_sub(units, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(oxbeam_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_budget_refuses_what_goes_over_its_limit_and_gives_again_what_came_back() {
        let budget = Budget::new(2);
        assert!(budget.take() && budget.take());
        assert!(!budget.take());
        budget.give_back(1);
        assert!(budget.take());
        assert_eq!(budget.used(), 2);
    }
}

#[cfg(all(test, oxbeam_loom))]
mod loom_tests {
    use loom::{sync::Arc, thread};

    use super::*;

    #[test]
    fn no_interleaving_takes_more_than_the_limit_or_loses_a_unit() {
        loom::model(|| {
            let budget = Arc::new(Budget::new(1));
            let held = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (budget, held) = (budget.clone(), held.clone());
                    thread::spawn(move || {
                        if budget.take() {
                            assert_eq!(held.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                            held.fetch_sub(1, Ordering::SeqCst);
                            budget.give_back(1);
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(budget.used(), 0);
        });
    }
}
