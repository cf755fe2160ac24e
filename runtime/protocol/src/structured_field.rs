//! Structured fields (RFC 9651) as the network reads them: lists, dictionaries and items.
//!
//! Differences to the RFC, source spec 01, section 7.2: a dictionary's keys may hold upper-case
//! letters and `%`, and start with a digit, `%`, `_` or `-`, the first key also with `.`. Dates and
//! display strings are not known.

use bytes::Bytes;

use crate::limits::MAX_VALUES;
use crate::{Key, base64};

/// Most digits of an integer that is read.
pub const MAX_INTEGER_DIGITS: usize = 15;
/// Most digits before the point of a decimal.
const MAX_DECIMAL_DIGITS: usize = 12;
/// Most digits behind the point of a decimal.
const MAX_FRACTION_DIGITS: usize = 3;

/// Text that is not the structured field that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at byte {at}")]
#[non_exhaustive]
pub struct SyntaxError {
    /// What would have been right.
    pub expected: &'static str,
    /// Where it was looked for, in bytes from the start of the field.
    pub at: usize,
}

/// A value without parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Bare {
    /// An integer of at most 15 digits.
    Integer(i64),
    /// A decimal.
    Decimal(f64),
    /// A quoted string, unescaped.
    Text(Bytes),
    /// A bare word.
    Token(Bytes),
    /// A byte sequence, decoded.
    Bytes(Vec<u8>),
    /// `?1` or `?0`.
    Boolean(bool),
}

/// Names and values behind a value, in order, duplicates included.
pub type Parameters = Vec<(Key, Bare)>;

/// A value and its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The value.
    pub bare: Bare,
    /// Its parameters.
    pub parameters: Parameters,
}

/// A member of a list or dictionary.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// A single value.
    Item(Item),
    /// A list in parentheses, with the parameters of the whole.
    Inner(Vec<Item>, Parameters),
}

/// Reads a dictionary: its members in order, duplicates included; of those the last one counts.
///
/// # Errors
/// Where the text leaves the grammar.
pub fn dictionary(field: &Bytes) -> Result<Vec<(Key, Member)>, SyntaxError> {
    let mut cursor = Cursor::new(field);
    cursor.members(|cursor, first| {
        let key = cursor.dictionary_key(first)?;
        let member = if cursor.take(b'=') { cursor.member()? } else { cursor.present()? };
        Ok((key, member))
    })
}

/// Reads a list.
///
/// # Errors
/// Where the text leaves the grammar.
pub fn list(field: &Bytes) -> Result<Vec<Member>, SyntaxError> {
    Cursor::new(field).members(|cursor, _| cursor.member())
}

/// Reads a single item with its parameters.
///
/// # Errors
/// Where the text leaves the grammar.
pub fn item(field: &Bytes) -> Result<Item, SyntaxError> {
    let mut cursor = Cursor::new(field);
    let item = cursor.item()?;
    cursor.end()?;
    Ok(item)
}

/// Writes a quoted string: `"` and `\` are escaped, other bytes pass as they are.
pub fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// Writes a byte sequence: base64 between colons.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b':');
    out.extend_from_slice(base64::encode_standard(bytes).as_bytes());
    out.push(b':');
}

struct Cursor<'a> {
    field: &'a Bytes,
    at: usize,
}

impl<'a> Cursor<'a> {
    const fn new(field: &'a Bytes) -> Self {
        Self { field, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.field.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), SyntaxError> {
        self.take(byte).then_some(()).ok_or_else(|| self.error(expected))
    }

    const fn error(&self, expected: &'static str) -> SyntaxError {
        SyntaxError { expected, at: self.at }
    }

    fn end(&self) -> Result<(), SyntaxError> {
        if self.at == self.field.len() { Ok(()) } else { Err(self.error("the end")) }
    }

    /// The bytes from here that `belongs` says yes to.
    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> Bytes {
        let rest = self.field.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| belongs(**byte)).count();
        let run = self.field.slice(self.at..self.at + length);
        self.at += length;
        run
    }

    /// Members between commas, with white space around them, up to the end of the field.
    fn members<T>(
        &mut self,
        mut member: impl FnMut(&mut Self, bool) -> Result<T, SyntaxError>,
    ) -> Result<Vec<T>, SyntaxError> {
        self.run(|byte| byte == b' ');
        let mut members = Vec::new();
        if self.peek().is_none() {
            return Ok(members);
        }
        loop {
            if members.len() == MAX_VALUES {
                return Err(self.error("no more members than a message has values"));
            }
            members.push(member(self, members.is_empty())?);
            self.run(is_white);
            if self.peek().is_none() {
                return Ok(members);
            }
            self.expect(b',', "a comma")?;
            self.run(is_white);
        }
    }

    fn dictionary_key(&mut self, first: bool) -> Result<Key, SyntaxError> {
        match self.peek() {
            Some(b'.') if !first => Err(self.error("a key")),
            Some(byte) if is_dictionary_key(byte) => Ok(self.run(is_dictionary_key).into()),
            _ => Err(self.error("a key")),
        }
    }

    /// A member without a value stands for true.
    fn present(&mut self) -> Result<Member, SyntaxError> {
        let parameters = self.parameters()?;
        Ok(Member::Item(Item { bare: Bare::Boolean(true), parameters }))
    }

    fn member(&mut self) -> Result<Member, SyntaxError> {
        if !self.take(b'(') {
            return Ok(Member::Item(self.item()?));
        }
        let mut items = Vec::new();
        loop {
            let spaces = self.run(|byte| byte == b' ').len();
            if self.take(b')') {
                return Ok(Member::Inner(items, self.parameters()?));
            }
            if !items.is_empty() && spaces == 0 {
                return Err(self.error("a space"));
            }
            items.push(self.item()?);
        }
    }

    fn item(&mut self) -> Result<Item, SyntaxError> {
        Ok(Item { bare: self.bare()?, parameters: self.parameters()? })
    }

    fn parameters(&mut self) -> Result<Parameters, SyntaxError> {
        let mut parameters = Vec::new();
        while self.take(b';') {
            self.run(|byte| byte == b' ');
            if !self.peek().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'*') {
                return Err(self.error("a parameter"));
            }
            let key = self.run(is_parameter_key).into();
            let value = if self.take(b'=') { self.bare()? } else { Bare::Boolean(true) };
            parameters.push((key, value));
        }
        Ok(parameters)
    }

    fn bare(&mut self) -> Result<Bare, SyntaxError> {
        match self.peek() {
            Some(b'"') => self.text().map(Bare::Text),
            Some(b':') => self.byte_sequence().map(Bare::Bytes),
            Some(b'?') => self.boolean().map(Bare::Boolean),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'*' => {
                Ok(Bare::Token(self.run(is_token)))
            }
            _ => Err(self.error("a value")),
        }
    }

    fn text(&mut self) -> Result<Bytes, SyntaxError> {
        self.at += 1;
        let plain = self.run(|byte| is_printable(byte) && !matches!(byte, b'"' | b'\\'));
        if self.take(b'"') {
            return Ok(plain);
        }
        let mut text = plain.to_vec();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escaped()?),
                Some(byte) if is_printable(byte) => text.push(byte),
                _ => return Err(self.error("a printable character or a quote")),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(text.into())
    }

    fn escaped(&mut self) -> Result<u8, SyntaxError> {
        self.at += 1;
        match self.peek() {
            Some(byte @ (b'"' | b'\\')) => Ok(byte),
            _ => Err(self.error("an escaped quote or backslash")),
        }
    }

    fn byte_sequence(&mut self) -> Result<Vec<u8>, SyntaxError> {
        self.at += 1;
        let start = self.at;
        let text = self.run(|byte| byte != b':');
        let bytes = base64::decode(&text);
        let bytes = bytes.map_err(|_| SyntaxError { expected: "base64", at: start })?;
        self.expect(b':', "a colon")?;
        Ok(bytes)
    }

    fn boolean(&mut self) -> Result<bool, SyntaxError> {
        self.at += 1;
        if self.take(b'1') { Ok(true) } else { self.expect(b'0', "0 or 1").map(|()| false) }
    }

    fn number(&mut self) -> Result<Bare, SyntaxError> {
        let start = self.at;
        self.take(b'-');
        let digits = self.run(|byte| byte.is_ascii_digit()).len();
        let is_decimal = digits > 0 && self.take(b'.');
        let fraction = if is_decimal { self.run(|byte| byte.is_ascii_digit()).len() } else { 0 };
        let text = self.field.slice(start..self.at);
        let text = str::from_utf8(&text).unwrap_or_default();
        let number = match (is_decimal, digits, fraction) {
            (false, 1..=MAX_INTEGER_DIGITS, _) => text.parse().ok().map(Bare::Integer),
            (true, 1..=MAX_DECIMAL_DIGITS, 1..=MAX_FRACTION_DIGITS) => {
                text.parse().ok().map(Bare::Decimal)
            }
            _ => None,
        };
        number.ok_or(SyntaxError {
            expected: "an integer of at most 15 digits or a decimal",
            at: start,
        })
    }
}

const fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

const fn is_dictionary_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'*' | b'%')
}

const fn is_parameter_key(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*')
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-'..=b'/' | b':' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bare: Bare) -> Member {
        Member::Item(Item { bare, parameters: Vec::new() })
    }

    #[test]
    fn every_kind_of_item_reads_back() {
        let read = list(&Bytes::from("1, -2.5, \"a \\\"b\\\\\", tok/en, :aGk=:, ?0, *")).unwrap();
        let expected = [
            Bare::Integer(1),
            Bare::Decimal(-2.5),
            Bare::Text("a \"b\\".into()),
            Bare::Token("tok/en".into()),
            Bare::Bytes(b"hi".to_vec()),
            Bare::Boolean(false),
            Bare::Token("*".into()),
        ];
        assert_eq!(read, expected.map(plain));
    }

    #[test]
    fn a_dictionary_of_inner_lists_carries_parameters() {
        let field = Bytes::from("sig=(\"a\" \"b\");alg=\"x\";created=5, flag");
        let members = dictionary(&field).unwrap();
        let text = |text: &str| Item {
            bare: Bare::Text(Bytes::copy_from_slice(text.as_bytes())),
            parameters: Vec::new(),
        };
        let parameters =
            vec![("alg".into(), Bare::Text("x".into())), ("created".into(), Bare::Integer(5))];
        assert_eq!(
            members[0],
            ("sig".into(), Member::Inner(vec![text("a"), text("b")], parameters))
        );
        assert_eq!(members[1], ("flag".into(), plain(Bare::Boolean(true))));
    }

    #[test]
    fn an_error_names_what_was_expected_and_where() {
        let error = |field: &'static str| {
            let error = dictionary(&Bytes::from_static(field.as_bytes())).unwrap_err();
            (error.expected, error.at)
        };
        assert_eq!(error("a=1,"), ("a key", 4));
        assert_eq!(error("a=1 x"), ("a comma", 4));
        assert_eq!(error("a=\"é\""), ("a printable character or a quote", 3));
        assert_eq!(error("a=(1(2))"), ("a space", 4));
        assert_eq!(error("a=1, .b=2"), ("a key", 5));
        assert_eq!(error("a=1;B=2"), ("a parameter", 4));
        assert_eq!(
            error("a=1234567890123456"),
            ("an integer of at most 15 digits or a decimal", 2)
        );
    }
}
