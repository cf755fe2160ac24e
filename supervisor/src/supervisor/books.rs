//! Whom a supervisor has: specs by their keys, and the actors of those that have one.

use std::collections::HashMap;

use super::machine::Key;
use crate::{actor_ref::ActorRef, inspect::ActorId, owned::Owned, spec::ChildSpec};

/// A child's spec, and its actor while it has one.
pub(super) struct Entry {
    pub(super) spec: ChildSpec,
    owned: Option<Owned>,
}

impl Entry {
    pub(super) fn actor(&self) -> Option<ActorRef> {
        self.owned.as_ref().map(|owned| owned.0.clone())
    }
}

/// All children of a supervisor. What it drops ends.
#[derive(Default)]
pub(super) struct Books {
    entries: HashMap<Key, Entry>,
    by_actor: HashMap<ActorId, Key>,
}

impl Books {
    pub(super) fn add(&mut self, key: Key, spec: ChildSpec) {
        self.entries.insert(key, Entry { spec, owned: None });
    }

    pub(super) fn forget(&mut self, key: Key) {
        drop(self.release(key));
        self.entries.remove(&key);
    }

    pub(super) fn get(&self, key: Key) -> Option<&Entry> {
        self.entries.get(&key)
    }

    pub(super) fn actor(&self, key: Key) -> Option<ActorRef> {
        self.get(key)?.actor()
    }

    pub(super) fn key(&self, actor: ActorId) -> Option<Key> {
        self.by_actor.get(&actor).copied()
    }

    /// Notes the actor that a child has from now on.
    pub(super) fn hold(&mut self, key: Key, actor: ActorRef) {
        self.by_actor.insert(actor.id(), key);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.owned = Some(Owned(actor));
        }
    }

    /// Takes the child's actor out of the books: nothing more is heard of it.
    pub(super) fn release(&mut self, key: Key) -> Option<Owned> {
        let owned = self.entries.get_mut(&key)?.owned.take()?;
        self.by_actor.remove(&owned.0.id());
        Some(owned)
    }
}
