//! What the fuzz targets share: readable forms of input, and what is done with all that was read.
//!
//! A target reads its input. What is refused is done with; what is read must come through
//! [`use_everywhere`] without a panic, and where a codec promises it, be the same when it was
//! written and read again.

use bytes::Bytes;
use oxbeam_protocol::codec::{Ans104, Flat, HttpMessage, HttpSig, Json, Links, Structured};
use oxbeam_protocol::commitment::{self, Commitment};
use oxbeam_protocol::{Key, Message, NoContent, Value};

/// Lines `name: value` as headers; what follows the first empty line is the body.
pub fn http_message(input: &[u8]) -> HttpMessage {
    let input = Bytes::copy_from_slice(input);
    let end =
        if input.starts_with(b"\n") { Some(0) } else { find(&input, b"\n\n").map(|at| at + 1) };
    let lines = input.slice(..end.unwrap_or(input.len()));
    let headers =
        lines.split(|byte| *byte == b'\n').filter_map(|line| pair(&lines, line)).collect();
    HttpMessage { headers, body: end.map(|end| input.slice(end + 1..)) }
}

/// Lines `name: value` as a flat message.
pub fn flat_message(input: &[u8]) -> Message {
    let input = Bytes::copy_from_slice(input);
    input.split(|byte| *byte == b'\n').filter_map(|line| pair(&input, line)).collect()
}

fn pair(input: &Bytes, line: &[u8]) -> Option<(Key, Bytes)> {
    let at = find(line, b": ")?;
    Some((input.slice_ref(&line[..at]).into(), input.slice_ref(&line[at + 2..])))
}

fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len()).position(|window| window == pattern)
}

/// A TABM of any shape, read from the input: per entry a key, then a value.
///
/// | Bytes                      | Meaning                                    |
/// |----------------------------|--------------------------------------------|
/// | key: `n`, then n bytes     | n under 128: the key                       |
/// | key: 128 and more          | the map ends                               |
/// | value: `n`, then n bytes   | n under 192: that many bytes               |
/// | value: 192 and more        | a nested map                               |
pub fn tabm(input: &[u8]) -> Message {
    Builder { input: Bytes::copy_from_slice(input) }.map(0)
}

struct Builder {
    input: Bytes,
}

impl Builder {
    fn map(&mut self, depth: usize) -> Message {
        let mut map = Message::new();
        while let Some(length) = self.byte().filter(|length| *length < 128) {
            let key = Key::from(self.take(length));
            let value = match self.byte() {
                Some(192..) if depth < 200 => Value::Map(self.map(depth + 1)),
                length => Value::Bytes(self.take(length.unwrap_or_default())),
            };
            map.insert(key, value);
        }
        map
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).first().copied()
    }

    fn take(&mut self, length: u8) -> Bytes {
        self.input.split_to(self.input.len().min(length.into()))
    }
}

/// Writes the value with every codec, names it, and verifies it. Answers do not matter here, only
/// that there is one.
pub fn use_everywhere(value: &Value) {
    for links in [Links::Discard, Links::Embed(&NoContent)] {
        let _ = Structured { links }.encode(value);
        let _ = HttpSig { links }.encode(value);
        let _ = Json { links }.encode(value);
        let _ = Ans104 { links }.encode(value);
        let _ = Flat::encode_text(value, links);
    }
    let _ = commitment::unsigned_id(value);
    let _ = commitment::signed_id(value);
    let _ = commitment::full_id(value);
    if let Value::Map(message) = value {
        let _ = commitment::verify_all(message, &NoContent);
        let _ = commitment::authenticate(message, &NoContent);
        for commitment in Commitment::all(message) {
            let _ = commitment::signature_base_of(message, &commitment, &NoContent);
        }
    }
}

/// Whether nothing in the value says how other parts of it are to be read or written.
///
/// `ao-types`, `+link` and the keys that are computed anew take effect when the value is written, so
/// that a value that has them is not the same when it is read again.
pub fn is_plain(value: &Value) -> bool {
    let is_plain_key = |key: &Key| {
        let name = key.as_bytes();
        !matches!(name, b"ao-types" | b"content-digest" | b"unsigned_id" | b"commitments")
            && !name.ends_with(b"+link")
    };
    match value {
        Value::Map(map) => map.iter().all(|(key, value)| is_plain_key(key) && is_plain(value)),
        Value::List(list) => list.iter().all(is_plain),
        Value::Link(_) => false,
        Value::Bytes(_) | Value::Integer(_) | Value::Float(_) | Value::Atom(_) => true,
    }
}
