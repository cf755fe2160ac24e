//! The signature base: the bytes that an `httpsig@1.0` commitment signs. Source: spec 03, sections 4
//! and 6.1.

use std::collections::HashSet;

use bytes::Bytes;

use super::{Commitment, Forms, ids};
use crate::codec::{
    self, AO_BODY_KEY, BODY, CONTENT_DIGEST, CONTENT_TYPE, EncodeError, Links, Structured,
};
use crate::commitment::COMMITMENTS;
use crate::{Content, Id, Key, Message, Value, order, structured_field as field};

/// Parameters of a commitment that are signed, in their order.
const SIGNED_PARAMETERS: [&str; 7] =
    ["alg", "bundle", "created", "expires", "keyid", "nonce", "tag"];

/// Components that RFC 9421 derives from the request; the base writes them with an `@`.
const DERIVED: [&str; 8] = [
    "method",
    "target-uri",
    "authority",
    "scheme",
    "request-target",
    "path",
    "query",
    "query-param",
];

/// What a commitment covers of a message: the components of the base, in canonical order.
pub(crate) struct Surface {
    pub(crate) components: Vec<(Key, Bytes)>,
    /// The keys of the message that the components stand for.
    pub(crate) committed: Vec<Key>,
    /// Whether the content type is that of the body's parts, so that the message's own is lost.
    is_multipart: bool,
    /// Whether `ao-ids` stands for keys of the message, so that the message's own is lost.
    has_ids: bool,
}

/// Keys that no component ever carries.
const NEVER_COVERED: [&str; 5] =
    ["signature", "signature-input", "content-digest", "unsigned_id", "ao-body-key"];

impl Surface {
    /// The components of a TABM that cover these keys, or all keys: what names a message.
    pub(crate) fn of(tabm: &Message, committed: Option<&[Key]>) -> Result<Self, EncodeError> {
        Self::build(tabm, committed, false)
    }

    /// The components of a TABM that cover these keys, to be signed or verified.
    ///
    /// # Errors
    /// Beyond those of [`of`](Self::of): what another message would give the same components for. Who
    /// signs one must not have signed the other.
    pub(crate) fn signed(tabm: &Message, committed: &[Key]) -> Result<Self, EncodeError> {
        Self::build(tabm, Some(committed), true)
    }

    fn build(tabm: &Message, committed: Option<&[Key]>, exact: bool) -> Result<Self, EncodeError> {
        let covered = match committed {
            None => tabm.clone(),
            Some(keys) => keys.iter().filter_map(|key| entry(tabm, key)).collect(),
        };
        let mut http =
            if exact { codec::signed_surface(&covered)? } else { codec::surface(&covered)? };
        if let Some(body) = http.body.take() {
            http.headers.entry(CONTENT_DIGEST).or_insert_with(|| codec::content_digest(&body));
        }
        let listed = Listed {
            body_key: http.headers.get(&AO_BODY_KEY),
            is_multipart: is_multipart(http.headers.get(&CONTENT_TYPE)),
        };
        let mut keys: Vec<&Key> = http.headers.keys().collect();
        order::enumerate(&mut keys, |key| key);
        let names = keys.iter().map(|key| (*key).clone());
        let in_body = |key: &Key| {
            !http.headers.contains_key(key) && !http.headers.contains_key(&key.with_link())
        };
        let body_keys: Vec<Key> = match committed {
            None => tabm
                .keys()
                .filter(|key| **key != COMMITMENTS)
                .map(unlinked)
                .filter(in_body)
                .collect(),
            Some(keys) => keys.iter().filter(|key| in_body(key)).cloned().collect(),
        };
        let is_multipart = listed.is_multipart;
        let committed = listed.committed(names, &body_keys);
        let mut components: Vec<(Key, Bytes)> = http.headers.into_iter().collect();
        order::enumerate(&mut components, |component| &component.0);
        if exact {
            check_lines(&components)?;
        }
        let has_ids =
            covered.iter().any(|(key, value)| key.is_id_like() && value.as_bytes().is_some());
        Ok(Self { components, committed, is_multipart, has_ids })
    }

    /// Whether a key that is committed is one that components carry.
    pub(crate) fn can_cover(&self, key: &Key) -> bool {
        NEVER_COVERED.iter().all(|name| *key != *name)
            && !(self.is_multipart && *key == CONTENT_TYPE)
            && !(self.has_ids && *key == "ao-ids")
    }

    /// The base for a commitment of these fields.
    pub(crate) fn base(&self, fields: &Message) -> Vec<u8> {
        let mut base = Vec::with_capacity(512);
        for (key, value) in &self.components {
            base.push(b'"');
            base.extend_from_slice(key.as_bytes());
            base.extend_from_slice(b"\": ");
            base.extend_from_slice(value);
            base.push(b'\n');
        }
        if self.components.is_empty() {
            base.push(b'\n');
        }
        base.extend_from_slice(b"\"@signature-params\": (");
        for (index, (key, _)) in self.components.iter().enumerate() {
            if index > 0 {
                base.push(b' ');
            }
            write_component_name(&mut base, key.as_bytes());
        }
        base.push(b')');
        for name in SIGNED_PARAMETERS {
            let key = if name == "alg" { "type" } else { name };
            if let Some(value) = fields.get_exact(key) {
                write_parameter(&mut base, name.as_bytes(), value);
            }
        }
        base
    }
}

/// Makes sure that no other values give the same lines: none may hold what starts another's line.
fn check_lines(components: &[(Key, Bytes)]) -> Result<(), EncodeError> {
    let mut names = None;
    for (key, value) in components {
        for at in memchr::memmem::find_iter(value, b"\n\"") {
            let names = names.get_or_insert_with(|| Names::of(components));
            if names.start_a_line(value.get(at + 2..).unwrap_or_default()) {
                let reason = "signed, one of its lines would read as another key";
                return Err(EncodeError::Unwritable { key: key.clone(), reason });
            }
        }
    }
    Ok(())
}

/// The names of components, to be looked up in values.
struct Names<'a> {
    names: HashSet<&'a [u8]>,
    /// Whether a name holds a quote, so that where it ends cannot be told.
    has_quote: bool,
}

impl<'a> Names<'a> {
    fn of(components: &'a [(Key, Bytes)]) -> Self {
        let names: HashSet<_> = components.iter().map(|(key, _)| key.as_bytes()).collect();
        let has_quote = names.iter().any(|name| name.contains(&b'"'));
        Self { names, has_quote }
    }

    /// Whether text behind a quote reads as a name, its closing quote, and `: `.
    fn start_a_line(&self, text: &[u8]) -> bool {
        let Some(end) = memchr::memchr(b'"', text) else { return false };
        let (name, rest) = text.split_at(end);
        self.has_quote || rest.starts_with(b"\": ") && self.names.contains(name)
    }
}

fn entry(tabm: &Message, key: &Key) -> Option<(Key, Value)> {
    if *key == COMMITMENTS {
        return None;
    }
    let linked = || Some((key.with_link(), tabm.get_exact(key.with_link())?.clone()));
    tabm.get_exact(key).map(|value| (key.clone(), value.clone())).or_else(linked)
}

pub(crate) fn unlinked(key: &Key) -> Key {
    key.without_link().unwrap_or_else(|| key.clone())
}

pub(crate) fn is_multipart(content_type: Option<&Bytes>) -> bool {
    content_type.is_some_and(|value| value.starts_with(b"multipart/"))
}

/// In the parameters, names of derived components carry an `@`, all others none.
fn write_component_name(base: &mut Vec<u8>, key: &[u8]) {
    let name = key.strip_prefix(b"@").unwrap_or(key);
    match DERIVED.iter().find(|derived| derived.as_bytes() == name) {
        Some(derived) => base.extend_from_slice(format!("\"@{derived}\"").as_bytes()),
        None => field::write_text(base, name),
    }
}

/// Writes `;name=value`, texts quoted and integers bare. Values of other kinds are not written.
pub(crate) fn write_parameter(out: &mut Vec<u8>, name: &[u8], value: &Value) {
    out.push(b';');
    out.extend_from_slice(name);
    out.push(b'=');
    match value {
        Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        value => field::write_text(out, value.as_name().map_or(&[], |text| text)),
    }
}

/// What else the components say about the keys that they stand for.
pub(crate) struct Listed<'a> {
    /// The value of `ao-body-key`.
    pub(crate) body_key: Option<&'a Bytes>,
    /// Whether the content type is that of a multipart body, and so not the message's own.
    pub(crate) is_multipart: bool,
}

impl Listed<'_> {
    /// The keys that component names stand for. Source: spec 03, section 4, step 7.
    pub(crate) fn committed(
        &self,
        names: impl Iterator<Item = Key>,
        body_keys: &[Key],
    ) -> Vec<Key> {
        let names: Vec<Key> = names.map(without_at).collect();
        let body_key = names.contains(&AO_BODY_KEY).then_some(self.body_key).flatten();
        let mut committed = Vec::with_capacity(names.len());
        for name in names {
            if name == CONTENT_DIGEST {
                committed.extend(body_keys.iter().map(|key| self.renamed(key, body_key)));
            } else if !(name == AO_BODY_KEY || name == CONTENT_TYPE && self.is_multipart) {
                committed.push(unlinked(&self.renamed(&name, body_key)));
            }
        }
        committed
    }

    fn renamed(&self, key: &Key, body_key: Option<&Bytes>) -> Key {
        match body_key {
            Some(body_key) if *key == BODY => body_key.clone().into(),
            _ => key.clone(),
        }
    }
}

fn without_at(key: Key) -> Key {
    match key.as_bytes().strip_prefix(b"@") {
        Some(rest) => key.to_bytes().slice_ref(rest).into(),
        None => key,
    }
}

/// The base that a commitment of a message signs, for tools that show why it does not hold.
///
/// # Errors
/// The message cannot be written, or lacks a nested message.
pub fn signature_base_of(
    message: &Message,
    commitment: &Commitment<'_>,
    content: &dyn Content,
) -> Result<Vec<u8>, EncodeError> {
    let forms = Forms::new(message, content);
    let tabm = forms.tabm(commitment.is_bundle())?;
    Ok(Surface::of(tabm, Some(&commitment.committed()))?.base(commitment.fields))
}

/// The base of the HMAC that names a message without signers, and that HMAC; with `bundle`, of its
/// form with nested messages in place. For tools that show why two ids differ.
///
/// # Errors
/// The message cannot be written, or lacks a nested message.
pub fn signature_base(
    message: &Value,
    bundle: bool,
    content: &dyn Content,
) -> Result<(Vec<u8>, Id), EncodeError> {
    let links = if bundle { Links::Embed(content) } else { Links::Discard };
    match (Structured { links }).encode_readable(message)? {
        Value::Map(tabm) => ids::unsigned_base(&tabm, bundle),
        _ => Err(EncodeError::Unsupported("a byte string has no signature base")),
    }
}
