//! `ao-types` among the keys of a request. Source: spec 05, section 3.2 and spec 01, section 7.

use bytes::Bytes;

use super::{PathError, Request};
use crate::codec::{DecodeError, EncodeError, Links, Structured};
use crate::{Key, Message, Value};

const AO_TYPES: Key = Key::from_static("ao-types");

/// The text of a request's `ao-types`, if it came with them.
pub(super) fn of(request: &Request) -> Option<&Bytes> {
    request.message.get_exact(AO_TYPES).and_then(Value::as_bytes)
}

/// Gives the values of a request the types that its `ao-types` says.
///
/// The network writes and reads every step once; `ao-types` that are there already replace those of
/// the writing. Nested messages have their own and stay as they are.
pub(super) fn apply(request: &mut Request) -> Result<(), PathError> {
    if !request.message.contains(AO_TYPES) {
        return Ok(());
    }
    let (scalars, mut rest) = (scalars(&request.message), request.message.clone());
    rest.retain(|key, _| !scalars.contains(key));
    rest.extend(retype(scalars).map_err(|source| PathError::Annotations { source })?);
    request.message = rest;
    Ok(())
}

fn scalars(message: &Message) -> Message {
    let is_nested =
        |value: &Value| matches!(value, Value::Map(_) | Value::List(_) | Value::Link(_));
    let scalars = message.iter().filter(|(_, value)| !is_nested(value));
    scalars.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn retype(scalars: Message) -> Result<Message, EncodeError> {
    match (Structured { links: Links::Discard }).read_back(&Value::Map(scalars))? {
        Value::Map(message) => Ok(message),
        _ => Err(DecodeError::IllTyped { key: AO_TYPES, expected: "that of a map" }.into()),
    }
}
