//! What differs between two trees, without a look at what they share.

use std::cmp::Ordering;
use std::ptr;
use std::sync::Arc;

use super::{Node, Tree};
use crate::Change;

/// The keys whose values differ, in byte order.
///
/// Both trees are walked at the same time. The higher of two nodes is always opened first, and the
/// ranks of the keys are the same in both: so what they share is met at the same time, and passed by.
pub(crate) struct Differences<'a> {
    /// What is still to come, the next last.
    first: Vec<Part<'a>>,
    second: Vec<Part<'a>>,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    /// A node and all below it.
    All(&'a Node),
    /// The entry of a node.
    Entry(&'a Node),
}

impl<'a> Differences<'a> {
    pub(super) fn new(first: &'a Tree, second: &'a Tree) -> Self {
        let start = |tree: &'a Tree| tree.root.as_deref().map(Part::All).into_iter().collect();
        Self { first: start(first), second: start(second) }
    }

    /// Passes by the next entries; answers with what they differ in.
    fn entries(&mut self, first: Option<&'a Node>, second: Option<&'a Node>) -> Option<Change<'a>> {
        let order = match (first, second) {
            (Some(first), Some(second)) => first.key().cmp(second.key()),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let first = first.filter(|_| order.is_le());
        let second = second.filter(|_| order.is_ge());
        if first.is_some() {
            self.first.pop();
        }
        if second.is_some() {
            self.second.pop();
        }
        let key = first.or(second)?.key();
        let is_same = first.zip(second).is_some_and(|(first, second)| {
            Arc::ptr_eq(&first.entry, &second.entry) || first.entry.1 == second.entry.1
        });
        let [before, after] = [first, second].map(|node| node.map(|node| &node.entry.1));
        (!is_same).then_some(Change { key, before, after })
    }
}

/// Puts the parts of the last part in its place.
fn open(parts: &mut Vec<Part<'_>>) {
    if let Some(Part::All(node)) = parts.pop() {
        parts.extend(node.right.as_deref().map(Part::All));
        parts.push(Part::Entry(node));
        parts.extend(node.left.as_deref().map(Part::All));
    }
}

impl<'a> Iterator for Differences<'a> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Change<'a>> {
        use Part::{All, Entry};
        loop {
            match (self.first.last().copied(), self.second.last().copied()) {
                (None, None) => return None,
                (Some(All(first)), Some(All(second))) => {
                    if ptr::eq(first, second) {
                        self.first.pop();
                        self.second.pop();
                        continue;
                    }
                    if !second.outranks(first) {
                        open(&mut self.first);
                    }
                    if !first.outranks(second) {
                        open(&mut self.second);
                    }
                }
                (Some(All(_)), _) => open(&mut self.first),
                (_, Some(All(_))) => open(&mut self.second),
                (first, second) => {
                    let node = |part| match part {
                        Entry(node) | All(node) => node,
                    };
                    if let Some(change) = self.entries(first.map(node), second.map(node)) {
                        return Some(change);
                    }
                }
            }
        }
    }
}
