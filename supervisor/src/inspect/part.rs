//! The tree by its parts: each child of a root, with all that is under it.

use std::{collections::BTreeMap, time::Duration};

use super::{Row, State};

/// One part of the tree, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Actors.
    pub actors: u64,
    /// Those that ended too often and wait for somebody to resume them.
    pub quarantined: u64,
    /// Those that ended and start again after a while.
    pub backoff: u64,
    /// Those that keep their messages waiting by order.
    pub suspended: u64,
    /// Messages that wait.
    pub queued: usize,
    /// How long the message that has waited longest has.
    pub oldest: Duration,
}

impl Part {
    fn add(&mut self, row: &Row) {
        self.actors += 1;
        self.quarantined += u64::from(row.state == State::Quarantined);
        self.backoff += u64::from(row.state == State::Backoff);
        self.suspended += u64::from(row.state == State::Suspended);
        self.queued += row.queued;
        self.oldest = self.oldest.max(row.oldest.unwrap_or_default());
    }
}

/// Adds rows up by the parts that they are in.
pub(crate) fn parts<'a>(rows: impl IntoIterator<Item = &'a Row>) -> BTreeMap<String, Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for row in rows {
        let name = crate::tally::part(&row.about.path);
        match parts.get_mut(name) {
            Some(part) => part.add(row),
            None => parts.entry(name.to_owned()).or_default().add(row),
        }
    }
    parts
}
