//! The latest crashes, grouped by what they have in common.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::Crash;

/// Crashes with one fingerprint.
#[derive(Debug, Clone)]
pub struct CrashGroup {
    /// What the crashes have in common.
    pub fingerprint: u64,
    /// How many there were.
    pub count: u64,
    /// When the first came, since the realm began.
    pub first: Duration,
    /// When the latest came, since the realm began.
    pub last: Duration,
    /// The latest of them.
    pub latest: Arc<Crash>,
}

/// A ring of crash groups; the group that was quiet the longest makes room for a new one.
#[derive(Debug)]
pub struct CrashLog {
    limit: usize,
    /// The group of the latest crash is at the back.
    groups: Mutex<VecDeque<CrashGroup>>,
}

impl CrashLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, groups: Mutex::default() }
    }

    pub(crate) fn record(&self, crash: Arc<Crash>, now: Duration) {
        let fingerprint = crash.fingerprint();
        let mut groups = self.groups.lock();
        let known = groups.iter().position(|group| group.fingerprint == fingerprint);
        let group = match known.and_then(|at| groups.remove(at)) {
            Some(group) => CrashGroup { count: group.count + 1, last: now, latest: crash, ..group },
            None => CrashGroup { fingerprint, count: 1, first: now, last: now, latest: crash },
        };
        if groups.len() >= self.limit {
            groups.pop_front();
        }
        groups.push_back(group);
    }

    /// The groups, the one with the latest crash first.
    #[must_use]
    pub fn groups(&self) -> Vec<CrashGroup> {
        self.groups.lock().iter().rev().cloned().collect()
    }
}
