//! Whole numbers in messages: clients send them as integers or as decimal text.

use num_bigint::BigInt;
use oxbeam_kernel::CallError;
use oxbeam_protocol::{Message, Value};

/// Longest decimal text that is read. Reading it takes time that grows with the square of its length.
const MAX_DIGITS: usize = 40;

/// The number under a key of a request.
///
/// # Errors
/// Something else is there.
pub(crate) fn number(request: &Message, key: &str) -> Result<Option<BigInt>, CallError> {
    let Some(value) = request.get(key) else { return Ok(None) };
    let wrong = || CallError::BadRequest(format!("`{key}` must be a whole number"));
    whole(value).map(Some).ok_or_else(wrong)
}

/// The whole number that a value is, or is the text of.
pub(crate) fn whole(value: &Value) -> Option<BigInt> {
    match value {
        Value::Integer(number) => Some(number.clone()),
        value => {
            let text = value.as_name().filter(|text| text.len() <= MAX_DIGITS)?;
            BigInt::parse_bytes(text, 10)
        }
    }
}
