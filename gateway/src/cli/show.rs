//! Values for people and programs.

use std::time::Duration;

use oxbeam_protocol::{Atom, List, Message, Value};
use serde_json::{Map, Value as Json};

/// Keys that say how a message was signed or sent, and nothing of what it says.
const AROUND: [&str; 3] = ["commitments", "ao-types", "priv"];

/// A value as JSON: text, numbers, lists and objects as they are. Bytes that are no text are written as
/// `{"base64url": …}`.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => {
                serde_json::json!({ "base64url": oxbeam_protocol::base64::encode_url(bytes) })
            }
        },
        Value::Integer(integer) => match i64::try_from(integer) {
            Ok(integer) => integer.into(),
            Err(_) => integer.to_string().into(),
        },
        Value::Float(float) => (*float).into(),
        Value::Atom(atom) => match &**atom.name() {
            b"true" => true.into(),
            b"false" => false.into(),
            b"null" => Json::Null,
            name => String::from_utf8_lossy(name).into(),
        },
        Value::Link(link) => String::from_utf8_lossy(link.text()).into(),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Map(message) => object(message).into(),
    }
}

/// A message as a JSON object, without what surrounds it.
pub(super) fn object(message: &Message) -> Map<String, Json> {
    let shown = message.iter().filter(|(key, _)| AROUND.iter().all(|name| **key != **name));
    shown.map(|(key, value)| (key.to_text().into_owned(), json(value))).collect()
}

/// JSON as a value.
pub(super) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Atom::NULL.into(),
        Json::Bool(true) => Atom::TRUE.into(),
        Json::Bool(false) => Atom::FALSE.into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => integer.into(),
            (None, Some(float)) => float.into(),
            (None, None) => number.to_string().into(),
        },
        Json::String(text) => text.clone().into(),
        Json::Array(items) => items.iter().map(value).collect::<List>().into(),
        Json::Object(object) => message(object).into(),
    }
}

/// A JSON object as a message.
pub(super) fn message(object: &Map<String, Json>) -> Message {
    object
        .iter()
        .map(|(key, json)| (oxbeam_protocol::Key::from(key.clone()), value(json)))
        .collect()
}

/// Text for a terminal: nothing of it moves the cursor, and it is on one line.
pub(super) fn line(text: &str, most: usize) -> String {
    let mut shown: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(most)
        .collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// Text of several lines for a terminal.
pub(super) fn lines(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect()
}

/// A value for a terminal: text as it is, the rest as JSON.
pub(super) fn text(value: &Value) -> String {
    match json(value) {
        Json::String(text) => lines(&text),
        json => format!("{json:#}"),
    }
}

/// A time in its largest unit.
pub(super) fn time(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{}ms", time.as_millis()),
        seconds @ 1..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back() {
        let given: Json =
            serde_json::from_str(r#"{"a":[1,-2.5,"x"],"b":{"c":true,"d":null}}"#).unwrap();
        assert_eq!(json(&value(&given)), given);
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(line("a\x1b[2Jb\nc", 80), "a [2Jb c");
        assert_eq!(line("abc", 2), "ab…");
    }
}
