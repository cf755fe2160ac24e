//! Rich values to JSON text.

use std::fmt::Write;

use crate::codec::EncodeError;
use crate::codec::types::{self, AO_TYPES, Kind, LIST_MARK};
use crate::limits::MAX_DEPTH;
use crate::{Key, List, Message, Value, order};

/// The text of a value.
pub(super) fn text(value: &Value) -> Result<String, EncodeError> {
    let mut out = String::new();
    write_value(&mut out, &Key::default(), value, 1)?;
    Ok(out)
}

fn write_value(
    out: &mut String,
    key: &Key,
    value: &Value,
    depth: usize,
) -> Result<(), EncodeError> {
    let unwritable = |reason| EncodeError::Unwritable { key: key.clone(), reason };
    match value {
        Value::List(_) | Value::Map(_) if depth > MAX_DEPTH => return Err(EncodeError::TooDeep),
        Value::Bytes(bytes) => {
            write_text(out, bytes).ok_or_else(|| unwritable("it is not UTF-8"))?;
        }
        Value::Atom(atom) => {
            write_text(out, atom.name()).ok_or_else(|| unwritable("it is not UTF-8"))?;
        }
        Value::Integer(integer) => out.push_str(&integer.to_string()),
        Value::Float(float) if float.is_finite() => {
            // Rust's shortest form reads back to the same double, and always has a point or exponent.
            write!(out, "{float:?}").map_err(|_| unwritable("it cannot be written"))?;
        }
        Value::Float(_) => return Err(unwritable("it is not a finite number")),
        Value::List(list) => write_list(out, list, depth)?,
        Value::Map(map) => write_object(out, map, false, depth)?,
        Value::Link(_) => return Err(unwritable("it is a link")),
    }
    Ok(())
}

fn write_list(out: &mut String, list: &List, depth: usize) -> Result<(), EncodeError> {
    if list.iter().any(|value| matches!(value, Value::Atom(_))) {
        return write_object(out, &list.to_map(), true, depth);
    }
    out.push('[');
    // Elements that were linked are no numbered members of the list any more, and vanish.
    let elements = list.iter().filter(|value| !matches!(value, Value::Link(_)));
    for (index, value) in elements.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(out, &Key::number(index + 1), value, depth + 1)?;
    }
    out.push(']');
    Ok(())
}

/// An object with its members in ascending canonical order, `ao-types` among them.
fn write_object(
    out: &mut String,
    map: &Message,
    is_list: bool,
    depth: usize,
) -> Result<(), EncodeError> {
    let mut kinds: Vec<_> = map
        .iter()
        .filter(|(_, value)| matches!(value, Value::Atom(_)))
        .map(|(key, _)| (key.as_bytes(), Kind::Atom))
        .collect();
    if is_list {
        kinds.push((LIST_MARK.as_bytes(), Kind::List));
        kinds.sort_by_key(|(key, _)| *key);
    }
    let types = (!kinds.is_empty()).then(|| Value::from(types::encode(kinds)));
    let own = map.iter().map(|(key, value)| match value {
        Value::Link(link) => (key.with_link(), Value::Bytes(link.text().clone())),
        value => (key.clone(), value.clone()),
    });
    let mut members: Vec<(Key, Value)> = own.chain(types.map(|types| (AO_TYPES, types))).collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    order::ascend(&mut members, |member| &member.0);
    out.push('{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let reason = "its name is not UTF-8";
        write_text(out, key.as_bytes())
            .ok_or_else(|| EncodeError::Unwritable { key: key.clone(), reason })?;
        out.push(':');
        write_value(out, key, value, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn write_text(out: &mut String, bytes: &[u8]) -> Option<()> {
    let text = str::from_utf8(bytes).ok()?;
    out.push_str(&serde_json::to_string(text).ok()?);
    Some(())
}
