//! Values of keys: plain, typed, or sub-paths. Source: spec 05, sections 1, 2 and 2.1.

use bytes::Bytes;

use super::parser::Parser;
use super::{PathError, SubPath, name, scan};
use crate::codec::decode_typed;
use crate::structured_field;
use crate::{Key, Value};

/// What a key of a step is set to.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Value(Value),
    SubPath(SubPath),
    /// The key is given, and so overrides others, but there is nothing to set.
    Nothing,
}

/// The path between the parentheses, if the text starts and ends with them.
pub(super) fn sub_path_text(text: &Bytes) -> Option<Bytes> {
    let inner = text.strip_prefix(b"(")?.strip_suffix(b")")?;
    Some(text.slice_ref(inner))
}

impl Parser {
    /// Reads a parameter of a segment, found at byte `at` of the path.
    pub(super) fn param(&mut self, text: &Bytes, at: usize) -> Result<(Key, Entry), PathError> {
        let Some(equals) = scan::find(text, b"=") else {
            return Ok((text.clone().into(), Entry::Value(true.into())));
        };
        let (key, kind) = name::split_type(&text.slice(..equals));
        let value = unquoted(&text.slice(equals + 1..));
        let entry = match (sub_path_text(&value), kind) {
            (Some(path), None) => Entry::SubPath(self.inline(&path, at + equals + 1)?),
            (Some(_), Some(_)) => return Err(PathError::TypedValue { key }),
            (None, Some(kind)) => self.typed(&key, &kind, &value)?,
            (None, None) => Entry::Value(value.into()),
        };
        Ok((key, entry))
    }

    /// Reads the text of a key that has a type suffix.
    pub(super) fn typed(
        &mut self,
        key: &Key,
        kind: &[u8],
        text: &Bytes,
    ) -> Result<Entry, PathError> {
        if kind.eq_ignore_ascii_case(b"resolve") {
            let error = |source| PathError::KeySubPath { key: key.clone(), source };
            return self.sub_path(text).map(Entry::SubPath).map_err(|e| error(Box::new(e)));
        }
        let text = without_quotes(text);
        match decode_typed(key, kind, &text) {
            Ok(value) => Ok(Entry::Value(value)),
            Err(_) if is_other_item(kind, &text) => Ok(Entry::Nothing),
            Err(source) => Err(PathError::Type { key: key.clone(), source }),
        }
    }

    /// Expands a sub-path that stands at byte `at` of the path.
    pub(super) fn inline(&mut self, path: &Bytes, at: usize) -> Result<SubPath, PathError> {
        self.sub_path(path).map_err(|source| PathError::SubPath { at, source: Box::new(source) })
    }
}

/// A value without its quotes: the first one, and if that is there, the last one.
fn unquoted(value: &Bytes) -> Bytes {
    match value.strip_prefix(b"\"") {
        Some(inner) => value.slice_ref(inner.strip_suffix(b"\"").unwrap_or(inner)),
        None => value.clone(),
    }
}

/// The text of a typed value: quotes are left out, escaped ones are quotes.
fn without_quotes(text: &Bytes) -> Bytes {
    if !text.contains(&b'"') {
        return text.clone();
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest: &[u8] = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'\\', [b'"', after @ ..]) => {
                plain.push(b'"');
                rest = after;
            }
            (b'"', _) => {}
            _ => plain.push(*byte),
        }
    }
    plain.into()
}

/// Whether an `integer` is a value of another type. The network drops such a key without an error.
fn is_other_item(kind: &[u8], text: &Bytes) -> bool {
    kind.eq_ignore_ascii_case(b"integer") && structured_field::item(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn an_inline_value_loses_one_pair_of_quotes() {
        assert_eq!(unquoted(&text("\"a\"")), "a");
        assert_eq!(unquoted(&text("\"a")), "a");
        assert_eq!(unquoted(&text("a\"")), "a\"");
        assert_eq!(unquoted(&text("\"")), "");
        assert_eq!(unquoted(&text("\"\"a\"\"")), "\"a\"");
    }

    #[test]
    fn a_typed_value_loses_all_quotes_but_escaped_ones() {
        assert_eq!(without_quotes(&text(r#""a",\"b\",c\"#)), r#"a,"b",c\"#);
    }

    #[test]
    fn a_sub_path_starts_and_ends_with_parentheses() {
        assert_eq!(sub_path_text(&text("()")), Some(Bytes::new()));
        assert_eq!(sub_path_text(&text("(a)(b)")), Some(text("a)(b")));
        for other in ["", "(", ")", "(a", "a)", " (a)"] {
            assert_eq!(sub_path_text(&text(other)), None, "{other}");
        }
    }
}
