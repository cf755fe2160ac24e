//! What the supervisor knows of one child.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::policy::Record;
use crate::{inspect::ActorId, owned::Owned};

pub(super) struct Entry<K> {
    pub(super) key: K,
    pub(super) owned: Owned,
    /// Boxed, and made at the first failure: most children have none.
    pub(super) record: Option<Box<Record>>,
    pub(super) stage: Stage,
    /// It is in the list of those asleep.
    pub(super) resting: bool,
    deadline: Option<Duration>,
}

/// What the supervisor waits for, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// That it runs; then it is killed.
    Starting,
    /// That a killed child is over, which did not start in time; then it is given up.
    Late,
    /// Nothing.
    Settled,
    /// That it ends, as it was asked to; then it is killed. It does not come back.
    Leaving,
    /// That it is over; then it is given up. It does not come back.
    Killed,
}

impl Stage {
    /// It does not come back when it has ended.
    pub(super) fn leaves(self) -> bool {
        matches!(self, Self::Leaving | Self::Killed)
    }
}

/// The children, and which of them is waited for until when. A child that goes takes its deadline
/// with it.
pub(super) struct Entries<K> {
    by_actor: HashMap<ActorId, Entry<K>>,
    deadlines: BTreeSet<(Duration, ActorId)>,
}

impl<K> Entries<K> {
    pub(super) fn new() -> Self {
        Self { by_actor: HashMap::new(), deadlines: BTreeSet::new() }
    }

    pub(super) fn add(&mut self, actor: ActorId, key: K, owned: Owned) {
        let stage = Stage::Settled;
        let entry = Entry { key, owned, record: None, stage, resting: false, deadline: None };
        self.by_actor.insert(actor, entry);
    }

    pub(super) fn get(&self, actor: ActorId) -> Option<&Entry<K>> {
        self.by_actor.get(&actor)
    }

    pub(super) fn get_mut(&mut self, actor: ActorId) -> Option<&mut Entry<K>> {
        self.by_actor.get_mut(&actor)
    }

    pub(super) fn stage(&self, actor: ActorId) -> Option<Stage> {
        self.get(actor).map(|entry| entry.stage)
    }

    /// Puts a child into a stage; without a deadline it may last.
    pub(super) fn enter(&mut self, actor: ActorId, stage: Stage, until: Option<Duration>) {
        let Some(entry) = self.by_actor.get_mut(&actor) else { return };
        if let Some(until) = entry.deadline.take() {
            self.deadlines.remove(&(until, actor));
        }
        entry.stage = stage;
        entry.deadline = until;
        if let Some(until) = until {
            self.deadlines.insert((until, actor));
        }
    }

    pub(super) fn remove(&mut self, actor: ActorId) -> Option<Entry<K>> {
        self.enter(actor, Stage::Settled, None);
        self.by_actor.remove(&actor)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    /// A child whose deadline has passed.
    pub(super) fn overdue(&self, now: Duration) -> Option<ActorId> {
        self.deadlines.first().filter(|(until, _)| *until <= now).map(|(_, actor)| *actor)
    }

    pub(super) fn actors(&self) -> Vec<ActorId> {
        self.by_actor.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_actor.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_actor.is_empty()
    }

    /// Ends them all.
    pub(super) fn clear(&mut self) {
        self.by_actor.clear();
        self.deadlines.clear();
    }
}
