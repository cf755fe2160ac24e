//! Separators that count: those outside parentheses and quotes. Source: spec 05, section 1.
//!
//! A `)` without its `(` is an ordinary byte. Between quotes a backslash and the byte behind it are
//! skipped. A parenthesis or quote that stays open covers the rest of the text.

use bytes::Bytes;

/// Goes through a text from separator to separator.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    in_quotes: bool,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, in_quotes: false }
    }

    /// The position of the next separator; the scanner goes on behind it.
    pub(super) fn separator(&mut self, separators: &[u8]) -> Option<usize> {
        let mut depth = 0_usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'"' => self.skip_quoted(),
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                _ if depth == 0 && separators.contains(&byte) => return Some(self.at - 1),
                _ => {}
            }
        }
        None
    }

    /// Whether the text ended between quotes.
    pub(super) const fn in_quotes(&self) -> bool {
        self.in_quotes
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_quoted(&mut self) {
        loop {
            match self.byte() {
                Some(b'"') => return,
                Some(b'\\') => {
                    self.byte();
                }
                Some(_) => {}
                None => return self.in_quotes = true,
            }
        }
    }
}

/// The position of the first separator.
pub(super) fn find(text: &[u8], separators: &[u8]) -> Option<usize> {
    Scanner::new(text).separator(separators)
}

/// The parts between separators with the positions where they start, without empty ones.
pub(super) fn parts(text: &Bytes, separator: u8) -> impl Iterator<Item = (usize, Bytes)> {
    let mut scanner = Scanner::new(text);
    let mut next = Some(0);
    let all = std::iter::from_fn(move || {
        let start = next?;
        let end = scanner.separator(&[separator]);
        next = end.map(|end| end + 1);
        Some((start, text.slice(start..end.unwrap_or(text.len()))))
    });
    all.filter(|(_, part)| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &'static str) -> Vec<String> {
        let text = Bytes::from_static(text.as_bytes());
        let parts = parts(&text, b'/');
        parts.map(|(_, part)| String::from_utf8(part.to_vec()).unwrap()).collect()
    }

    #[test]
    fn empty_parts_are_left_out() {
        assert_eq!(split("//a//b/"), ["a", "b"]);
        assert!(split("").is_empty() && split("///").is_empty());
    }

    #[test]
    fn separators_in_parentheses_and_quotes_are_ordinary_bytes() {
        assert_eq!(split("a(b/(c)/d)/e"), ["a(b/(c)/d)", "e"]);
        assert_eq!(split("a\"b/c\"/d"), ["a\"b/c\"", "d"]);
        assert_eq!(split(r#"a"b\"/c"/d"#), [r#"a"b\"/c""#, "d"]);
        assert_eq!(split("(\")/\"/)/a"), ["(\")/\"/)", "a"]);
    }

    #[test]
    fn what_is_not_opened_does_not_close_and_what_is_not_closed_covers_the_rest() {
        assert_eq!(split("a)/b"), ["a)", "b"]);
        assert_eq!(split("a/(b/c"), ["a", "(b/c"]);
        assert_eq!(split("a/\"b/c\\"), ["a", "\"b/c\\"]);
    }

    #[test]
    fn parts_know_where_they_start() {
        let text = Bytes::from_static(b"/ab//c");
        let parts: Vec<_> = parts(&text, b'/').collect();
        assert_eq!(parts, [(1, Bytes::from_static(b"ab")), (5, Bytes::from_static(b"c"))]);
    }
}
