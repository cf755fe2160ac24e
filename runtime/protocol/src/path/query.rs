//! The query of a path: form fields. Source: spec 05, section 2.

use bytes::Bytes;

use super::PathError;
use super::percent::decode_field;
use crate::{Key, Value};

/// The names and values of a query, in order, duplicates included. A bare name is true.
///
/// # Errors
/// A value without a name, or a percent sign that encodes nothing.
pub(super) fn pairs(query: &Bytes) -> Result<Vec<(Key, Value)>, PathError> {
    let mut at = 0;
    let mut pairs = Vec::new();
    for pair in query.split(|byte| *byte == b'&') {
        if !pair.is_empty() {
            pairs.push(read(&query.slice_ref(pair), at)?);
        }
        at += pair.len() + 1;
    }
    Ok(pairs)
}

fn read(pair: &Bytes, at: usize) -> Result<(Key, Value), PathError> {
    let Some(equals) = memchr::memchr(b'=', pair) else {
        return Ok((decode_field(pair, at)?.into(), true.into()));
    };
    if equals == 0 {
        return Err(PathError::Nameless { at });
    }
    let value = decode_field(&pair.slice(equals + 1..), at + equals + 1)?;
    Ok((decode_field(&pair.slice(..equals), at)?.into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &'static str) -> Result<Vec<(Key, Value)>, PathError> {
        pairs(&Bytes::from_static(query.as_bytes()))
    }

    #[test]
    fn a_query_holds_values_and_bare_names() {
        let expected = vec![
            ("a".into(), "1 2".into()),
            ("b".into(), true.into()),
            ("c d".into(), "".into()),
            ("e".into(), "f=g?h".into()),
        ];
        assert_eq!(read("a=1+2&b&&c+d=&e=f=g?h").unwrap(), expected);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn a_value_needs_a_name() {
        assert_eq!(read("a=1&=2"), Err(PathError::Nameless { at: 4 }));
    }
}
