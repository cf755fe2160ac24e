//! Numbers in requests: clients send them as integers or as decimal text.

use num_bigint::BigInt;
use oxbeam_kernel::CallError;
use oxbeam_protocol::{Message, Value};

/// Longest decimal text that is read.
const MAX_DIGITS: usize = 40;

/// The number under a key of a request.
///
/// # Errors
/// Something else is there.
pub(crate) fn number(request: &Message, key: &str) -> Result<Option<BigInt>, CallError> {
    let Some(value) = request.get(key) else { return Ok(None) };
    let number = match value {
        Value::Integer(number) => Some(number.clone()),
        value => value
            .as_name()
            .filter(|text| text.len() <= MAX_DIGITS)
            .and_then(|text| BigInt::parse_bytes(text, 10)),
    };
    let wrong = || CallError::BadRequest(format!("`{key}` must be a whole number"));
    number.map(Some).ok_or_else(wrong)
}
