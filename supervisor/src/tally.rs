//! How often what happened, by part of the tree.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::event::Happening;

/// Parts that are told apart; what happens in further ones is counted together.
const MAX_PARTS: usize = 64;
/// The name of the further ones.
const OTHERS: &str = "others";

/// What has happened in one part of the tree since the realm began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Lives that began.
    pub starts: u64,
    /// Lives that ended, or did not begin, and should not have: each is followed by a restart, a
    /// quarantine, or the failure of the supervisor.
    pub failures: u64,
    /// Panics.
    pub crashes: u64,
    /// Children that are kept from starting.
    pub quarantines: u64,
    /// Times that an actor held its thread for too long.
    pub stuck: u64,
}

impl Tally {
    fn count(&mut self, what: &Happening) {
        match what {
            Happening::Started => self.starts += 1,
            Happening::NotStarted { .. } => self.failures += 1,
            Happening::Exited { reason } if !reason.is_normal() => self.failures += 1,
            Happening::Crashed { .. } => self.crashes += 1,
            Happening::Quarantined { .. } => self.quarantines += 1,
            Happening::Stuck { .. } => self.stuck += 1,
            _ => {}
        }
    }
}

/// The tallies of all parts.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<BTreeMap<Box<str>, Tally>>);

impl Tallies {
    pub(crate) fn count(&self, path: &str, what: &Happening) {
        if matches!(what, Happening::Handled { .. } | Happening::Supervised(_)) {
            return;
        }
        let mut parts = self.0.lock();
        let mut part = part(path);
        if parts.len() >= MAX_PARTS && !parts.contains_key(part) {
            part = OTHERS;
        }
        match parts.get_mut(part) {
            Some(tally) => tally.count(what),
            None => parts.entry(part.into()).or_default().count(what),
        }
    }

    pub(crate) fn all(&self) -> Vec<(String, Tally)> {
        self.0.lock().iter().map(|(part, tally)| (part.to_string(), *tally)).collect()
    }
}

/// The part of the tree that a path leads into.
pub(crate) fn part(path: &str) -> &str {
    let mut names = path.split('/');
    let root = names.next().unwrap_or(path);
    names.next().unwrap_or(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_child_of_the_root_with_all_under_it() {
        let tallies = Tallies::default();
        for path in ["node", "node/store", "node/processes/a", "node/processes/b"] {
            tallies.count(path, &Happening::Started);
        }
        let starts: Vec<_> =
            tallies.all().into_iter().map(|(part, tally)| (part, tally.starts)).collect();
        let expected = [("node", 1), ("processes", 2), ("store", 1)];
        assert_eq!(starts, expected.map(|(part, starts)| (part.to_owned(), starts)));
    }

    #[test]
    fn there_are_only_so_many_parts() {
        let tallies = Tallies::default();
        for number in 0..1000 {
            tallies.count(&format!("root/{number}"), &Happening::Started);
        }
        let all = tallies.all();
        assert_eq!(all.len(), MAX_PARTS + 1);
        assert_eq!(all.iter().map(|(_, tally)| tally.starts).sum::<u64>(), 1000);
    }
}
