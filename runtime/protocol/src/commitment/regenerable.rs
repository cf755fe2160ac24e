//! Keys that are computed anew wherever a message is read, so that no signature covers them.

use super::COMMITMENTS;
use crate::codec::is_regenerable;
use crate::limits::MAX_DEPTH;
use crate::{Message, Value};

/// A message without the keys that are computed anew, at any depth: no signature covers them.
pub(super) fn without_regenerable(message: &Message) -> Message {
    if !holds_regenerable(message, 1) {
        return message.clone();
    }
    let kept = message.iter().filter(|(key, _)| !is_regenerable(key));
    let kept = kept.map(|(key, value)| match value {
        Value::Map(child) if *key != COMMITMENTS => {
            (key.clone(), without_regenerable(child).into())
        }
        Value::List(list) => (key.clone(), list.iter().map(value_without_regenerable).collect()),
        value => (key.clone(), value.clone()),
    });
    kept.collect::<Message>().with_private_of(message)
}

fn value_without_regenerable(value: &Value) -> Value {
    match value {
        Value::Map(map) => without_regenerable(map).into(),
        Value::List(list) => list.iter().map(value_without_regenerable).collect(),
        value => value.clone(),
    }
}

fn holds_regenerable(message: &Message, depth: usize) -> bool {
    fn within(value: &Value, depth: usize) -> bool {
        match value {
            _ if depth > MAX_DEPTH => false,
            Value::Map(map) => holds_regenerable(map, depth),
            Value::List(list) => list.iter().any(|value| within(value, depth + 1)),
            _ => false,
        }
    }
    message.iter().any(|(key, value)| is_regenerable(key) || within(value, depth + 1))
}
