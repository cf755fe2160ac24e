//! The entries of a tree in order, from both ends.

use super::{Link, Node, Tree};
use crate::{Key, Value};

/// The entries in byte order of their keys.
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    /// What comes next is the last; below each node, what is to its right comes after it.
    front: Vec<&'a Node>,
    /// The same in a mirror.
    back: Vec<&'a Node>,
    /// Entries that neither end has given yet.
    left: usize,
}

impl<'a> Iter<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        let (mut front, mut back) = (Vec::new(), Vec::new());
        descend(&mut front, &tree.root, |node| &node.left);
        descend(&mut back, &tree.root, |node| &node.right);
        Self { front, back, left: tree.len }
    }
}

/// Goes down one side.
fn descend<'a>(way: &mut Vec<&'a Node>, from: &'a Link, side: fn(&Node) -> &Link) {
    let mut at = from.as_deref();
    while let Some(node) = at {
        way.push(node);
        at = side(node).as_deref();
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Key, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let node = self.front.pop()?;
        descend(&mut self.front, &node.right, |node| &node.left);
        Some((&node.entry.0, &node.entry.1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let node = self.back.pop()?;
        descend(&mut self.back, &node.left, |node| &node.right);
        Some((&node.entry.0, &node.entry.1))
    }
}
