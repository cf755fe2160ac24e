//! Comparing messages: templates, filters and whether a change changed anything. Source: spec 01,
//! section 12.

use std::collections::BTreeMap;

use crate::{Key, Message, Value};

/// Keys that say how a message travelled, not what it says.
const IGNORED: [&str; 4] = ["unsigned_id", "content-digest", "content-type", "ao-body-key"];
/// Keys of an Arweave transaction that stand for nothing when they are empty.
const EMPTY_BY_DEFAULT: [&str; 3] = ["data", "target", "anchor"];
/// Keys of an Arweave transaction that stand for nothing when they are zero.
const ZERO_BY_DEFAULT: [&str; 4] = ["quantity", "reward", "denomination", "data_size"];

/// Which keys must be there and equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All keys of both.
    Strict,
    /// The keys that both have.
    OnlyPresent,
    /// The keys of the first.
    Primary,
}

/// The first difference between two messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the messages differ at {}: {difference}", Key::joined(path))]
#[non_exhaustive]
pub struct Mismatch {
    /// The keys that lead there, outermost first.
    pub path: Vec<Key>,
    /// What differs.
    pub difference: Difference,
}

/// How two messages differ at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Only the first has the key.
    #[error("only the first has it")]
    OnlyInFirst,
    /// Only the second has the key.
    #[error("only the second has it")]
    OnlyInSecond,
    /// The values are not equal.
    #[error("the values are not equal")]
    Value,
}

/// Compares two messages; `_`, an atom of the first, matches every value.
///
/// Keys are compared in lower case; keys that are private, that travel only, or that have a
/// transaction's default value, are not compared.
///
/// # Errors
/// The first difference.
pub fn compare(first: &Message, second: &Message, mode: Mode) -> Result<(), Mismatch> {
    let (a, b) = (compared(first), compared(second));
    let fail = |key: &Key, difference| Mismatch { path: vec![key.clone()], difference };
    for (key, value) in &a {
        match b.get(key) {
            Some(other) => compare_values(value, other, mode).map_err(|mut mismatch| {
                mismatch.path.insert(0, key.clone());
                mismatch
            })?,
            None if mode == Mode::OnlyPresent => {}
            None => return Err(fail(key, Difference::OnlyInFirst)),
        }
    }
    match b.keys().find(|key| mode == Mode::Strict && !a.contains_key(*key)) {
        Some(key) => Err(fail(key, Difference::OnlyInSecond)),
        None => Ok(()),
    }
}

fn compare_values(first: &Value, second: &Value, mode: Mode) -> Result<(), Mismatch> {
    match (first, second) {
        (Value::Atom(any), _) if any.name() == "_" => Ok(()),
        (Value::Map(a), Value::Map(b)) => compare(a, b, mode),
        (Value::List(a), Value::List(b)) => compare(&a.to_map(), &b.to_map(), mode),
        (a, b) if a == b => Ok(()),
        _ => Err(Mismatch { path: Vec::new(), difference: Difference::Value }),
    }
}

/// The entries that count, under their keys in lower case.
fn compared(message: &Message) -> BTreeMap<Key, &Value> {
    let lower = |key: &Key| match key.as_bytes().iter().any(u8::is_ascii_uppercase) {
        true => Key::from(key.as_bytes().to_ascii_lowercase()),
        false => key.clone(),
    };
    let counts = |(key, value): &(&Key, &Value)| {
        IGNORED.iter().all(|name| **key != *name) && !is_default(key, value)
    };
    message.iter().filter(counts).map(|(key, value)| (lower(key), value)).collect()
}

fn is_default(key: &Key, value: &Value) -> bool {
    let is = |names: &[&str]| names.iter().any(|name| *key == *name);
    match value {
        Value::Bytes(bytes) => bytes.is_empty() && is(&EMPTY_BY_DEFAULT),
        Value::Integer(integer) => integer.bits() == 0 && is(&ZERO_BY_DEFAULT),
        Value::List(list) => list.is_empty() && *key == "tags",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Atom;

    fn difference(first: &Message, second: &Message, mode: Mode) -> Option<(String, Difference)> {
        let mismatch = compare(first, second, mode).err()?;
        Some((Key::joined(&mismatch.path).to_string(), mismatch.difference))
    }

    #[test]
    fn each_mode_compares_other_keys() {
        let ab = Message::from([("a", "1"), ("b", "2")]);
        let ac = Message::from([("a", "1"), ("c", "3")]);
        let a = Message::from([("a", "1")]);
        assert_eq!(difference(&ab, &ac, Mode::Strict), Some(("b".into(), Difference::OnlyInFirst)));
        assert_eq!(difference(&a, &ac, Mode::Strict), Some(("c".into(), Difference::OnlyInSecond)));
        assert_eq!(difference(&ab, &ac, Mode::OnlyPresent), None);
        assert_eq!(difference(&a, &ac, Mode::Primary), None);
        assert_eq!(difference(&ab, &a, Mode::Primary), Some(("b".into(), Difference::OnlyInFirst)));
    }

    #[test]
    fn values_are_compared_exactly_and_in_depth() {
        let nested = |value: Value| Message::from([("m", Message::from([("x", value)]))]);
        let (text, number) = (nested("1".into()), nested(1.into()));
        let expected = Some(("m/x".into(), Difference::Value));
        assert_eq!(difference(&text, &number, Mode::Strict), expected);
        let any = nested(Atom::from_static("_").into());
        assert_eq!(difference(&any, &number, Mode::Primary), None);
    }

    #[test]
    fn case_of_keys_transport_keys_and_defaults_do_not_count() {
        let plain = Message::from([("key", "v")]);
        let same = Message::from([("Key", "v"), ("content-type", "t"), ("data", "")]);
        assert_eq!(difference(&plain, &same.with("quantity", 0), Mode::Strict), None);
    }
}
