//! `ao-types`: which keys of a message hold more than bytes. Source: spec 01, section 7.2.
//!
//! The text is a structured-field dictionary, key to type name, in byte order of the keys. Bytes
//! of a key other than `a-z 0-9 . - _ / ? &` are written as `%xx`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::DecodeError;
use crate::structured_field::{self as field, Bare, Member, SyntaxError};
use crate::{Key, Value};

/// The key that holds the types.
pub(crate) const AO_TYPES: Key = Key::from_static("ao-types");
/// The key, among the types, that marks a list.
pub(super) const LIST_MARK: &str = ".";

/// The types that `ao-types` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Float,
    Atom,
    List,
    Map,
}

impl Kind {
    /// The type of this name, in any case.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let kinds = [Self::Integer, Self::Float, Self::Atom, Self::List, Self::Map];
        kinds.into_iter().find(|kind| name.eq_ignore_ascii_case(kind.name().as_bytes()))
    }

    /// The type that a value is written with; bytes, maps and links have none.
    pub(super) const fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(_) => Some(Self::Integer),
            Value::Float(_) => Some(Self::Float),
            Value::Atom(_) => Some(Self::Atom),
            Value::List(_) => Some(Self::List),
            Value::Bytes(_) | Value::Map(_) | Value::Link(_) => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Atom => "atom",
            Self::List => "list",
            Self::Map => "map",
        }
    }

    pub(super) const fn is_scalar(self) -> bool {
        matches!(self, Self::Integer | Self::Float | Self::Atom)
    }
}

/// The text for these types, whose keys come in byte order.
pub(super) fn encode<'a>(types: impl IntoIterator<Item = (&'a [u8], Kind)>) -> Bytes {
    write(types.into_iter().map(|(key, kind)| (key, kind.name().as_bytes())))
}

/// The text for these names of types, whose keys come in byte order.
pub(super) fn write<'a>(types: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Bytes {
    let mut text = Vec::new();
    for (key, name) in types {
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        escape(&mut text, key);
        text.extend_from_slice(b"=\"");
        text.extend_from_slice(name);
        text.push(b'"');
    }
    text.into()
}

fn escape(text: &mut Vec<u8>, key: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in key {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'/' | b'?' | b'&' => text.push(*byte),
            other => {
                let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
                text.extend_from_slice(&[b'%', digit(other >> 4), digit(other & 15)]);
            }
        }
    }
}

/// Names of types by key. A name that is no type is an error only if its key is there.
pub(super) type Types = BTreeMap<Key, Bytes>;

/// Reads the text of `ao-types`.
pub(super) fn decode(text: &Bytes) -> Result<Types, DecodeError> {
    let malformed = |source| DecodeError::Syntax { key: AO_TYPES, source };
    let members = field::dictionary(text).map_err(malformed)?;
    members.into_iter().map(|(key, member)| Ok((unescape(&key)?, name(member)?))).collect()
}

fn name(member: Member) -> Result<Bytes, DecodeError> {
    match member {
        Member::Item(field::Item { bare: Bare::Text(name) | Bare::Token(name), .. }) => Ok(name),
        _ => Err(DecodeError::IllTyped { key: AO_TYPES, expected: "a dictionary of type names" }),
    }
}

fn unescape(key: &Key) -> Result<Key, DecodeError> {
    let mut plain = Vec::with_capacity(key.as_bytes().len());
    let mut bytes = key.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'%' { hex_pair(bytes.next(), bytes.next())? } else { *byte });
    }
    Ok(plain.into())
}

fn hex_pair(high: Option<&u8>, low: Option<&u8>) -> Result<u8, DecodeError> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let pair = digit(high).zip(digit(low)).map(|(high, low)| high * 16 + low);
    pair.and_then(|pair| u8::try_from(pair).ok()).ok_or(DecodeError::Syntax {
        key: AO_TYPES,
        source: SyntaxError { expected: "two hexadecimal digits after %", at: 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_in_lower_case_and_read_in_any() {
        let keys = ["7", "UP", "a", "with space"];
        let text = encode(keys.map(|key| (key.as_bytes(), Kind::Integer)));
        let expected = r#"7="integer", %55%50="integer", a="integer", with%20space="integer""#;
        assert_eq!(text, expected);
        let types = decode(&text).unwrap();
        assert_eq!(types.keys().collect::<Vec<_>>(), keys);
        assert!(decode(&Bytes::from("%4A=integer")).unwrap().contains_key(b"J".as_slice()));
        assert!(decode(&Bytes::from("a%4=integer")).is_err());
    }

    #[test]
    fn a_later_duplicate_counts() {
        let types = decode(&Bytes::from("a=integer, a=float")).unwrap();
        assert_eq!(types[b"a".as_slice()], "float");
    }
}
