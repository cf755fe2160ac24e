//! Values of a script as values of a message. Source: spec 14, section 4.

use oxbeam_protocol::{Atom, List, Message, Value};

use super::LuaError;
use super::incoming::{Key, Raw, Table, place};

/// What the children of a table become, which depends on what keeps them.
pub(super) trait Children {
    /// A table's child; `in_list` says what an empty table is.
    fn child(&mut self, key: Key, raw: Raw, in_list: bool) -> Result<Value, LuaError>;
}

/// Children that nobody keeps track of.
pub(super) struct Plain;

impl Children for Plain {
    fn child(&mut self, _: Key, raw: Raw, in_list: bool) -> Result<Value, LuaError> {
        value(raw, in_list)
    }
}

/// A value that is no part of a kept table.
pub(super) fn value(raw: Raw, in_list: bool) -> Result<Value, LuaError> {
    match raw {
        Raw::Table(table) => contents(table, in_list, &mut Plain),
        Raw::Known(_) => Err(LuaError::Border { reason: "a table that nobody knows" }),
        scalar => Ok(self::scalar(scalar)),
    }
}

/// A value that is no table.
pub(super) fn scalar(raw: Raw) -> Value {
    match raw {
        Raw::Boolean(true) => Value::Atom(Atom::TRUE),
        Raw::Boolean(false) => Value::Atom(Atom::FALSE),
        Raw::Number(number) => Value::Integer(number.into()),
        Raw::Float(float) => Value::Float(float),
        Raw::Text(text) => Value::Bytes(text),
        Raw::Big(big) => Value::Integer(big),
        Raw::Nil | Raw::Table(_) | Raw::Known(_) => Value::Atom(Atom::from_static("nil")),
    }
}

/// The list or map that a table stands for: a list if its keys are exactly 1 to n, as numbers or
/// as text. An empty table is a map, but a list inside a list.
pub(super) fn contents(
    table: Table,
    in_list: bool,
    children: &mut impl Children,
) -> Result<Value, LuaError> {
    let Table { array, mut rest, .. } = table;
    if array.is_empty() && rest.is_empty() {
        return Ok(empty(in_list));
    }
    let next = array.len() + 1;
    let is_list = is_sequence(&mut rest, next);
    let array = array.into_iter().enumerate().map(|(at, raw)| (number(at + 1), raw));
    let entries = array.chain(rest);
    if is_list {
        let elements = entries.map(|(key, raw)| children.child(key, raw, true));
        return Ok(Value::List(elements.collect::<Result<List, _>>()?));
    }
    let mut message = Message::new();
    for (key, raw) in entries {
        let name = key.to_message_key();
        message.insert(name, children.child(key, raw, false)?);
    }
    Ok(Value::Map(message))
}

/// The key of an element.
pub(super) fn number(place: usize) -> Key {
    Key::Number(i64::try_from(place).unwrap_or(i64::MAX))
}

/// What an empty table is.
pub(super) fn empty(in_list: bool) -> Value {
    if in_list { Value::List(List::default()) } else { Value::Map(Message::new()) }
}

/// Whether these keys go on from `next` without a hole; if so they are put in that order.
fn is_sequence(entries: &mut [(Key, Raw)], next: usize) -> bool {
    if !entries.iter().all(|(key, _)| key.place().is_some()) {
        return false;
    }
    entries.sort_by_key(|(key, _)| key.place());
    (next..).zip(entries.iter()).all(|(place, (key, _))| key.place() == Some(place))
}

/// The map as a list, if its keys are exactly 1 to n.
pub(super) fn as_list(message: &Message) -> Option<List> {
    // Digits come before letters, so that the last key nearly always answers; and of keys that are
    // numbers, but not these, one of the two ends is missing.
    message.keys().next_back().and_then(|key| place(key.as_bytes()))?;
    message.get_exact("1").and(message.get_exact(message.len().to_string()))?;
    if !message.keys().all(|key| place(key.as_bytes()).is_some_and(|at| at <= message.len())) {
        return None;
    }
    let keys = (1..=message.len()).map(oxbeam_protocol::Key::number);
    keys.map(|key| message.get_exact(&key).cloned().map(|value| settled(value, true))).collect()
}

/// The list as a map.
pub(super) fn as_map(list: &List) -> Message {
    let mut message = Message::new();
    for (at, element) in list.iter().enumerate() {
        message.insert(oxbeam_protocol::Key::number(at + 1), settled(element.clone(), false));
    }
    message
}

/// The value in a list or in a map, which differs for an empty table.
pub(super) fn settled(value: Value, in_list: bool) -> Value {
    let is_empty = match &value {
        Value::Map(map) => map.is_empty(),
        Value::List(list) => list.is_empty(),
        _ => false,
    };
    if is_empty { empty(in_list) } else { value }
}
