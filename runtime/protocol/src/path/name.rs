//! What the name of a key says besides the key: a type, a scope. Source: spec 05, section 2.

use std::num::IntErrorKind;

use bytes::Bytes;

use super::{PathError, scan};
use crate::Key;

/// Splits `key+type` or `key type`: the key, and the type if one is named.
pub(super) fn split_type(name: &Bytes) -> (Key, Option<Bytes>) {
    match scan::find(name, b"+ ") {
        Some(at) => (name.slice(..at).into(), Some(name.slice(at + 1..))),
        None => (name.clone().into(), None),
    }
}

/// Splits `N.key`: the number of a step, if the key belongs to one alone, and the key.
///
/// # Errors
/// One dot behind something that is not the number of a step. No dot or several are no scope.
pub(super) fn split_scope(key: &Key) -> Result<(Option<usize>, Key), PathError> {
    let bytes = key.to_bytes();
    let mut dots = memchr::memchr_iter(b'.', &bytes);
    match (dots.next(), dots.next()) {
        (Some(dot), None) => {
            let step = bytes.get(..dot).and_then(step_number);
            let step = step.ok_or_else(|| PathError::Scope { key: key.clone() })?;
            Ok((Some(step), bytes.slice(dot + 1..).into()))
        }
        _ => Ok((None, key.clone())),
    }
}

/// A number too large for any step is as good as the largest.
fn step_number(text: &[u8]) -> Option<usize> {
    match str::from_utf8(text).ok()?.parse::<i64>() {
        Ok(number) => usize::try_from(number).ok(),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(usize::MAX),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_comes_behind_the_first_plus_sign_or_space() {
        let split = |name: &'static str| split_type(&Bytes::from_static(name.as_bytes()));
        assert_eq!(split("k"), ("k".into(), None));
        assert_eq!(split("k+a b"), ("k".into(), Some("a b".into())));
        assert_eq!(split("k a+b"), ("k".into(), Some("a+b".into())));
        assert_eq!(split("+"), ("".into(), Some("".into())));
        assert_eq!(split("(k+a)"), ("(k+a)".into(), None));
    }

    #[test]
    fn exactly_one_dot_makes_a_scope() {
        let split = |key: &str| split_scope(&key.into());
        assert_eq!(split("12.k"), Ok((Some(12), "k".into())));
        assert_eq!(split("00."), Ok((Some(0), "".into())));
        assert_eq!(split("k"), Ok((None, "k".into())));
        assert_eq!(split("1.k.l"), Ok((None, "1.k.l".into())));
        assert_eq!(split("99999999999999999999.k"), Ok((Some(usize::MAX), "k".into())));
    }

    #[test]
    fn a_scope_is_the_number_of_a_step() {
        for key in ["file.name", "-1.k", ".k", "1x.k", "ü.k"] {
            assert_eq!(
                split_scope(&key.into()),
                Err(PathError::Scope { key: key.into() }),
                "{key}"
            );
        }
    }
}
