//! Keys of a message: byte strings with a few prefixes and suffixes that mean something.
//!
//! Source: spec 01, sections 3, 5 and 9.

use std::borrow::{Borrow, Cow};
use std::fmt;

use bytes::Bytes;

/// What a key ends in when its value is the id of a message kept elsewhere.
pub const LINK_SUFFIX: &[u8] = b"+link";

/// Keys of processes, assignments, their results and their commitments, in byte order. Which they are
/// decides nothing but how much memory messages take.
const KNOWN: [&str; 39] = [
    "action",
    "alg",
    "ao-types",
    "at-slot",
    "authority",
    "block-hash",
    "block-height",
    "block-timestamp",
    "body",
    "bundle",
    "commitment-device",
    "commitments",
    "committed",
    "committer",
    "data",
    "data-protocol",
    "device",
    "epoch",
    "execution-device",
    "hash-chain",
    "initialized",
    "input-prefix",
    "keyid",
    "module",
    "name",
    "path",
    "process",
    "push-device",
    "results",
    "scheduler",
    "scheduler-device",
    "signature",
    "slot",
    "status",
    "tag",
    "target",
    "timestamp",
    "type",
    "variant",
];

/// A key: any bytes, case preserved, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key(Bytes);

impl Key {
    /// A key that is known when the program is written.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self(Bytes::from_static(name.as_bytes()))
    }

    /// A key of these bytes. One that nearly every message has costs no memory.
    #[must_use]
    pub fn copied(name: &[u8]) -> Self {
        match KNOWN.binary_search_by(|known| known.as_bytes().cmp(name)) {
            Ok(at) => KNOWN.get(at).map_or_else(Self::default, |known| Self::from_static(known)),
            Err(_) => Self(Bytes::copy_from_slice(name)),
        }
    }

    /// The key of a list's element: its number, counted from 1.
    #[must_use]
    pub fn number(number: usize) -> Self {
        Self(number.to_string().into())
    }

    /// Parts of a path, joined with `/`.
    #[must_use]
    pub fn joined<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
        let mut joined = Vec::new();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                joined.push(b'/');
            }
            joined.extend_from_slice(part.as_ref());
        }
        Self(joined.into())
    }

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key's bytes, shared.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// The key as text; bytes that are not UTF-8 are replaced. For messages to people.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether the key is private: it starts with `priv` and so never leaves the node.
    #[must_use]
    pub fn is_private(&self) -> bool {
        is_private(&self.0)
    }

    /// Whether the key has the length of an id or address, whatever it contains: 32, 42 or 43 bytes.
    #[must_use]
    pub fn is_id_like(&self) -> bool {
        matches!(self.0.len(), 32 | 42 | 43)
    }

    /// The key that this one links, if it ends in `+link`.
    #[must_use]
    pub fn without_link(&self) -> Option<Self> {
        let base = self.0.strip_suffix(LINK_SUFFIX)?;
        Some(Self(self.0.slice(..base.len())))
    }

    /// The key under which the id of this key's value is written.
    #[must_use]
    pub fn with_link(&self) -> Self {
        Self([&self.0, LINK_SUFFIX].concat().into())
    }
}

/// Whether a key of these bytes is private. Source: spec 01, section 5.
pub(crate) fn is_private(key: &[u8]) -> bool {
    key.starts_with(b"priv")
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Key {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Bytes> for Key {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Key {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<crate::Id> for Key {
    fn from(id: crate::Id) -> Self {
        Self(id.to_string().into())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_starts_with_priv_is_private() {
        for key in ["priv", "private", "priv_key", "privilege"] {
            assert!(Key::from(key).is_private(), "{key}");
        }
        for key in ["apriv", "PRIV", "pri", ""] {
            assert!(!Key::from(key).is_private(), "{key}");
        }
    }

    #[test]
    fn a_link_suffix_comes_and_goes() {
        let key = Key::from("child");
        assert_eq!(key.with_link(), "child+link");
        assert_eq!(key.with_link().without_link(), Some(key.clone()));
        assert_eq!(key.without_link(), None);
    }

    #[test]
    fn a_copied_key_is_the_key_whether_it_is_a_known_one_or_not() {
        assert!(KNOWN.is_sorted());
        for name in KNOWN.into_iter().chain(["", "zzz", "Device", "devic", "devices"]) {
            assert_eq!(Key::copied(name.as_bytes()), name);
        }
    }

    #[test]
    fn parts_join_with_slashes() {
        assert_eq!(Key::joined(["a", "b", "c"]), "a/b/c");
    }
}
