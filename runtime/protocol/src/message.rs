//! Messages: maps of values, shared when cloned, with a private part that never leaves the node.
//!
//! Source: spec 01, sections 3 to 5.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::{mem, vec};

use crate::changes::Changes;
use crate::private::{Handle, Private};
use crate::table::{self, Table};
use crate::{Change, Key, Value, order};

/// A map from keys to values.
///
/// Cloning shares the entries; writing to a shared message copies them first, one level deep, or of
/// many entries only the way to the one that is written. Keys that start with `priv` never enter the map: what a node keeps to itself about a message lies in
/// a private part, which no codec, comparison or iteration sees.
#[derive(Clone, Default)]
pub struct Message {
    pub(crate) public: Arc<Table>,
    pub(crate) private: Option<Arc<Private>>,
}

/// The entries of a message in canonical order.
pub type Entries<'a> = Vec<(&'a Key, &'a Value)>;

impl Message {
    /// A message without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key: exactly, or under the key in lower case. A private key has none.
    ///
    /// So a stored `foo` is found by `FOO`, a stored `Foo` only by `Foo`. Source: spec 01, section 3.2.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Value> {
        let key = key.as_ref();
        self.get_exact(key).or_else(|| {
            let folds = key.iter().any(u8::is_ascii_uppercase);
            folds.then(|| self.get_exact(key.to_ascii_lowercase())).flatten()
        })
    }

    /// The value of exactly this key.
    #[must_use]
    pub fn get_exact(&self, key: impl AsRef<[u8]>) -> Option<&Value> {
        self.public.get(key.as_ref())
    }

    /// Whether exactly this key is there.
    #[must_use]
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.get_exact(key).is_some()
    }

    /// Sets a key; the value that it had is returned. A private key is ignored, as every codec does.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        let key = key.into();
        if key.is_private() {
            return None;
        }
        Table::make_mut(&mut self.public).insert(key, value.into())
    }

    /// Removes exactly this key and returns its value.
    pub fn remove(&mut self, key: impl AsRef<[u8]>) -> Option<Value> {
        let key = key.as_ref();
        self.contains(key).then(|| Table::make_mut(&mut self.public).remove(key)).flatten()
    }

    /// The nested message under a key, made if there is none, to write to. `None` if the key is
    /// private or holds something else.
    pub fn child_mut(&mut self, key: &Key) -> Option<&mut Self> {
        if key.is_private() {
            return None;
        }
        let public = Table::make_mut(&mut self.public);
        match public.get_or_insert(key, || Value::Map(Self::new()))? {
            Value::Map(child) => Some(child),
            _ => None,
        }
    }

    /// The value of exactly this key, to write to.
    pub fn value_mut(&mut self, key: &Key) -> Option<&mut Value> {
        self.contains(key)
            .then(|| Table::make_mut(&mut self.public).get_mut(key.as_bytes()))
            .flatten()
    }

    /// Whether both share their entries, so that they are equal without a look at them. Messages
    /// that do not share may be equal too.
    #[must_use]
    pub fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.public, &other.public)
    }

    /// The keys whose values differ from those of `before`, in byte order. What the two share, one
    /// having been made from the other, is not looked at.
    pub fn changes_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = Change<'a>> {
        Changes::new(before, self)
    }

    /// The message with a key set: for building messages in one expression.
    #[must_use]
    pub fn with(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }

    /// The message without these keys.
    #[must_use]
    pub fn without(mut self, keys: &[&str]) -> Self {
        for key in keys {
            self.remove(key);
        }
        self
    }

    /// Keeps the entries that `keep` says yes to. A shared message that keeps all is not copied.
    pub fn retain(&mut self, mut keep: impl FnMut(&Key, &Value) -> bool) {
        if self.iter().any(|(key, value)| !keep(key, value)) {
            Table::make_mut(&mut self.public).retain(|key, value| keep(key, value));
        }
    }

    /// The entries in byte order of their keys.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.public.iter())
    }

    /// The keys in byte order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> + ExactSizeIterator + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// The entries in the order of enumeration: that of signature bases and headers.
    #[must_use]
    pub fn enumerate(&self) -> Entries<'_> {
        let mut entries: Entries<'_> = self.iter().collect();
        order::enumerate(&mut entries, |entry| entry.0);
        entries
    }

    /// The entries in ascending canonical order: that of JSON objects.
    #[must_use]
    pub fn ascending(&self) -> Entries<'_> {
        let mut entries: Entries<'_> = self.iter().collect();
        order::ascend(&mut entries, |entry| entry.0);
        entries
    }

    /// Number of public keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.public.len()
    }

    /// Whether there is no public key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A private entry, such as `hashpath`.
    #[must_use]
    pub fn private(&self, key: &str) -> Option<&Value> {
        self.private.as_ref()?.values.get(key.as_bytes())
    }

    /// Sets a private entry.
    pub fn set_private(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        let private = self.private.get_or_insert_default();
        Arc::make_mut(private).values.insert(key.into(), value.into());
    }

    /// Removes a private entry and returns it.
    pub fn remove_private(&mut self, key: &str) -> Option<Value> {
        self.private(key)?;
        Arc::make_mut(self.private.as_mut()?).values.remove(key.as_bytes())
    }

    /// What a device runs for this message, if it is of this type.
    #[must_use]
    pub fn handle<T: Any + Send + Sync>(&self, key: &str) -> Option<Arc<T>> {
        self.private.as_ref()?.handles.get(key.as_bytes())?.get()
    }

    /// Sets what a device runs for this message.
    pub fn set_handle<T: Any + Send + Sync>(&mut self, key: impl Into<Key>, held: Arc<T>) {
        let private = self.private.get_or_insert_default();
        Arc::make_mut(private).handles.insert(key.into(), Handle::new(held));
    }

    /// Forgets what a device runs for this message.
    pub fn remove_handle(&mut self, key: &str) {
        if let Some(private) = &mut self.private
            && private.handles.contains_key(key.as_bytes())
        {
            Arc::make_mut(private).handles.remove(key.as_bytes());
        }
    }

    /// Whether a device runs anything for this message.
    #[must_use]
    pub fn has_handles(&self) -> bool {
        self.private.as_ref().is_some_and(|private| !private.handles.is_empty())
    }

    /// The message without what devices run for it.
    #[must_use]
    pub fn without_handles(mut self) -> Self {
        if self.has_handles()
            && let Some(private) = &mut self.private
        {
            Arc::make_mut(private).handles.clear();
        }
        self
    }

    /// Gives the message the private part of another.
    #[must_use]
    pub fn with_private_of(mut self, other: &Self) -> Self {
        self.private.clone_from(&other.private);
        self
    }

    /// The message without its private part. Those of nested messages stay.
    #[must_use]
    pub fn without_private(mut self) -> Self {
        self.private = None;
        self
    }
}

/// Messages are equal when their public entries are.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.public, &other.public) || self.public == other.public
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Message {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        let public = entries.filter(|(key, _): &(Key, Value)| !key.is_private()).collect();
        Self { public: Arc::new(public), private: None }
    }
}

impl<K: Into<Key>, V: Into<Value>> Extend<(K, V)> for Message {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Into<Key>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Message {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Message {
    type Item = (&'a Key, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Message {
    type Item = (Key, Value);
    type IntoIter = vec::IntoIter<(Key, Value)>;

    fn into_iter(mut self) -> Self::IntoIter {
        Arc::unwrap_or_clone(mem::take(&mut self.public)).into_iter()
    }
}

/// The entries of a message in byte order of their keys.
#[derive(Clone)]
pub struct Iter<'a>(table::Iter<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Key, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

/// The private part is not shown: it may hold secrets.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup_is_exact_then_lower_case() {
        let message = Message::from([("foo", "1"), ("Bar", "2")]);
        for key in ["foo", "FOO", "Foo"] {
            assert_eq!(message.get(key), Some(&"1".into()), "{key}");
        }
        assert_eq!(message.get("Bar"), Some(&"2".into()));
        assert_eq!(message.get("bar"), None);
    }

    #[test]
    fn private_keys_never_enter() {
        let mut message = Message::from([("private", "x"), ("a", "1")]);
        message.insert("priv", "y");
        message.set_private("hashpath", "h");
        assert_eq!(message.get("priv"), None);
        assert_eq!(message.len(), 1);
        assert_eq!(message.private("hashpath"), Some(&"h".into()));
        assert!(!format!("{message:?}").contains("hashpath"));
    }

    #[test]
    fn what_is_run_for_a_message_goes_with_its_last_copy() {
        let held = Arc::new(5_u32);
        let mut message = Message::from([("a", "1")]);
        message.set_private("hashpath", "h");
        message.set_handle("instance", held.clone());
        assert_eq!(message.handle::<u32>("instance").as_deref(), Some(&5));
        assert!(message.handle::<u64>("instance").is_none());
        let copy = message.clone().without_handles();
        assert!(!copy.has_handles());
        assert_eq!(copy.private("hashpath"), Some(&"h".into()));
        let mut other = message.clone();
        other.remove_handle("instance");
        assert!(!other.has_handles() && message.has_handles());
        drop(message);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_write_to_a_clone_leaves_the_original() {
        let original = Message::from([("a", "1")]);
        let mut copy = original.clone();
        copy.insert("a", "2");
        assert_eq!(original.get("a"), Some(&"1".into()));
        assert_eq!(copy.remove("a"), Some("2".into()));
        assert_eq!(copy.remove("a"), None);
    }
}
