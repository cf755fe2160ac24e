//! What several devices read from messages: numbers and paths, in the forms in which clients send
//! them.

use num_bigint::BigInt;
use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::{Key, Message, Value};

use crate::number;

/// The integer under a key, sent with its type or as text. Source: spec 15, section 3.
///
/// # Errors
/// What is there is no integer; errors of [`Context::get`].
pub(crate) async fn integer(
    context: &Context,
    message: &Message,
    key: &str,
) -> Result<Option<BigInt>, CallError> {
    let Some(value) = context.get(message, key).await? else { return Ok(None) };
    let wrong = || CallError::Raised(format!("key {key} holds no integer"));
    number::whole(&value).map(Some).ok_or_else(wrong)
}

/// A prefix of a stack's devices: `input-prefix` or `output-prefix`. Empty if there is none. Source:
/// spec 13, section 1.
///
/// # Errors
/// What is there is no text; errors of [`Context::get`].
pub(crate) async fn prefix(
    context: &Context,
    message: &Message,
    key: &str,
) -> Result<String, CallError> {
    match context.get(message, key).await? {
        None => Ok(String::new()),
        Some(value) => match value.as_name() {
            Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            None => Err(CallError::Raised(format!("{key} is no text"))),
        },
    }
}

/// The components of a path: text with slashes, or a list of it. `None` if the value is no path.
pub(crate) fn path(value: &Value) -> Option<Vec<Key>> {
    match value {
        Value::List(list) => {
            let parts: Option<Vec<_>> = list.iter().map(components).collect();
            Some(parts?.concat())
        }
        value => components(value),
    }
}

fn components(value: &Value) -> Option<Vec<Key>> {
    let text = value.as_name()?;
    let parts = text.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    Some(parts.map(|part| text.slice_ref(part).into()).collect())
}
