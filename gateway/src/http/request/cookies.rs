//! The header `cookie`. Source: spec 25, section 5.

use bytes::Bytes;
use oxbeam_protocol::{Key, Message};

/// Cookies by name, out of quotes and percent signs.
pub(super) fn read(header: &[u8]) -> Message {
    let mut cookies = Message::new();
    for pair in pairs(header) {
        let pair = pair.trim_ascii();
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = pair.split_at(equals);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        let name = Key::from(Bytes::copy_from_slice(name.trim_ascii()));
        cookies.insert(name, decoded(quoted.unwrap_or(value)));
    }
    cookies
}

/// The parts between semicolons that stand outside of quotes.
fn pairs(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut in_quotes = false;
    header.split(move |byte| {
        in_quotes ^= *byte == b'"';
        *byte == b';' && !in_quotes
    })
}

/// A percent sign that encodes nothing stands for itself.
fn decoded(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let [byte, tail @ ..] = text {
        let hex = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        let escaped = if *byte == b'%' { hex(0).zip(hex(1)) } else { None };
        let escaped = escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        plain.push(escaped.unwrap_or(*byte));
        text = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_come_without_quotes_and_percent_signs() {
        let cookies = read(b"a=b; c=\"d; e\" ;f=%22g%; h");
        assert_eq!(cookies, Message::from([("a", "b"), ("c", "d; e"), ("f", "\"g%")]));
    }
}
