//! The steps that a request is expanded to.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::PATH;
use super::entry::Entry;
use crate::{Key, Message, Value};

/// Keys that are computed anew where they are needed, and so are no part of a step.
const REGENERABLE: [&str; 2] = ["content-digest", "unsigned_id"];

/// One element of an expanded request. The first is the base, the others are applied in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The message of this id: 32, 42 or 43 bytes, in the text in which it was asked for.
    Id(Bytes),
    /// A message: the base, or a request whose `path` names a key.
    Request(Request),
    /// `path~device`: the value goes on as a message of this device, on which the request's
    /// `path`, if it has one, is resolved. Source: spec 05, section 3.4.
    As {
        /// The device's name.
        device: Bytes,
        /// The request, with the keys that the device's message gets.
        request: Request,
    },
    /// The result of a path of its own.
    SubPath(SubPath),
}

/// A path of its own within a request, expanded. Shared when cloned.
pub type SubPath = Arc<[Step]>;

/// A message some of whose values are still to be resolved.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// The keys whose values are known.
    pub message: Message,
    /// The keys whose values are results of sub-paths. None of them is in `message`: evaluate them
    /// and insert the results before the message is read or hashed.
    pub pending: BTreeMap<Key, SubPath>,
}

impl Request {
    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.message.len() + self.pending.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The path as text, if the request has one.
    #[must_use]
    pub fn path(&self) -> Option<&Bytes> {
        self.message.get_exact(PATH).and_then(Value::as_bytes)
    }

    /// Whether exactly this key is there.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        self.message.contains(key) || self.pending.contains_key(key)
    }

    /// Sets a key, whatever it was before. What no step may hold is ignored.
    pub(super) fn set(&mut self, key: Key, entry: Entry) {
        if key.is_private() || REGENERABLE.iter().any(|name| key == *name) {
            return;
        }
        match entry {
            Entry::Value(value) => {
                self.pending.remove(&key);
                self.message.insert(key, value);
            }
            Entry::SubPath(sub_path) => {
                self.message.remove(&key);
                self.pending.insert(key, sub_path);
            }
            Entry::Nothing => {
                self.pending.remove(&key);
                self.message.remove(&key);
            }
        }
    }
}

impl From<Message> for Request {
    fn from(message: Message) -> Self {
        Self { message, pending: BTreeMap::new() }
    }
}

impl From<Message> for Step {
    fn from(message: Message) -> Self {
        Self::Request(message.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_or_pending_but_never_both() {
        let mut request = Request::default();
        request.set("k".into(), Entry::Value("v".into()));
        request.set("k".into(), Entry::SubPath([].into()));
        assert!(request.message.is_empty() && request.pending.len() == 1);
        request.set("k".into(), Entry::Value("v".into()));
        assert!(request.message.len() == 1 && request.pending.is_empty());
        request.set("k".into(), Entry::Nothing);
        assert!(request.is_empty());
    }

    #[test]
    fn private_and_regenerable_keys_never_enter() {
        let mut request = Request::default();
        for key in ["priv", "private", "content-digest", "unsigned_id"] {
            request.set(key.into(), Entry::SubPath([].into()));
            request.set(key.into(), Entry::Value("v".into()));
        }
        assert!(request.is_empty());
    }
}
