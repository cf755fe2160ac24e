//! Headers and body to TABM. Source: spec 02, section 4.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    AO_BODY_KEY, AO_IDS, BODY, CONTENT_DIGEST, CONTENT_TYPE, HttpMessage, Inline, SIGNATURE,
    SIGNATURE_INPUT, multipart,
};
use crate::codec::{DecodeError, flat};
use crate::commitment::base::is_multipart;
use crate::commitment::{COMMITMENTS, headers};
use crate::limits::{MAX_KEY_LENGTH, MAX_SIZE};
use crate::structured_field::{self as field, Bare, Member};
use crate::{Key, Message, Value};

/// The TABM of an HTTP message, with its signatures as commitments.
pub(super) fn tabm(http: &HttpMessage) -> Result<Message, DecodeError> {
    check_limits(http)?;
    let has = |key: &Key| http.headers.contains_key(key) || (*key == BODY && http.body.is_some());
    let inline = Inline::of(|key| http.headers.get(key), has).key;
    let (body, body_keys) = body(http, &inline)?;
    let headers = http.headers.iter().map(|(key, value)| (key.clone(), value.clone()));
    let mut tabm: Message = headers.collect();
    tabm.extend(body);
    if let Some(Value::Bytes(ids)) = tabm.remove(AO_IDS) {
        expand_ids(&mut tabm, &ids)?;
    }
    let commitments = commitments(http, &body_keys)?;
    for transport in [SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST, AO_BODY_KEY] {
        tabm.remove(transport);
    }
    if is_multipart(tabm.get_exact(CONTENT_TYPE).and_then(Value::as_bytes)) {
        tabm.remove(CONTENT_TYPE);
    }
    for id in commitments.keys() {
        tabm.remove(id);
    }
    if !commitments.is_empty() {
        tabm.insert(COMMITMENTS, commitments);
    }
    Ok(tabm)
}

fn check_limits(http: &HttpMessage) -> Result<(), DecodeError> {
    let body = http.body.as_ref().map_or(0, Bytes::len);
    let size = http.headers.iter().map(|(key, value)| key.as_ref().len() + value.len());
    let size = size.fold(body, usize::saturating_add);
    if size > MAX_SIZE {
        return Err(DecodeError::TooLarge { size });
    }
    if let Some(key) = http.headers.keys().find(|key| key.as_ref().len() > MAX_KEY_LENGTH) {
        return Err(DecodeError::KeyTooLong { length: key.as_ref().len() });
    }
    if http.headers.contains_key(b"priv".as_slice()) {
        return Err(DecodeError::ReservedKey);
    }
    Ok(())
}

/// The keys that the body holds, and their first components in the order of their appearance.
fn body(http: &HttpMessage, inline: &Key) -> Result<(Message, Vec<Key>), DecodeError> {
    let Some(body) = &http.body else { return Ok((Message::new(), Vec::new())) };
    let Some(boundary) = boundary(http.headers.get(&CONTENT_TYPE))? else {
        return Ok((Message::from([(inline.clone(), body.clone())]), vec![inline.clone()]));
    };
    let (parts, names) = multipart::decode(body, &boundary, inline)?;
    let mut keys = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for name in &names {
        if let Some(first) = flat::components(name).next()
            && seen.insert(first)
        {
            keys.push(name.to_bytes().slice_ref(first).into());
        }
    }
    Ok((flat::nest(parts)?, keys))
}

/// The boundary that a content type names: the body is multipart if and only if there is one.
fn boundary(content_type: Option<&Bytes>) -> Result<Option<Bytes>, DecodeError> {
    let Some(content_type) = content_type else { return Ok(None) };
    let item = field::item(content_type);
    let item = item.map_err(|source| DecodeError::Syntax { key: CONTENT_TYPE, source })?;
    match item.parameters.into_iter().rev().find(|(key, _)| *key == "boundary") {
        Some((_, Bare::Text(boundary) | Bare::Token(boundary))) => Ok(Some(boundary)),
        Some(_) => {
            Err(DecodeError::IllTyped { key: CONTENT_TYPE, expected: "clear about its boundary" })
        }
        None => Ok(None),
    }
}

fn expand_ids(tabm: &mut Message, ids: &Bytes) -> Result<(), DecodeError> {
    let members = field::dictionary(ids);
    let members = members.map_err(|source| DecodeError::Syntax { key: AO_IDS, source })?;
    for (key, member) in members {
        match member {
            Member::Item(field::Item { bare: Bare::Text(value), .. }) => tabm.insert(key, value),
            _ => {
                return Err(DecodeError::IllTyped {
                    key: AO_IDS,
                    expected: "a dictionary of texts",
                });
            }
        };
    }
    Ok(())
}

fn commitments(http: &HttpMessage, body_keys: &[Key]) -> Result<Message, DecodeError> {
    let received = headers::Received {
        body_keys,
        body_key: http.headers.get(&AO_BODY_KEY),
        is_multipart: is_multipart(http.headers.get(&CONTENT_TYPE)),
    };
    match (http.headers.get(&SIGNATURE), http.headers.get(&SIGNATURE_INPUT)) {
        (Some(signature), Some(input)) => headers::decode(signature, input, &received),
        _ => Ok(Message::new()),
    }
}

/// The headers of an HTTP message, for building one in an expression.
impl<K: Into<Key>, V: Into<Bytes>> FromIterator<(K, V)> for HttpMessage {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(headers: I) -> Self {
        let headers: BTreeMap<Key, Bytes> =
            headers.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { headers, body: None }
    }
}
