//! Large maps as trees whose copies share what they have in common.
//!
//! A treap: in the order of its keys from left to right, in the order of their ranks from the root
//! down. The rank is a hash of the key, so that the shape follows from the keys alone and not from
//! the order in which they came: of two trees that differ in few keys, one made from the other, all
//! but a few paths are the same nodes. The hash has a key of its own in every program, so that
//! nobody can choose keys that make the tree deep.
//!
//! Depth is some 2.9 times the logarithm of the size, so that recursion down to a leaf is bounded.
//!
//! Source: Seidel and Aragon, "Randomized Search Trees", 1996.

mod differences;
mod iter;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::{Arc, LazyLock};

use crate::{Key, Value};

pub(crate) use differences::Differences;
pub(crate) use iter::Iter;

/// An ordered map of which a copy costs nothing, and a write to a shared copy a few nodes.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    root: Link,
    len: usize,
}

type Link = Option<Arc<Node>>;

#[derive(Clone)]
struct Node {
    /// Apart from the node, which is copied whenever something below it is written to.
    entry: Arc<(Key, Value)>,
    rank: u64,
    left: Link,
    right: Link,
}

impl Node {
    fn new(key: Key, value: Value) -> Self {
        static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let rank = HASH.hash_one(key.as_bytes());
        Self { entry: Arc::new((key, value)), rank, left: None, right: None }
    }

    fn key(&self) -> &Key {
        &self.entry.0
    }

    /// Whether this node belongs above the other. Keys decide between equal ranks, or the shape
    /// would depend on the order of writes.
    fn outranks(&self, other: &Self) -> bool {
        (self.rank, self.key()) > (other.rank, other.key())
    }
}

impl Tree {
    /// The tree of entries in ascending order of their keys, each key once.
    pub(crate) fn from_sorted(entries: impl Iterator<Item = (Key, Value)>) -> Self {
        let mut len = 0;
        // The way down the right edge, each node still without what is to its right.
        let mut edge: Vec<Node> = Vec::new();
        for (key, value) in entries {
            let mut node = Node::new(key, value);
            while let Some(below) = edge.pop_if(|last| node.outranks(last)) {
                node.left = Some(Arc::new(Node { right: node.left.take(), ..below }));
            }
            edge.push(node);
            len += 1;
        }
        let root =
            edge.into_iter().rev().fold(None, |right, node| Some(Arc::new(Node { right, ..node })));
        Self { root, len }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Value> {
        let mut at = self.root.as_deref();
        while let Some(node) = at {
            at = match key.cmp(node.key().as_bytes()) {
                Ordering::Less => node.left.as_deref(),
                Ordering::Greater => node.right.as_deref(),
                Ordering::Equal => return Some(&node.entry.1),
            };
        }
        None
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Value> {
        // Nothing is copied for a key that is not there.
        self.get(key)?;
        let node = Arc::make_mut(place(&mut self.root, key).as_mut()?);
        Some(&mut Arc::make_mut(&mut node.entry).1)
    }

    /// Sets a key; the value that it had is returned.
    pub(crate) fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        if let Some(old) = self.get_mut(key.as_bytes()) {
            return Some(mem::replace(old, value));
        }
        self.len += 1;
        insert(&mut self.root, Node::new(key, value));
        None
    }

    /// Removes a key and returns its value.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Value> {
        self.get(key)?;
        let at = place(&mut self.root, key);
        let Node { entry, left, right, .. } = Arc::unwrap_or_clone(at.take()?);
        *at = merge(left, right);
        self.len -= 1;
        Some(Arc::unwrap_or_clone(entry).1)
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter::new(self)
    }

    /// The keys whose values differ, in order.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Differences<'a> {
        Differences::new(self, other)
    }

    /// Shows every value that nobody else has: those that go when the tree goes.
    pub(crate) fn for_each_owned(&mut self, mut visit: impl FnMut(&mut Value)) {
        for_each_owned(&mut self.root, &mut visit);
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.differences(other).next().is_none()
    }
}

/// Where a key that is there lies, with the way to it made one's own.
fn place<'a>(link: &'a mut Link, key: &[u8]) -> &'a mut Link {
    let order = link.as_ref().map(|node| key.cmp(node.key().as_bytes()));
    match (order, link) {
        (Some(Ordering::Less), Some(node)) => place(&mut Arc::make_mut(node).left, key),
        (Some(Ordering::Greater), Some(node)) => place(&mut Arc::make_mut(node).right, key),
        (_, link) => link,
    }
}

/// Puts a node with a new key below all that outrank it.
fn insert(link: &mut Link, mut new: Node) {
    match link {
        Some(node) if node.outranks(&new) => {
            let node = Arc::make_mut(node);
            let side = if new.key() < node.key() { &mut node.left } else { &mut node.right };
            insert(side, new);
        }
        link => {
            (new.left, new.right) = split(link.take(), new.key());
            *link = Some(Arc::new(new));
        }
    }
}

/// What lies before a key and what lies after it.
fn split(link: Link, key: &Key) -> (Link, Link) {
    let Some(mut top) = link else { return (None, None) };
    let node = Arc::make_mut(&mut top);
    if node.key() < key {
        let (before, after) = split(node.right.take(), key);
        node.right = before;
        (Some(top), after)
    } else {
        let (before, after) = split(node.left.take(), key);
        node.left = after;
        (before, Some(top))
    }
}

/// Both as one; all keys of the first lie before those of the second.
fn merge(first: Link, second: Link) -> Link {
    match (first, second) {
        (Some(mut first), Some(mut second)) => {
            if first.outranks(&second) {
                let node = Arc::make_mut(&mut first);
                node.right = merge(node.right.take(), Some(second));
                Some(first)
            } else {
                let node = Arc::make_mut(&mut second);
                node.left = merge(Some(first), node.left.take());
                Some(second)
            }
        }
        (first, second) => first.or(second),
    }
}

fn for_each_owned(link: &mut Link, visit: &mut impl FnMut(&mut Value)) {
    let Some(node) = link.as_mut().and_then(Arc::get_mut) else { return };
    if let Some((_, value)) = Arc::get_mut(&mut node.entry) {
        visit(value);
    }
    for_each_owned(&mut node.left, visit);
    for_each_owned(&mut node.right, visit);
}
