//! Values as they lie in the store: MessagePack.
//!
//! | Value | Written as |
//! |---|---|
//! | byte string | `bin` |
//! | integer of 64 bits · larger | integer · `ext` 3, decimal text |
//! | float | `float 64` |
//! | atom · link | `ext` 1 · `ext` 2, its text |
//! | list · map | `array` · `map` with `bin` keys |
//!
//! What is private is not written. The store adds version and checksum.

use std::fmt;

use bytes::Bytes;
use num_bigint::BigInt;
use oxbeam_protocol::limits::MAX_DEPTH;
use oxbeam_protocol::{Atom, Key, Link, List, Message, Value};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::{ByteBuf, Bytes as Raw};

const ATOM: i8 = 1;
const LINK: i8 = 2;
const LARGE: i8 = 3;

/// Entries that room is made for before they are read.
const MAX_RESERVED: usize = 256;

/// A record that is no value: the store has checked its sum, so a program of another version wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to {action} a record: {reason}")]
#[non_exhaustive]
pub struct RecordError {
    action: &'static str,
    reason: String,
}

/// Writes a value.
///
/// # Errors
/// A value nested more than [`MAX_DEPTH`] deep.
pub fn encode(value: &Value) -> Result<Bytes, RecordError> {
    let written = rmp_serde::to_vec(&Writing(value, 0));
    written.map(Bytes::from).map_err(|error| failed("write", &error))
}

/// Reads a value.
///
/// # Errors
/// Bytes that [`encode`] did not write.
pub fn decode(bytes: &[u8]) -> Result<Value, RecordError> {
    let read: Result<Reading, _> = rmp_serde::from_slice(bytes);
    read.map(|reading| reading.0).map_err(|error| failed("read", &error))
}

fn failed(action: &'static str, error: &dyn fmt::Display) -> RecordError {
    RecordError { action, reason: error.to_string() }
}

struct Writing<'a>(&'a Value, usize);

#[derive(Serialize)]
#[serde(rename = "_ExtStruct")]
struct Ext<'a>((i8, &'a Raw));

impl Serialize for Writing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value, depth) = *self;
        if depth > MAX_DEPTH {
            return Err(S::Error::custom(format_args!("nested more than {MAX_DEPTH} deep")));
        }
        match value {
            Value::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Value::Integer(integer) => match i64::try_from(integer) {
                Ok(integer) => serializer.serialize_i64(integer),
                Err(_) => {
                    Ext((LARGE, Raw::new(integer.to_string().as_bytes()))).serialize(serializer)
                }
            },
            Value::Float(float) => serializer.serialize_f64(*float),
            Value::Atom(atom) => Ext((ATOM, Raw::new(atom.name()))).serialize(serializer),
            Value::Link(link) => Ext((LINK, Raw::new(link.text()))).serialize(serializer),
            Value::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                list.iter()
                    .try_for_each(|item| seq.serialize_element(&Writing(item, depth + 1)))?;
                seq.end()
            }
            Value::Map(message) => {
                let mut map = serializer.serialize_map(Some(message.len()))?;
                message.iter().try_for_each(|(key, value)| {
                    map.serialize_entry(Raw::new(key.as_bytes()), &Writing(value, depth + 1))
                })?;
                map.end()
            }
        }
    }
}

struct Reading(Value);

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a message")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(Bytes::copy_from_slice(bytes)))
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Value, E> {
        Ok(BigInt::from(integer).into())
    }

    fn visit_f64<E: de::Error>(self, float: f64) -> Result<Value, E> {
        Ok(float.into())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, ext: D) -> Result<Value, D::Error> {
        let (tag, bytes): (i8, ByteBuf) = Deserialize::deserialize(ext)?;
        let bytes = Bytes::from(bytes.into_vec());
        match tag {
            ATOM => Ok(Atom::new(bytes).into()),
            LINK => Ok(Link::new(bytes).into()),
            LARGE => {
                let number = BigInt::parse_bytes(&bytes, 10);
                number.map(Value::from).ok_or_else(|| de::Error::custom("a number without digits"))
            }
            tag => Err(de::Error::custom(format_args!("an unknown kind of value, {tag}"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Reading(item)) = seq.next_element()? {
            list.push(item);
        }
        Ok(list.into_iter().collect::<List>().into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        // A length that a record claims may be any, and more than what follows.
        let mut entries = Vec::with_capacity(map.size_hint().unwrap_or_default().min(MAX_RESERVED));
        while let Some((key, Reading(value))) = map.next_entry::<&Raw, Reading>()? {
            entries.push((Key::copied(key), value));
        }
        Ok(entries.into_iter().collect::<Message>().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back() {
        let list: Value = [Value::from(1), "x".into(), Atom::TRUE.into()].into_iter().collect();
        let message = Message::new()
            .with("bytes", vec![0, 255])
            .with("small", -5)
            .with("large", BigInt::from(u64::MAX) * 7)
            .with("unsigned", BigInt::from(u64::MAX))
            .with("float", -0.5)
            .with("atom", Atom::NULL)
            .with("link", Link::new("abc"))
            .with("list", list)
            .with("empty", Message::new())
            .with("map", Message::new().with("k", ""));
        let value = Value::from(message);
        assert_eq!(decode(&encode(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn a_value_nested_too_deep_is_refused() {
        let deep = (0..=MAX_DEPTH)
            .fold(Value::from("x"), |value, _| Message::new().with("k", value).into());
        assert!(encode(&deep).is_err());
    }

    #[test]
    fn other_bytes_are_an_error() {
        for bytes in [&b""[..], &[0xc1], &[0x91], &[0xc7, 1, 9, 0], &[0xd4, 9, 1]] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
