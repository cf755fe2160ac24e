//! `flat@1.0`: nested messages as one level of `/` paths, and the text form of configuration files.
//!
//! Source: spec 02, section 6.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{DecodeError, EncodeError, Links, Structured};
use crate::commitment::COMMITMENTS;
use crate::key::is_private;
use crate::limits::{MAX_DEPTH, MAX_KEY_LENGTH, MAX_PARTS, MAX_SIZE, MAX_VALUES};
use crate::{Key, Message, Value};

/// What the network's first runtime calls the path of no bytes when it reads it.
const EMPTY_PATH: Key = Key::from_static("undefined");

/// The codec between a message's written form (TABM) and paths.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flat;

impl Flat {
    /// Writes a TABM as one level of paths. Empty maps vanish.
    ///
    /// # Errors
    /// A message that is nested too deep, too large with all of its paths, or not in written form.
    pub fn encode(tabm: &Message) -> Result<BTreeMap<Key, Bytes>, EncodeError> {
        let mut paths = Paths::default();
        paths.flatten(&Key::default(), tabm, 1)?;
        Ok(paths.values)
    }

    /// Reads one level of paths as a TABM.
    ///
    /// # Errors
    /// A path without a name, or one that is both a value and a parent.
    pub fn decode(paths: &BTreeMap<Key, Bytes>) -> Result<Message, DecodeError> {
        nest(paths.iter().map(|(key, value)| (key.clone(), value.clone().into())))
    }

    /// Writes a message as lines `path: value`, sorted.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_text(message: &Value, links: Links<'_>) -> Result<Bytes, EncodeError> {
        let Value::Map(tabm) = (Structured { links }).encode(message)? else {
            return Err(EncodeError::Unsupported("a byte string has no paths"));
        };
        let mut text = Vec::new();
        for (path, value) in Self::encode(&tabm)? {
            text.extend_from_slice(path.as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(&value);
            text.push(b'\n');
        }
        Ok(text.into())
    }

    /// Reads lines `path: value`, types applied. A line with no separator, or with more than one, is
    /// ignored.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), types that do not fit, and a text past [`MAX_SIZE`].
    pub fn decode_text(text: &Bytes) -> Result<Value, DecodeError> {
        if text.len() > MAX_SIZE {
            return Err(DecodeError::TooLarge { size: text.len() });
        }
        let pair = |line: &[u8]| {
            let at = memchr::memmem::find(line, b": ")?;
            let (path, value) = (line.get(..at)?, line.get(at + 2..)?);
            let single = memchr::memmem::find(value, b": ").is_none();
            single.then(|| (text.slice_ref(path).into(), text.slice_ref(value)))
        };
        let paths = text.split(|byte| *byte == b'\n').filter_map(pair).collect();
        Structured::decode(&Self::decode(&paths)?.into())
    }
}

/// Values by their paths.
#[derive(Default)]
struct Paths {
    values: BTreeMap<Key, Bytes>,
    /// How many bytes both take. Paths repeat the names of all parents.
    size: usize,
}

impl Paths {
    fn flatten(&mut self, parent: &Key, tabm: &Message, depth: usize) -> Result<(), EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        for (key, value) in tabm.iter().filter(|(key, _)| **key != COMMITMENTS) {
            let path = Key::joined(components(parent).chain(components(key)));
            match value {
                Value::Bytes(bytes) => self.insert(path, bytes.clone())?,
                Value::Map(map) => self.flatten(&path, map, depth + 1)?,
                _ => {
                    return Err(EncodeError::Unwritable {
                        key: path,
                        reason: "it is not in written form",
                    });
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: Key, value: Bytes) -> Result<(), EncodeError> {
        self.size = self.size.saturating_add(path.as_bytes().len() + value.len());
        if self.size > MAX_SIZE {
            return Err(EncodeError::TooLarge { size: self.size });
        }
        self.values.insert(path, value);
        Ok(())
    }
}

/// The names that a path consists of; empty ones do not count.
pub(crate) fn components(path: &Key) -> impl Iterator<Item = &[u8]> {
    path.as_bytes().split(|byte| *byte == b'/').filter(|component| !component.is_empty())
}

/// Nests values by their paths, those of a parent before those of its children.
pub(super) fn nest(paths: impl IntoIterator<Item = (Key, Value)>) -> Result<Message, DecodeError> {
    let mut root = Message::new();
    let (mut values, mut nested) = (0, 0);
    for (path, value) in paths {
        if path.as_bytes().len() > MAX_KEY_LENGTH {
            return Err(DecodeError::KeyTooLong { length: path.as_bytes().len() });
        }
        values += components(&path).count();
        if values > MAX_VALUES {
            return Err(DecodeError::TooManyValues);
        }
        nested += place(&mut root, &path, value)?;
        if nested > MAX_PARTS {
            return Err(DecodeError::TooManyParts);
        }
    }
    Ok(root)
}

/// Puts a value at its path, and answers how many messages had to be made for it.
fn place(root: &mut Message, path: &Key, value: Value) -> Result<usize, DecodeError> {
    if path.as_bytes().is_empty() {
        return place(root, &EMPTY_PATH, value);
    }
    let names: Vec<&[u8]> = components(path).collect();
    let Some((last, parents)) = names.split_last() else {
        return Err(DecodeError::NotAMessage("a path without a name"));
    };
    if names.len() > MAX_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    if names.iter().any(|name| is_private(name)) {
        return Ok(0);
    }
    let shared = path.to_bytes();
    let conflict = || DecodeError::Conflict { key: path.clone() };
    let mut made = 0;
    let mut map = root;
    for name in parents {
        let name = Key::from(shared.slice_ref(name));
        made += usize::from(!map.contains(&name));
        map = map.child_mut(&name).ok_or_else(conflict)?;
    }
    let key = Key::from(shared.slice_ref(last));
    match (map.get_exact(&key), value) {
        (Some(Value::Map(_)), Value::Map(more)) => {
            map.child_mut(&key).ok_or_else(conflict)?.extend(more);
        }
        (Some(Value::Map(_)), _) => return Err(conflict()),
        (_, value) => drop(map.insert(key, value)),
    }
    Ok(made)
}
