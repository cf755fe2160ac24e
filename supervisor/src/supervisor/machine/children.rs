//! The children in the order of their starts, each found in a step or two.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{Child, Key, Phase, Policy};

/// All children. Keys ascend in the order of first starts, so their order is the children's. A
/// phase changes here only, so the deadlines are always those of the phases.
#[derive(Debug, Default)]
pub(in crate::supervisor) struct Children {
    by_key: BTreeMap<Key, Child>,
    by_id: HashMap<Arc<str>, Key>,
    deadlines: BTreeSet<(Duration, Key)>,
}

impl Children {
    pub(super) fn add(&mut self, key: Key, policy: Policy) {
        self.by_id.insert(policy.id.clone(), key);
        self.by_key.insert(key, Child { key, policy, phase: Phase::Stopped });
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.enter(key, Phase::Stopped);
        if let Some(child) = self.by_key.remove(&key) {
            self.by_id.remove(&child.policy.id);
        }
    }

    pub(in crate::supervisor) fn get(&self, key: Key) -> Option<&Child> {
        self.by_key.get(&key)
    }

    pub(in crate::supervisor) fn find(&self, id: &str) -> Option<&Child> {
        self.by_id.get(id).and_then(|key| self.by_key.get(key))
    }

    pub(in crate::supervisor) fn iter(&self) -> impl DoubleEndedIterator<Item = &Child> {
        self.by_key.values()
    }

    /// This child and those after it.
    pub(super) fn from(&self, key: Key) -> impl DoubleEndedIterator<Item = &Child> {
        self.by_key.range(key..).map(|(_, child)| child)
    }

    /// Puts a child into another phase.
    pub(super) fn enter(&mut self, key: Key, phase: Phase) {
        let Some(child) = self.by_key.get_mut(&key) else { return };
        if let Some(until) = child.phase.deadline() {
            self.deadlines.remove(&(until, key));
        }
        child.phase = phase;
        if let Some(until) = child.phase.deadline() {
            self.deadlines.insert((until, key));
        }
    }

    /// The first deadline.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    /// The children whose deadlines have passed.
    pub(super) fn overdue(&self, now: Duration) -> Vec<Key> {
        self.deadlines.iter().take_while(|(until, _)| *until <= now).map(|(_, key)| *key).collect()
    }
}
