//! The entries of a message in memory: a B-tree, or a tree that shares what copies have in common.
//!
//! Nearly all messages have a few keys, and a B-tree is the smallest and fastest way to hold them. The
//! state of a process may have a hundred thousand, of which each slot changes a few while others
//! hold the state before: copied whole, every slot would cost as much as the state is large. So a
//! map becomes a [`Tree`] when it is large and about to be copied, and never before.

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;
use std::vec;

use crate::tree::{self, Tree};
use crate::{Key, Value};

/// Most entries that are copied rather than shared: up to here a copy costs less than a tree.
const MAX_COPIED: usize = 256;

/// The entries of a message.
#[derive(Clone)]
pub(crate) enum Table {
    /// Of any size; copied whole.
    Sorted(BTreeMap<Key, Value>),
    /// Copied for nothing.
    Shared(Tree),
}

impl Default for Table {
    fn default() -> Self {
        Self::Sorted(BTreeMap::new())
    }
}

impl Table {
    /// The entries, to write to: of one's own if somebody else has them too.
    pub(crate) fn make_mut(table: &mut Arc<Self>) -> &mut Self {
        if let Self::Sorted(map) = &**table
            && map.len() > MAX_COPIED
            && Arc::strong_count(table) > 1
        {
            let entries = map.iter().map(|(key, value)| (key.clone(), value.clone()));
            *table = Arc::new(Self::Shared(Tree::from_sorted(entries)));
        }
        Arc::make_mut(table)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sorted(map) => map.len(),
            Self::Shared(tree) => tree.len(),
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Value> {
        match self {
            Self::Sorted(map) => map.get(key),
            Self::Shared(tree) => tree.get(key),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Value> {
        match self {
            Self::Sorted(map) => map.get_mut(key),
            Self::Shared(tree) => tree.get_mut(key),
        }
    }

    /// The value of a key, which is made if there is none.
    pub(crate) fn get_or_insert(
        &mut self,
        key: &Key,
        make: impl FnOnce() -> Value,
    ) -> Option<&mut Value> {
        match self {
            Self::Sorted(map) => Some(map.entry(key.clone()).or_insert_with(make)),
            Self::Shared(tree) => {
                if tree.get(key.as_bytes()).is_none() {
                    tree.insert(key.clone(), make());
                }
                tree.get_mut(key.as_bytes())
            }
        }
    }

    pub(crate) fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        match self {
            Self::Sorted(map) => map.insert(key, value),
            Self::Shared(tree) => tree.insert(key, value),
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Value> {
        match self {
            Self::Sorted(map) => map.remove(key),
            Self::Shared(tree) => tree.remove(key),
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Key, &Value) -> bool) {
        match self {
            Self::Sorted(map) => map.retain(|key, value| keep(key, value)),
            Self::Shared(tree) => {
                let gone = tree.iter().filter(|(key, value)| !keep(key, value));
                let gone: Vec<Key> = gone.map(|(key, _)| key.clone()).collect();
                gone.iter().for_each(|key| drop(tree.remove(key.as_bytes())));
            }
        }
    }

    /// Shows every value that nobody else has: those that go when the entries go.
    pub(crate) fn for_each_owned(&mut self, mut visit: impl FnMut(&mut Value)) {
        match self {
            Self::Sorted(map) => map.values_mut().for_each(visit),
            Self::Shared(tree) => tree.for_each_owned(&mut visit),
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        match self {
            Self::Sorted(map) => Iter::Sorted(map.iter()),
            Self::Shared(tree) => Iter::Shared(tree.iter()),
        }
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sorted(one), Self::Sorted(other)) => one == other,
            (Self::Shared(one), Self::Shared(other)) => one == other,
            (one, other) => one.len() == other.len() && one.iter().eq(other.iter()),
        }
    }
}

impl FromIterator<(Key, Value)> for Table {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Self {
        Self::Sorted(entries.into_iter().collect())
    }
}

impl IntoIterator for Table {
    type Item = (Key, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        match self {
            Self::Sorted(map) => IntoIter::Sorted(map.into_iter()),
            Self::Shared(tree) => {
                let entries = tree.iter().map(|(key, value)| (key.clone(), value.clone()));
                IntoIter::Shared(entries.collect::<Vec<_>>().into_iter())
            }
        }
    }
}

/// Entries in byte order of their keys.
#[derive(Clone)]
pub(crate) enum Iter<'a> {
    Sorted(btree_map::Iter<'a, Key, Value>),
    Shared(tree::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Key, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Sorted(entries) => entries.next(),
            Self::Shared(entries) => entries.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Sorted(entries) => entries.size_hint(),
            Self::Shared(entries) => entries.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Sorted(entries) => entries.next_back(),
            Self::Shared(entries) => entries.next_back(),
        }
    }
}

/// Entries of one's own in byte order of their keys.
pub(crate) enum IntoIter {
    Sorted(btree_map::IntoIter<Key, Value>),
    Shared(vec::IntoIter<(Key, Value)>),
}

impl Iterator for IntoIter {
    type Item = (Key, Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Sorted(entries) => entries.next(),
            Self::Shared(entries) => entries.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Sorted(entries) => entries.size_hint(),
            Self::Shared(entries) => entries.size_hint(),
        }
    }
}
