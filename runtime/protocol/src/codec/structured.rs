//! `structured@1.0`: typed values as bytes with `ao-types` beside them, and back.
//!
//! The written form ("TABM") is a message whose values are only byte strings and maps of the same
//! kind; every other codec starts from it. `commitments` pass through as they are. Source: spec 01,
//! sections 7 to 11.

use std::cell::Cell;
use std::fmt;

use super::types::{self, AO_TYPES, Kind, LIST_MARK, Types};
use super::{DecodeError, EncodeError, scalar};
use crate::commitment::{COMMITMENTS, ids};
use crate::limits::{MAX_DEPTH, MAX_PARTS, MAX_SIZE};
use crate::{Content, Key, Link, List, Message, NoContent, Value};

/// Keys that are computed anew where they are needed, and so are not written.
const REGENERABLE: [&str; 2] = ["content-digest", "unsigned_id"];

/// What becomes of nested messages when a message is written. Source: spec 01, section 9.2.
#[derive(Clone, Copy)]
pub enum Links<'a> {
    /// They are kept in the store, and their ids written. A message from outside must have come out of
    /// [`authenticate`](crate::commitment::authenticate): it is kept under the ids of its commitments.
    Offload(&'a dyn Content),
    /// Their ids are written.
    Discard,
    /// They are written in place; those that are links are read from the store first.
    Embed(&'a dyn Content),
}

impl<'a> Links<'a> {
    /// The store that goes with them, or an empty one.
    pub(crate) const fn content(self) -> &'a dyn Content {
        match self {
            Self::Offload(content) | Self::Embed(content) => content,
            Self::Discard => &NoContent,
        }
    }
}

impl fmt::Debug for Links<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offload(_) => "Offload",
            Self::Discard => "Discard",
            Self::Embed(_) => "Embed",
        })
    }
}

/// The codec between rich values and TABM.
#[derive(Debug, Clone, Copy)]
pub struct Structured<'a> {
    /// What becomes of nested messages.
    pub links: Links<'a>,
}

impl Structured<'_> {
    /// Writes a value as TABM: byte strings as they are, lists and maps as maps.
    ///
    /// # Errors
    /// A value nested too deep or holding too many messages, one that must be embedded and is not
    /// there, or a store that fails.
    pub fn encode(&self, value: &Value) -> Result<Value, EncodeError> {
        let writer = Writer { links: self.links, messages: Cell::new(0), embedded: Cell::new(0) };
        match value {
            Value::Map(map) => writer.map(map, 1).map(Value::Map),
            Value::List(list) => writer.list(list, 1).map(Value::Map),
            Value::Bytes(bytes) => Ok(Value::Bytes(bytes.clone())),
            _ => Err(EncodeError::Unsupported("only a map, a list or a byte string is a message")),
        }
    }

    /// A value as it is after it was written and read, with links for messages that are not in place.
    pub(crate) fn read_back(&self, value: &Value) -> Result<Value, EncodeError> {
        Ok(Self::decode(&self.encode_readable(value)?)?)
    }

    /// Writes a value as TABM; with its nested messages in place, reads it and writes it once more.
    ///
    /// That is how the network bundles: what a message itself says under `ao-types` or `+link` has
    /// taken effect before it is bundled, and what cannot be read is not bundled.
    pub(crate) fn encode_readable(&self, value: &Value) -> Result<Value, EncodeError> {
        let tabm = self.encode(value)?;
        match self.links {
            Links::Embed(_) => self.encode(&Self::decode(&tabm)?),
            _ => Ok(tabm),
        }
    }

    /// A message as the network would read it from its written form: what it says itself under
    /// `ao-types` has taken effect, and what is computed anew is gone. Nested messages stay as they are.
    ///
    /// # Errors
    /// Types that do not exist or do not fit, or a value that cannot be read once it is written.
    pub(crate) fn readable(message: &Message) -> Result<Message, EncodeError> {
        let tabm = Structured { links: Links::Discard }.encode(&message.clone().into())?;
        let Value::Map(read) = Self::decode(&tabm)? else {
            return Err(EncodeError::Unsupported("a list has no commitments"));
        };
        let is_nested = |value: &Value| matches!(value, Value::Map(_) | Value::List(_));
        let nested = message.iter().filter(|(_, value)| is_nested(value));
        let nested = nested.map(|(key, value)| (key.clone(), value.clone()));
        Ok(read.into_iter().chain(nested).collect::<Message>().with_private_of(message))
    }

    /// Reads TABM: a map that is marked as one becomes a list, ids under `+link` become links.
    ///
    /// # Errors
    /// Types that do not exist or do not fit, or a value nested too deep.
    pub fn decode(tabm: &Value) -> Result<Value, DecodeError> {
        decode(tabm, 1)
    }
}

/// Writing in progress.
struct Writer<'a> {
    links: Links<'a>,
    /// How many nested messages have been written. Those that share their contents, or are linked
    /// from many places, are counted every time: they take work every time.
    messages: Cell<usize>,
    /// How many bytes of messages have been read from the store.
    embedded: Cell<usize>,
}

impl Writer<'_> {
    fn list(&self, list: &List, depth: usize) -> Result<Message, EncodeError> {
        self.write(&list.to_map(), true, depth)
    }

    fn map(&self, map: &Message, depth: usize) -> Result<Message, EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        let is_plain =
            |(key, value): (&Key, &Value)| matches!(value, Value::Bytes(_)) && !is_regenerable(key);
        if map.iter().all(is_plain) {
            return Ok(map.clone().without_private());
        }
        self.write(map, false, depth)
    }

    fn write(&self, map: &Message, is_list: bool, depth: usize) -> Result<Message, EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        let mut entries = Vec::with_capacity(map.len() + 1);
        let mut kinds = Vec::new();
        for (key, value) in map.iter().filter(|(key, _)| !is_regenerable(key)) {
            if let Some(kind) = Kind::of(value).filter(|kind| kind.is_scalar()) {
                kinds.push((key.as_bytes(), kind));
            }
            entries.push(self.entry(key, value, depth)?);
        }
        if is_list {
            kinds.push((LIST_MARK.as_bytes(), Kind::List));
            kinds.sort_by_key(|(key, _)| *key);
        }
        if !kinds.is_empty() && !map.contains(AO_TYPES) {
            entries.push((AO_TYPES, types::encode(kinds).into()));
        }
        Ok(entries.into_iter().collect())
    }

    fn entry(&self, key: &Key, value: &Value, depth: usize) -> Result<(Key, Value), EncodeError> {
        let text = match value {
            _ if *key == COMMITMENTS => return Ok((key.clone(), value.clone())),
            Value::Map(map) => return self.child(key, self.map(map, depth + 1)?),
            Value::List(list) => return self.child(key, self.list(list, depth + 1)?),
            Value::Link(link) => return self.link(key, link, depth),
            Value::Bytes(bytes) => bytes.clone(),
            Value::Integer(integer) => integer.to_string().into(),
            Value::Float(float) if float.is_finite() => scalar::float_text(*float).into(),
            Value::Float(_) => {
                let reason = "it is not a finite number";
                return Err(EncodeError::Unwritable { key: key.clone(), reason });
            }
            Value::Atom(atom) => atom.name().clone(),
        };
        Ok((key.clone(), text.into()))
    }

    /// A link, as the id that it names or as the message itself.
    fn link(&self, key: &Key, link: &Link, depth: usize) -> Result<(Key, Value), EncodeError> {
        let Links::Embed(content) = self.links else {
            return Ok((key.with_link(), link.text().clone().into()));
        };
        let id = link.id().map_err(|source| EncodeError::BadLink { key: key.clone(), source })?;
        self.count()?;
        match content.read(&id)? {
            Some(_) if depth >= MAX_DEPTH => Err(EncodeError::TooDeep),
            Some(value) => {
                self.embedded.set(self.embedded.get().saturating_add(size_of(&value, depth)));
                match self.embedded.get() {
                    size if size > MAX_SIZE => Err(EncodeError::TooLarge { size }),
                    _ => self.entry(key, &value, depth + 1),
                }
            }
            None => Err(EncodeError::Missing { key: key.clone(), id }),
        }
    }

    /// A nested message, in place or as the id under which its signers know it.
    fn child(&self, key: &Key, tabm: Message) -> Result<(Key, Value), EncodeError> {
        self.count()?;
        if matches!(self.links, Links::Embed(_)) {
            return Ok((key.clone(), tabm.into()));
        }
        let id = ids::signed_id_of_tabm(&tabm)?;
        if let Links::Offload(content) = self.links {
            // Read back, it has lost what is private.
            content.write(&id, &Structured::decode(&tabm.into())?)?;
        }
        Ok((key.with_link(), id.to_string().into()))
    }

    fn count(&self) -> Result<(), EncodeError> {
        self.messages.set(self.messages.get() + 1);
        if self.messages.get() > MAX_PARTS { Err(EncodeError::TooManyParts) } else { Ok(()) }
    }
}

/// About how many bytes a value takes when it is written.
fn size_of(value: &Value, depth: usize) -> usize {
    let all = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(|value| size_of(value, depth + 1)).fold(0, usize::saturating_add)
    };
    match value {
        Value::Map(map) if depth < MAX_DEPTH => all(&mut map.iter().map(|(_, value)| value)),
        Value::List(list) if depth < MAX_DEPTH => all(&mut list.iter()),
        Value::Bytes(bytes) => bytes.len(),
        _ => 1,
    }
}

pub(crate) fn is_regenerable(key: &Key) -> bool {
    REGENERABLE.iter().any(|name| *key == *name)
}

fn decode(tabm: &Value, depth: usize) -> Result<Value, DecodeError> {
    match tabm {
        Value::Map(map) => decode_map(map, depth),
        Value::List(list) => List::try_from(decode_map(&list.to_map(), depth)?).map(Value::List),
        other => Ok(other.clone()),
    }
}

fn decode_map(map: &Message, depth: usize) -> Result<Value, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    if map.iter().all(|(key, value)| matches!(value, Value::Bytes(_)) && is_untyped(key)) {
        return Ok(Value::Map(map.clone().without_private()));
    }
    let types = match map.get_exact(AO_TYPES) {
        Some(Value::Bytes(text)) => types::decode(text)?,
        _ => Types::new(),
    };
    let mut rich = Message::new();
    let mut links = Vec::new();
    for (key, value) in map.iter().filter(|(key, _)| **key != AO_TYPES) {
        match (key.without_link(), value) {
            (Some(key), _) if key == COMMITMENTS => return Err(DecodeError::LinkedCommitments),
            (Some(key), Value::Bytes(id)) => links.push((key, Link::new(id.clone()))),
            _ => drop(rich.insert(key.clone(), decode_entry(key, value, &types, depth)?)),
        }
    }
    rich.extend(links);
    match types.get(LIST_MARK.as_bytes()).map(|name| Kind::named(name)) {
        None => Ok(Value::Map(rich)),
        Some(Some(Kind::List)) => defined(List::try_from(rich)?).map(Value::List),
        Some(_) => {
            Err(DecodeError::IllTyped { key: LIST_MARK.into(), expected: "the mark of a list" })
        }
    }
}

/// The network's first runtime takes a list's element `undefined` for a hole, and refuses the list.
fn defined(list: List) -> Result<List, DecodeError> {
    let hole =
        list.iter().position(|value| matches!(value, Value::Atom(a) if a.name() == "undefined"));
    match hole {
        Some(at) => Err(DecodeError::NotAList { key: Key::number(at + 1) }),
        None => Ok(list),
    }
}

/// Whether the key says nothing about types or links.
fn is_untyped(key: &Key) -> bool {
    *key != AO_TYPES && key.without_link().is_none()
}

fn decode_entry(
    key: &Key,
    value: &Value,
    types: &Types,
    depth: usize,
) -> Result<Value, DecodeError> {
    match (value, types.get(key)) {
        _ if *key == COMMITMENTS => Ok(value.clone()),
        (Value::Bytes(text), Some(kind)) => scalar::decode_typed(key, kind, text),
        (value, _) => decode(value, depth + 1),
    }
}
