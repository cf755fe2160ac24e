//! Percent-encoding, of paths and of form fields. Source: spec 05, sections 1 and 2.

use bytes::Bytes;

use super::PathError;

/// What stays as it is in a path that is written, besides letters and digits.
const PATH_SAFE: &[u8] = b"-._~!$&'()*+,;=:@/?";
/// What stays as it is in a form field that is written, besides letters and digits.
const FIELD_SAFE: &[u8] = b"-._~";

/// Decodes a path. A percent sign among the last two bytes stands for itself, as does `+`.
///
/// # Errors
/// Any other percent sign that is not followed by two hexadecimal digits.
pub(super) fn decode_path(text: &Bytes) -> Result<Bytes, PathError> {
    if !text.contains(&b'%') {
        return Ok(text.clone());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest: &[u8] = text;
    while let [byte, tail @ ..] = rest {
        let escape = if *byte == b'%' { tail.first_chunk() } else { None };
        let at = text.len() - rest.len();
        let error = || PathError::Percent { at, part: "path" };
        decoded.push(escape.map_or(Ok(*byte), |digits| hex(digits).ok_or_else(error))?);
        rest = if escape.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    Ok(decoded.into())
}

/// Decodes a name or value of a query, found at byte `start` of it: `+` is a space.
///
/// # Errors
/// A percent sign that is not followed by two hexadecimal digits.
pub(super) fn decode_field(text: &Bytes, start: usize) -> Result<Bytes, PathError> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(text.clone());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let at = start + text.len() - rest.len() - 1;
                let error = PathError::Percent { at, part: "query" };
                let digits = rest.as_slice().first_chunk();
                rest = rest.as_slice().get(2..).unwrap_or_default().iter();
                digits.and_then(hex).ok_or(error)?
            }
            other => *other,
        });
    }
    Ok(decoded.into())
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

/// Encodes what [`decode_path`] decodes. Quotes stay readable for a path around this one.
pub(super) fn encode_path(text: &[u8], keep_quotes: bool) -> Vec<u8> {
    encode(text, |byte| PATH_SAFE.contains(&byte) || (keep_quotes && byte == b'"'))
}

/// Encodes what [`decode_field`] decodes.
pub(super) fn encode_field(text: &[u8]) -> Vec<u8> {
    encode(text, |byte| FIELD_SAFE.contains(&byte))
}

fn encode(text: &[u8], is_safe: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_alphanumeric() || is_safe(*byte) {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &'static str) -> Result<Bytes, PathError> {
        decode_path(&Bytes::from_static(text.as_bytes()))
    }

    fn field(text: &'static str) -> Result<Bytes, PathError> {
        decode_field(&Bytes::from_static(text.as_bytes()), 7)
    }

    #[test]
    fn a_path_is_decoded_once_and_keeps_its_plus_signs() {
        assert_eq!(path("a%2Fb%c3%BC+%2520").unwrap(), "a/bü+%20");
    }

    #[test]
    fn a_percent_sign_at_the_end_of_a_path_stands_for_itself() {
        assert_eq!(path("a%").unwrap(), "a%");
        assert_eq!(path("a%2").unwrap(), "a%2");
    }

    #[test]
    fn other_percent_signs_without_digits_are_errors_that_say_where() {
        assert_eq!(path("%20%zz"), Err(PathError::Percent { at: 3, part: "path" }));
        assert_eq!(field("a%20%"), Err(PathError::Percent { at: 11, part: "query" }));
        assert_eq!(field("%+1"), Err(PathError::Percent { at: 7, part: "query" }));
    }

    #[test]
    fn a_plus_sign_in_a_field_is_a_space() {
        assert_eq!(field("a+b%2Bc").unwrap(), "a b+c");
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(decode_path(&encode_path(&bytes, false).into()).unwrap(), bytes);
        assert_eq!(decode_path(&encode_path(&bytes, true).into()).unwrap(), bytes);
        assert_eq!(decode_field(&encode_field(&bytes).into(), 0).unwrap(), bytes);
    }
}
