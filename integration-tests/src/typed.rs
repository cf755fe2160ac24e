//! Values as the vectors write them: `{"s": "text"}`, `{"i": "5"}`, `{"m": {…}}` …

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use num_bigint::BigInt;
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Atom, Key, Link, List, Message, Value, base64};
use serde_json::{Map, Value as Json};

/// The value that typed JSON stands for.
///
/// # Errors
/// JSON of another form, and a `priv` that is no map: it cannot be the private part of a message.
pub fn value(json: &Json) -> Result<Value> {
    let (form, content) = form(json)?;
    let text = || content.as_str().with_context(|| format!("{form} holds no text"));
    Ok(match form {
        "s" => text()?.into(),
        "b" => base64::decode(text()?)?.into(),
        "i" => text()?.parse::<BigInt>()?.into(),
        "f" => text()?.parse::<f64>()?.into(),
        "a" => Atom::new(text()?.to_owned()).into(),
        "link" => Link::new(text()?.to_owned()).into(),
        "l" => content
            .as_array()
            .context("l holds no list")?
            .iter()
            .map(value)
            .collect::<Result<List>>()?
            .into(),
        "m" => map(content.as_object().context("m holds no map")?)?.into(),
        other => bail!("unknown form {other}"),
    })
}

/// The message that typed JSON stands for.
///
/// # Errors
/// As [`value`], and a value that is no map.
pub fn message(json: &Json) -> Result<Message> {
    match value(json)? {
        Value::Map(message) => Ok(message),
        other => bail!("not a map: {other:?}"),
    }
}

fn form(json: &Json) -> Result<(&str, &Json)> {
    let members = json.as_object().filter(|members| members.len() == 1);
    let member = members.and_then(|members| members.iter().next());
    member
        .map(|(form, content)| (form.as_str(), content))
        .with_context(|| format!("untyped: {json}"))
}

fn map(members: &Map<String, Json>) -> Result<Message> {
    let mut message = Message::new();
    for (key, json) in members {
        let value = value(json)?;
        match value {
            Value::Map(private) if key == "priv" => {
                for (key, value) in private {
                    message.set_private(key, value);
                }
            }
            _ if key == "priv" => bail!("the private part of a message is a map"),
            value => drop(message.insert(Key::from(key.as_str()), value)),
        }
    }
    Ok(message)
}

/// Bytes in standard base64.
///
/// # Errors
/// JSON that is no text, or text that is no base64.
pub fn blob(json: &Json) -> Result<Bytes> {
    Ok(base64::decode(json.as_str().context("not a text")?)?.into())
}

/// Compares a value with an expected one; a link equals the message that it names.
///
/// # Errors
/// The first difference, with the path to it.
pub fn compare(expected: &Json, actual: &Value) -> Result<()> {
    same(&value(expected)?, actual, &mut Vec::new())
}

/// Compares as [`compare`] does, but takes atoms and texts of one name as equal: which of them a
/// bare word becomes depends on the reference node's host.
///
/// # Errors
/// The first difference, with the path to it.
pub fn compare_names(expected: &Json, actual: &Value) -> Result<()> {
    same(&without_atoms(value(expected)?), &without_atoms(actual.clone()), &mut Vec::new())
}

fn without_atoms(value: Value) -> Value {
    match value {
        Value::Atom(atom) => atom.name().clone().into(),
        Value::List(list) => list.iter().cloned().map(without_atoms).collect::<Value>(),
        Value::Map(map) => map
            .into_iter()
            .map(|(key, value)| (key, without_atoms(value)))
            .collect::<Message>()
            .into(),
        other => other,
    }
}

fn same(expected: &Value, actual: &Value, path: &mut Vec<Key>) -> Result<()> {
    match (expected, actual) {
        (Value::Map(expected), Value::Map(actual)) => same_maps(expected, actual, path),
        (Value::List(expected), Value::List(actual)) => {
            same_maps(&expected.to_map(), &actual.to_map(), path)
        }
        (Value::Link(link), message @ (Value::Map(_) | Value::List(_)))
        | (message @ (Value::Map(_) | Value::List(_)), Value::Link(link)) => {
            let id = signed_id(message)?.to_string();
            ensure!(*link.text() == id, "at {path:?}: expected {link:?}, found the message {id}");
            Ok(())
        }
        (expected, actual) => {
            ensure!(expected == actual, "at {path:?}: expected {expected:?}, found {actual:?}");
            Ok(())
        }
    }
}

fn same_maps(expected: &Message, actual: &Message, path: &mut Vec<Key>) -> Result<()> {
    for (key, value) in expected {
        path.push(key.clone());
        let found = actual.get_exact(key).with_context(|| format!("{path:?} is missing"))?;
        same(value, found, path)?;
        path.pop();
    }
    match actual.keys().find(|key| !expected.contains(key)) {
        Some(key) => bail!("at {path:?}: unexpected key {key}"),
        None => Ok(()),
    }
}
