//! Multipart bodies: one part for each nested message or long value. Source: spec 02, sections 3.4
//! and 4.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;

use super::{AO_BODY_KEY, BODY, CONTENT_DIGEST, CONTENT_TYPE, Inline};
use crate::codec::types::AO_TYPES;
use crate::codec::{DecodeError, EncodeError};
use crate::limits::{MAX_KEY_LENGTH, MAX_PARTS, MAX_VALUES};
use crate::structured_field::{self as field, Bare};
use crate::{Key, Message, Value, base64, order};

const CONTENT_DISPOSITION: Key = Key::from_static("content-disposition");
/// What `ao-types` says in the part of a map without keys.
const EMPTY_MESSAGE: &str = "empty-message";
const CRLF: &[u8] = b"\r\n";
const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// Parts by path, in byte order.
pub(super) type Parts = BTreeMap<Key, Part>;

/// What a part holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A single value.
    Raw(Bytes),
    /// The short values of a map; that of `body` is the part's body.
    Headers(Message),
    /// A map without keys.
    EmptyMessage,
}

impl Part {
    /// About how many bytes the part takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Raw(bytes) => bytes.len(),
            Self::Headers(headers) => headers
                .iter()
                .map(|(key, value)| key.as_bytes().len() + value.as_bytes().map_or(0, Bytes::len))
                .sum(),
            Self::EmptyMessage => EMPTY_MESSAGE.len(),
        }
    }
}

/// The body, and the content type that names its boundary.
pub(super) fn encode(parts: Parts, inline: &Key) -> (Bytes, Bytes) {
    let parts: Vec<Vec<u8>> =
        parts.into_iter().map(|(key, part)| write(key, part, inline)).collect();
    let boundary = base64::encode_url(digest(&SHA256, &parts.join(CRLF)).as_ref());
    let size = parts.iter().map(|part| part.len() + boundary.len() + 6).sum::<usize>();
    let mut body = Vec::with_capacity(size + boundary.len() + 6);
    for part in parts {
        body.extend_from_slice(b"--");
        body.extend_from_slice(boundary.as_bytes());
        body.extend_from_slice(CRLF);
        body.extend_from_slice(&part);
        body.extend_from_slice(CRLF);
    }
    body.extend_from_slice(format!("--{boundary}--").as_bytes());
    (body.into(), format!("multipart/form-data; boundary=\"{boundary}\"").into())
}

/// Makes sure that no other message has the same parts.
///
/// # Errors
/// A line break or a separator where it would end a header, and a header that is the part's own.
pub(super) fn check_exact(parts: &Parts) -> Result<(), EncodeError> {
    let ambiguous = |key: &Key, reason| Err(EncodeError::Unwritable { key: key.clone(), reason });
    for (path, part) in parts {
        if path.as_bytes().iter().any(|byte| matches!(byte, b'"' | b'\r' | b'\n')) {
            return ambiguous(path, "signed, its name would end too soon");
        }
        let Part::Headers(headers) = part else { continue };
        if headers.get_exact(BODY).is_some_and(|body| body.is_name("")) {
            return ambiguous(path, "signed in place, its empty body would be lost");
        }
        for (key, value) in headers {
            let breaks = |bytes: &[u8]| memchr::memmem::find(bytes, CRLF).is_some();
            let value = value.as_bytes().filter(|_| *key != BODY).map_or(&[][..], |value| value);
            if breaks(value) || breaks(key.as_bytes()) {
                return ambiguous(path, "signed, its line break would start another key");
            }
            if memchr::memmem::find(key.as_bytes(), b": ").is_some() || *key == CONTENT_DISPOSITION
            {
                return ambiguous(path, "signed, one of its keys would read as another");
            }
        }
    }
    Ok(())
}

fn write(key: Key, part: Part, inline: &Key) -> Vec<u8> {
    let named = |key: &[u8]| [b"form-data;name=\"", key, b"\""].concat();
    let disposition = if key == *inline { b"inline".to_vec() } else { named(key.as_bytes()) };
    match part {
        Part::Raw(bytes) => write_part(Message::new(), disposition, Some(&bytes)),
        Part::EmptyMessage => {
            let types = Message::from([(AO_TYPES, Value::from_static(EMPTY_MESSAGE))]);
            write_part(types, disposition, None)
        }
        Part::Headers(mut headers) => {
            let body = headers.remove(BODY);
            let body = body.as_ref().and_then(Value::as_bytes);
            if headers.is_empty() {
                write_part(headers, named(Key::joined([&key, &BODY]).as_bytes()), body)
            } else {
                write_part(headers, disposition, body.filter(|body| !body.is_empty()))
            }
        }
    }
}

fn write_part(mut headers: Message, disposition: Vec<u8>, body: Option<&Bytes>) -> Vec<u8> {
    headers.insert(CONTENT_DISPOSITION, disposition);
    let mut lines: Vec<_> = headers.iter().collect();
    order::enumerate(&mut lines, |line| line.0);
    let lines = lines.into_iter().filter_map(|(key, value)| Some((key, value.as_bytes()?)));
    let lines: Vec<_> = lines.map(|(key, value)| [key.as_bytes(), b": ", value].concat()).collect();
    let mut part = lines.join(CRLF);
    if let Some(body) = body {
        part.extend_from_slice(BLANK_LINE);
        part.extend_from_slice(body);
    }
    part
}

/// The parts of a body, by name; of parts of one name the last counts. With them the names in the
/// order of their appearance.
pub(super) fn decode(
    body: &Bytes,
    boundary: &[u8],
    inline: &Key,
) -> Result<(BTreeMap<Key, Value>, Vec<Key>), DecodeError> {
    let mut parts = BTreeMap::new();
    let mut names = Vec::new();
    let mut lines = 0;
    for piece in pieces(body, boundary)? {
        if names.len() >= MAX_PARTS {
            return Err(DecodeError::TooManyParts);
        }
        let (name, value) = read(body, piece, inline, &mut lines)?;
        names.push(name.clone());
        parts.insert(name, value);
    }
    Ok((parts, names))
}

/// What lies between the boundaries.
fn pieces<'a>(
    body: &'a [u8],
    boundary: &[u8],
) -> Result<impl Iterator<Item = &'a [u8]>, DecodeError> {
    let missing = |reason| DecodeError::Multipart { at: body.len(), reason };
    let opening = [b"--", boundary, CRLF].concat();
    let separator = [b"\r\n--", boundary].concat();
    let start = memchr::memmem::find(body, &opening).ok_or_else(|| missing("no first boundary"))?;
    let content = body.get(start + opening.len()..).unwrap_or_default();
    let closing = [separator.as_slice(), b"--"].concat();
    let end = memchr::memmem::find(content, &closing);
    let mut rest = content.get(..end.ok_or_else(|| missing("no final boundary"))?);
    Ok(std::iter::from_fn(move || {
        let content = rest?;
        let (piece, tail) = match memchr::memmem::find(content, &separator) {
            Some(at) => (content.get(..at)?, content.get(at + separator.len()..)),
            None => (content, None),
        };
        rest = tail;
        Some(piece)
    }))
}

fn read(
    body: &Bytes,
    piece: &[u8],
    inline: &Key,
    count: &mut usize,
) -> Result<(Key, Value), DecodeError> {
    // A piece that is only lines ends without a blank line.
    let (lines, content) = match memchr::memmem::find(piece, BLANK_LINE) {
        Some(at) => (piece.get(..at), piece.get(at + BLANK_LINE.len()..).unwrap_or_default()),
        None => (Some(piece), [].as_slice()),
    };
    let mut headers = headers(body, lines.unwrap_or_default(), count)?;
    let disposition = headers.remove(CONTENT_DISPOSITION);
    let name = name(disposition.as_ref().and_then(Value::as_bytes), inline, offset(body, piece))?;
    let content = body.slice_ref(content);
    Ok((name, value(headers, content)))
}

fn headers(body: &Bytes, lines: &[u8], count: &mut usize) -> Result<Message, DecodeError> {
    let mut headers = Message::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, CRLF).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail.strip_prefix(CRLF).unwrap_or_default();
        let Some(at) = memchr::memmem::find(line, b": ") else { continue };
        let (key, value) = line.split_at(at);
        *count += 1;
        if *count > MAX_VALUES {
            return Err(DecodeError::TooManyValues);
        }
        if key.len() > MAX_KEY_LENGTH {
            return Err(DecodeError::KeyTooLong { length: key.len() });
        }
        let value = value.get(2..).unwrap_or_default();
        headers.insert(body.slice_ref(key), body.slice_ref(value));
    }
    Ok(headers)
}

fn name(disposition: Option<&Bytes>, inline: &Key, at: usize) -> Result<Key, DecodeError> {
    let malformed = |reason| DecodeError::Multipart { at, reason };
    let disposition = disposition.ok_or_else(|| malformed("a part without content-disposition"))?;
    let item = field::item(disposition);
    let item = item.map_err(|_| malformed("a content-disposition that is no structured field"))?;
    if item.bare == Bare::Token("inline".into()) {
        return Ok(inline.clone());
    }
    let name = item.parameters.into_iter().rev().find(|(key, _)| *key == "name");
    match name {
        Some((_, Bare::Text(name) | Bare::Token(name))) if name.len() <= MAX_KEY_LENGTH => {
            Ok(name.into())
        }
        Some((_, Bare::Text(name))) => Err(DecodeError::KeyTooLong { length: name.len() }),
        _ => Err(malformed("a content-disposition without a name")),
    }
}

/// The value of a part: its headers as a map, its body under the part's own inline key; a body
/// without headers, types aside, is a single value.
fn value(headers: Message, content: Bytes) -> Value {
    let has = |key: &Key| headers.contains(key);
    let inline = Inline::of(|key| headers.get_exact(key)?.as_bytes(), has).key;
    let mut headers = headers;
    for transport in [CONTENT_TYPE, AO_BODY_KEY, CONTENT_DIGEST] {
        headers.remove(transport);
    }
    let types_alone = headers.len() == 1 && headers.contains(AO_TYPES);
    if content.is_empty() {
        let is_empty_message = types_alone
            && headers.get_exact(AO_TYPES).is_some_and(|types| types.is_name(EMPTY_MESSAGE));
        return if is_empty_message { Message::new().into() } else { headers.into() };
    }
    if headers.is_empty() || types_alone {
        return content.into();
    }
    headers.with(inline, content).into()
}

/// Where a part of the body starts, in bytes from the body's start.
fn offset(body: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize)
}
