//! JSON as values of messages.

use oxbeam_protocol::{Atom, Key, List, Message, Value};
use serde_json::Value as Json;

/// The value of JSON: booleans and `null` are atoms, objects messages under their own keys.
pub(super) fn value(json: Json) -> Value {
    match json {
        Json::Null => Atom::NULL.into(),
        Json::Bool(true) => Atom::TRUE.into(),
        Json::Bool(false) => Atom::FALSE.into(),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Integer(number.into()),
            (None, Some(number)) => Value::Integer(number.into()),
            (None, None) => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => text.into(),
        Json::Array(items) => items.into_iter().map(value).collect::<List>().into(),
        Json::Object(members) => {
            let members = members.into_iter().map(|(key, json)| (Key::from(key), value(json)));
            members.collect::<Message>().into()
        }
    }
}
