//! TABM to headers and body. Source: spec 02, section 3.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;

use super::multipart::{self, Part, Parts};
use super::{
    AO_BODY_KEY, AO_IDS, BODY, CONTENT_DIGEST, CONTENT_TYPE, HttpMessage, Inline, MAX_HEADER_VALUE,
    SIGNATURE, SIGNATURE_INPUT,
};
use crate::codec::{EncodeError, Links, Structured};
use crate::commitment::COMMITMENTS;
use crate::limits::{MAX_DEPTH, MAX_PARTS, MAX_SIZE};
use crate::{Key, Message, NoContent, Value, order, structured_field as field};

/// Whether a transport can carry a header.
type Fits = fn(&Key, &Bytes) -> bool;

/// The headers and body of a TABM, without its signatures.
pub(crate) fn surface(tabm: &Message) -> Result<HttpMessage, EncodeError> {
    write(tabm, false, |_, _| true)
}

/// The headers and body of a TABM, with what does not fit into a header in the body.
pub(super) fn fitting(tabm: &Message, fits: Fits) -> Result<HttpMessage, EncodeError> {
    write(tabm, false, fits)
}

/// The headers and body of a TABM as they are signed.
///
/// # Errors
/// Beyond those of [`surface`]: what another message would be written as, too. Two messages that are
/// written alike would be signed alike.
pub(crate) fn signed_surface(tabm: &Message) -> Result<HttpMessage, EncodeError> {
    write(tabm, true, |_, _| true)
}

fn write(tabm: &Message, exact: bool, fits: Fits) -> Result<HttpMessage, EncodeError> {
    let inline = Inline::of(|key| tabm.get_exact(key)?.as_bytes(), |key| tabm.contains(key));
    let mut split = Split { inline: &inline.key, fits, headers: BTreeMap::new(), rest: Vec::new() };
    split.fill(tabm);
    if inline.announced {
        split.headers.insert(AO_BODY_KEY, inline.key.to_bytes());
    }
    let Split { mut headers, rest, .. } = split;
    let body = match body(&rest, &inline.key, exact)? {
        None => None,
        Some(Body::Raw(bytes)) => Some(bytes),
        Some(Body::Multipart { bytes, content_type }) => {
            headers.insert(CONTENT_TYPE, content_type);
            Some(bytes)
        }
    };
    if let Some(body) = body.as_ref().filter(|body| !body.is_empty()) {
        headers.insert(CONTENT_DIGEST, content_digest(body));
    }
    Ok(HttpMessage { headers, body })
}

/// The value of `content-digest` for a body.
pub(crate) fn content_digest(body: &[u8]) -> Bytes {
    let mut value = b"sha-256=".to_vec();
    field::write_bytes(&mut value, digest(&SHA256, body).as_ref());
    value.into()
}

/// The entries of a message: headers on one side, what belongs to the body on the other.
struct Split<'a> {
    inline: &'a Key,
    fits: Fits,
    headers: BTreeMap<Key, Bytes>,
    rest: Vec<(Key, Value)>,
}

impl Split<'_> {
    fn fill(&mut self, tabm: &Message) {
        const NOT_DATA: [Key; 3] = [COMMITMENTS, SIGNATURE, SIGNATURE_INPUT];
        let mut ids = Vec::new();
        for (key, value) in tabm.iter().filter(|(key, _)| !NOT_DATA.contains(key)) {
            match value {
                Value::Bytes(bytes) if key.is_id_like() => ids.push((key, bytes)),
                value => self.place(key, value),
            }
        }
        if !ids.is_empty() {
            self.place(&AO_IDS, &ao_ids(ids).into());
        }
    }

    fn place(&mut self, key: &Key, value: &Value) {
        match value {
            Value::Bytes(bytes)
                if bytes.len() <= MAX_HEADER_VALUE
                    && *key != BODY
                    && key != self.inline
                    && (self.fits)(key, bytes) =>
            {
                self.headers.insert(key.clone(), bytes.clone());
            }
            value => self.rest.push((key.clone(), value.clone())),
        }
    }
}

/// Keys that an HTTP header's name cannot carry, as one dictionary. Source: spec 02, section 3.3.
fn ao_ids(mut ids: Vec<(&Key, &Bytes)>) -> Bytes {
    order::enumerate(&mut ids, |entry| entry.0);
    let mut text = Vec::new();
    for (key, value) in ids {
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        text.extend_from_slice(key.as_bytes());
        text.push(b'=');
        field::write_text(&mut text, value);
    }
    text.into()
}

enum Body {
    Raw(Bytes),
    Multipart { bytes: Bytes, content_type: Bytes },
}

fn body(rest: &[(Key, Value)], inline: &Key, exact: bool) -> Result<Option<Body>, EncodeError> {
    if let [(key, Value::Bytes(bytes))] = rest
        && key == inline
    {
        return Ok(Some(Body::Raw(bytes.clone())));
    }
    let mut flat = Flattening { parts: Parts::new(), size: 0, exact };
    for (key, value) in rest {
        flat.value(None, key, value, 1)?;
    }
    let parts = flat.parts;
    if exact {
        multipart::check_exact(&parts)?;
    }
    match parts.iter().next() {
        None => Ok(None),
        Some((key, Part::Raw(bytes))) if parts.len() == 1 && key == inline => {
            Ok(Some(Body::Raw(bytes.clone())))
        }
        Some(_) => {
            let (bytes, content_type) = multipart::encode(parts, inline);
            Ok(Some(Body::Multipart { bytes, content_type }))
        }
    }
}

/// Values as parts named by their path. Source: spec 02, section 3.2.
struct Flattening {
    parts: Parts,
    /// About how many bytes they take, their paths included: those repeat the names of all parents.
    size: usize,
    /// Whether a name may not read as a path.
    exact: bool,
}

impl Flattening {
    fn value(
        &mut self,
        parent: Option<&Key>,
        key: &Key,
        value: &Value,
        depth: usize,
    ) -> Result<(), EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        if self.parts.len() > MAX_PARTS {
            return Err(EncodeError::TooManyParts);
        }
        if self.exact && key.as_bytes().contains(&b'/') {
            let reason = "signed, its name would read as a path";
            return Err(EncodeError::Unwritable { key: key.clone(), reason });
        }
        let path = parent.map_or_else(|| key.clone(), |parent| Key::joined([parent, key]));
        match value {
            Value::Bytes(bytes) => self.insert(path, Part::Raw(bytes.clone())),
            Value::Map(map) if map.is_empty() => self.insert(path, Part::EmptyMessage),
            Value::Map(map) => self.map(path, map, depth),
            Value::List(list) => self.map(path, &list_as_tabm(list)?, depth),
            _ => Err(EncodeError::Unwritable { key: path, reason: "it is not in written form" }),
        }
    }

    fn map(&mut self, path: Key, map: &Message, depth: usize) -> Result<(), EncodeError> {
        let mut own = Message::new();
        for (key, value) in map {
            match value {
                Value::Bytes(bytes) if bytes.len() <= MAX_HEADER_VALUE => {
                    own.insert(key.clone(), value.clone());
                }
                value => self.value(Some(&path), key, value, depth + 1)?,
            }
        }
        if own.is_empty() { Ok(()) } else { self.insert(path, Part::Headers(own)) }
    }

    fn insert(&mut self, path: Key, part: Part) -> Result<(), EncodeError> {
        self.size = self.size.saturating_add(path.as_bytes().len() + part.size());
        if self.size > MAX_SIZE {
            return Err(EncodeError::TooLarge { size: self.size });
        }
        match self.parts.insert(path.clone(), part) {
            Some(_) if self.exact => {
                Err(EncodeError::Unwritable { key: path, reason: "two values have this path" })
            }
            _ => Ok(()),
        }
    }
}

/// `committed` of a commitment may still be a list where everything else is written.
fn list_as_tabm(list: &crate::List) -> Result<Message, EncodeError> {
    match (Structured { links: Links::Embed(&NoContent) }).encode(&list.clone().into())? {
        Value::Map(map) => Ok(map),
        _ => Err(EncodeError::Unsupported("a list is written as a map")),
    }
}
