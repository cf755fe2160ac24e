//! The entries of a message in memory: sorted in one piece, or a tree that shares what copies have in
//! common.
//!
//! Nearly all messages have a few keys and stay in memory as they were made, and nothing is smaller
//! than the entries themselves, one behind another. The state of a process may have a hundred
//! thousand, of which each slot changes a few while others hold the state before: moved or copied
//! whole, every slot would cost as much as the state is large. So what is large becomes a [`Tree`]
//! when it is about to be copied, or gets or loses a key elsewhere than at its end, and never before.

use std::sync::Arc;
use std::{mem, slice, vec};

use crate::tree::{self, Tree};
use crate::{Key, Value};

/// Most entries that are moved or copied rather than shared: up to here that costs less than a tree.
const MAX_COPIED: usize = 256;

/// The entries of a message.
#[derive(Clone)]
pub(crate) enum Table {
    /// In byte order of their keys, each key once. Of any size; copied whole.
    Sorted(Vec<Entry>),
    /// Copied for nothing.
    Shared(Tree),
}

type Entry = (Key, Value);

impl Default for Table {
    fn default() -> Self {
        Self::Sorted(Vec::new())
    }
}

impl Table {
    /// The entries, to write to: of one's own if somebody else has them too.
    pub(crate) fn make_mut(table: &mut Arc<Self>) -> &mut Self {
        if let Self::Sorted(entries) = &**table
            && entries.len() > MAX_COPIED
            && Arc::strong_count(table) > 1
        {
            *table = Arc::new(Self::Shared(Tree::from_sorted(entries.iter().cloned())));
        }
        Arc::make_mut(table)
    }

    /// Changes the entries as a tree, which they stay.
    fn as_tree<T>(&mut self, change: impl FnOnce(&mut Tree) -> T) -> T {
        let mut tree = match mem::take(self) {
            Self::Sorted(entries) => Tree::from_sorted(entries.into_iter()),
            Self::Shared(tree) => tree,
        };
        let changed = change(&mut tree);
        *self = Self::Shared(tree);
        changed
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sorted(entries) => entries.len(),
            Self::Shared(tree) => tree.len(),
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Value> {
        match self {
            Self::Sorted(entries) => Some(&entries.get(place(entries, key).ok()?)?.1),
            Self::Shared(tree) => tree.get(key),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Value> {
        match self {
            Self::Sorted(entries) => {
                let at = place(entries, key).ok()?;
                Some(&mut entries.get_mut(at)?.1)
            }
            Self::Shared(tree) => tree.get_mut(key),
        }
    }

    /// The value of a key, which is made if there is none.
    pub(crate) fn get_or_insert(
        &mut self,
        key: &Key,
        make: impl FnOnce() -> Value,
    ) -> Option<&mut Value> {
        if self.get(key.as_bytes()).is_none() {
            self.insert(key.clone(), make());
        }
        self.get_mut(key.as_bytes())
    }

    pub(crate) fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        if let Self::Sorted(entries) = self {
            match place(entries, key.as_bytes()) {
                Ok(at) => {
                    let entry = entries.get_mut(at)?;
                    return Some(mem::replace(&mut entry.1, value));
                }
                Err(at) if at == entries.len() || entries.len() <= MAX_COPIED => {
                    make_room(entries);
                    entries.insert(at, (key, value));
                    return None;
                }
                Err(_) => {}
            }
        }
        self.as_tree(|tree| tree.insert(key, value))
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Value> {
        if let Self::Sorted(entries) = self {
            let at = place(entries, key).ok()?;
            if entries.len() <= MAX_COPIED {
                return Some(entries.remove(at).1);
            }
        }
        self.as_tree(|tree| tree.remove(key))
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Key, &Value) -> bool) {
        match self {
            Self::Sorted(entries) => entries.retain(|(key, value)| keep(key, value)),
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
            Self::Sorted(entries) => entries.iter_mut().for_each(|(_, value)| visit(value)),
            Self::Shared(tree) => tree.for_each_owned(&mut visit),
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        match self {
            Self::Sorted(entries) => Iter::Sorted(entries.iter()),
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

/// Of two entries with one key the later one stays.
impl FromIterator<Entry> for Table {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.dedup_by(|later, stays| {
            let same = later.0 == stays.0;
            if same {
                mem::swap(later, stays);
            }
            same
        });
        entries.shrink_to_fit();
        Self::Sorted(entries)
    }
}

/// Where a key is among the entries, or where it would be.
fn place(entries: &[Entry], key: &[u8]) -> Result<usize, usize> {
    // Most messages are built in order.
    match entries.last() {
        Some((last, _)) if last.as_bytes() < key => Err(entries.len()),
        _ => entries.binary_search_by(|(other, _)| other.as_bytes().cmp(key)),
    }
}

/// Makes room for one more, and little besides: most messages never get another.
fn make_room(entries: &mut Vec<Entry>) {
    if entries.len() == entries.capacity() {
        entries.reserve_exact(entries.len() / 4 + 2);
    }
}

impl IntoIterator for Table {
    type Item = Entry;
    type IntoIter = vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::Sorted(entries) => entries.into_iter(),
            Self::Shared(tree) => {
                let entries = tree.iter().map(|(key, value)| (key.clone(), value.clone()));
                entries.collect::<Vec<_>>().into_iter()
            }
        }
    }
}

/// Entries in byte order of their keys.
#[derive(Clone)]
pub(crate) enum Iter<'a> {
    Sorted(slice::Iter<'a, Entry>),
    Shared(tree::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Key, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Sorted(entries) => entries.next().map(|(key, value)| (key, value)),
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
            Self::Sorted(entries) => entries.next_back().map(|(key, value)| (key, value)),
            Self::Shared(entries) => entries.next_back(),
        }
    }
}
