//! Values as text with a type suffix: params of a segment and of a query.
//!
//! | Value           | Written as                        |
//! |-----------------|-----------------------------------|
//! | text            | `key=text`, quoted where it must be |
//! | `true`          | `key`                             |
//! | another atom    | `key+atom=name`                   |
//! | integer         | `key+integer=5`                   |
//! | float           | `key+float=1.5e0`                 |
//! | list, map, link | not                               |

use super::percent::encode_field;
use crate::limits::MAX_DIGITS;
use crate::{Atom, Key, Message, Value};

/// Digits behind the point with which every double is read as itself.
const FLOAT_DIGITS: usize = 17;

/// A value as it is written: its type suffix, and its text unless the name alone says it.
struct Written {
    kind: Option<&'static str>,
    text: Option<Vec<u8>>,
}

impl Written {
    fn new(value: &Value) -> Option<Self> {
        let (kind, text) = match value {
            Value::Bytes(text) => (None, text.to_vec()),
            Value::Atom(atom) if *atom == Atom::TRUE => {
                return Some(Self { kind: None, text: None });
            }
            Value::Atom(atom) => (Some("atom"), atom.name().to_vec()),
            Value::Float(float) => (Some("float"), format!("{float:.FLOAT_DIGITS$e}").into_bytes()),
            _ => (Some("integer"), integer(value)?.into_bytes()),
        };
        Some(Self { kind, text: Some(text) })
    }

    fn name(&self, key: &Key) -> Key {
        self.kind.map_or_else(|| key.clone(), |kind| typed_name(key, kind))
    }
}

/// A key with a type suffix.
pub(super) fn typed_name(key: &Key, kind: &str) -> Key {
    [key.as_bytes(), b"+", kind.as_bytes()].concat().into()
}

/// The text of an integer that can be read back.
pub(super) fn integer(value: &Value) -> Option<String> {
    let Value::Integer(integer) = value else { return None };
    let text = integer.to_string();
    let digits = text.trim_start_matches('-').len();
    (digits <= MAX_DIGITS).then_some(text)
}

/// A key and its value as a param of a segment.
pub(super) fn param(key: &Key, value: &Value) -> Option<Vec<u8>> {
    let written = Written::new(value)?;
    let mut param = written.name(key).as_bytes().to_vec();
    if let Some(text) = written.text {
        let quote: &[u8] = if needs_quotes(&text) { b"\"" } else { b"" };
        param.push(b'=');
        param.extend([quote, &*text, quote].concat());
    }
    Some(param)
}

fn needs_quotes(text: &[u8]) -> bool {
    text.iter().any(|byte| b"/&?()\"".contains(byte))
}

/// Keys and values as a query.
pub(super) fn query(keys: &Message) -> Option<Vec<u8>> {
    let mut query = Vec::new();
    for (key, value) in keys {
        let written = Written::new(value)?;
        if !query.is_empty() {
            query.push(b'&');
        }
        query.extend(encode_field(written.name(key).as_bytes()));
        if let Some(text) = written.text {
            query.push(b'=');
            query.extend(encode_field(&text));
        }
    }
    Some(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: impl Into<Value>) -> Option<String> {
        param(&"k".into(), &value.into()).map(|param| String::from_utf8(param).unwrap())
    }

    #[test]
    fn every_scalar_has_a_text_and_a_type() {
        assert_eq!(written("a b"), Some("k=a b".into()));
        assert_eq!(written("a/b"), Some("k=\"a/b\"".into()));
        assert_eq!(written(true), Some("k".into()));
        assert_eq!(written(false), Some("k+atom=false".into()));
        assert_eq!(written(-5), Some("k+integer=-5".into()));
        assert_eq!(written(i64::MAX), Some("k+integer=9223372036854775807".into()));
        assert_eq!(written(1.5), Some("k+float=1.50000000000000000e0".into()));
    }

    #[test]
    fn what_has_no_short_text_is_not_written() {
        assert_eq!(written(Message::new()), None);
    }

    #[test]
    fn a_query_is_encoded() {
        let keys = Message::from([("a b", "c&d"), ("1.k+integer", "5")]).with("t", true);
        let query = query(&keys).unwrap();
        assert_eq!(String::from_utf8(query).unwrap(), "1.k%2Binteger=5&a%20b=c%26d&t");
    }
}
