//! What differs between two messages, found without a look at what they share.

use std::cmp::Ordering;
use std::iter::Peekable;

use crate::message::Iter;
use crate::table::Table;
use crate::tree::Differences;
use crate::{Key, Message, Value};

/// A key whose value differs between two messages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change<'a> {
    /// The key.
    pub key: &'a Key,
    /// Its value before; none if it is new.
    pub before: Option<&'a Value>,
    /// Its value now; none if it is gone.
    pub after: Option<&'a Value>,
}

/// The keys whose values differ between two messages, in byte order.
pub(crate) enum Changes<'a> {
    /// There are none.
    None,
    /// Both are large, and likely to share most.
    Trees(Differences<'a>),
    Sorted(Peekable<Iter<'a>>, Peekable<Iter<'a>>),
}

impl<'a> Changes<'a> {
    pub(crate) fn new(before: &'a Message, after: &'a Message) -> Self {
        match (&*before.public, &*after.public) {
            _ if before.shares_with(after) => Self::None,
            (Table::Shared(before), Table::Shared(after)) => Self::Trees(before.differences(after)),
            _ => Self::Sorted(before.iter().peekable(), after.iter().peekable()),
        }
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Change<'a>> {
        match self {
            Self::None => None,
            Self::Trees(differences) => differences.next(),
            Self::Sorted(before, after) => next(before, after),
        }
    }
}

fn next<'a>(before: &mut Peekable<Iter<'a>>, after: &mut Peekable<Iter<'a>>) -> Option<Change<'a>> {
    loop {
        let order = match (before.peek(), after.peek()) {
            (Some((before, _)), Some((after, _))) => before.cmp(after),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let before = before.next_if(|_| order.is_le());
        let after = after.next_if(|_| order.is_ge());
        let (key, _) = before.or(after)?;
        let [before, after] = [before, after].map(|entry| entry.map(|(_, value)| value));
        if before != after {
            return Some(Change { key, before, after });
        }
    }
}
