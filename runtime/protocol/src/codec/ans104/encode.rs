//! TABM to items. Source: spec 02, section 8.3.

use bytes::Bytes;

use super::decode::lower;
use super::{AO_DATA_KEY, BINARY, BUNDLE_FORMAT, BUNDLE_VERSION, DATA, TARGET, bundle, commitment};
use crate::ans104::{Item, MAX_NAME_LENGTH, MAX_TAGS, MAX_VALUE_LENGTH, Tag};
use crate::codec::{BODY, EncodeError};
use crate::commitment::{ANS104, COMMITMENTS, Commitment};
use crate::limits::MAX_BUNDLE_DEPTH;
use crate::{Id, Key, Message, Value};

/// The bytes of an item that was written from a message.
pub(super) fn to_bytes(item: &Item) -> Result<Bytes, EncodeError> {
    item.to_bytes().map_err(|_| EncodeError::Unsupported("a tag has no name or is too long"))
}

/// The item of a TABM, with the signature of its only commitment of this device.
pub(super) fn item(tabm: &Value, depth: usize) -> Result<Item, EncodeError> {
    match tabm {
        Value::Bytes(data) => Ok(Item {
            tags: vec![Tag::new(BINARY.0, BINARY.1)],
            data: data.clone(),
            ..Item::default()
        }),
        Value::Map(tabm) => {
            let mut commitments = Commitment::all(tabm)
                .filter(|commitment| commitment.device().is_some_and(|device| device == ANS104));
            match (commitments.next(), commitments.next()) {
                (Some(_), Some(_)) => {
                    Err(EncodeError::Unsupported("an item has one signature, this message more"))
                }
                (Some(commitment), None) => signed_item(tabm, &commitment, depth),
                (None, _) => unsigned_item(tabm, depth),
            }
        }
        _ => Err(EncodeError::Unsupported("only a map or a byte string is an item")),
    }
}

/// The item that a commitment signs, made anew from the message's committed keys.
pub(crate) fn signed_item(
    tabm: &Message,
    commitment: &Commitment<'_>,
    depth: usize,
) -> Result<Item, EncodeError> {
    let committed = commitment.committed();
    let parts = commitment::parts(commitment)?;
    let tags = parts.original_tags.as_deref().unwrap_or_default();
    let keys = committed.iter().filter_map(|key| present(tabm, key));
    let keys = keys.filter(|key| !is_list_of_tag(tabm, key, tags)).collect();
    let mut item = assemble(tabm, keys, parts.target.is_some(), depth)?;
    item.target = parts.target;
    item.anchor = parts.anchor;
    if let Some(tags) = parts.original_tags {
        item.tags = tags;
    }
    if let Some((signature_type, owner, signature)) = parts.signature {
        item.signature_type = signature_type;
        item.owner = owner;
        item.signature = signature;
    }
    Ok(item)
}

/// Whether the key is a list that a tag holds as text, and no part of a bundle.
fn is_list_of_tag(tabm: &Message, key: &Key, tags: &[Tag]) -> bool {
    matches!(tabm.get_exact(key), Some(Value::Map(_)))
        && tags.iter().any(|tag| lower(&tag.name) == *key)
}

fn unsigned_item(tabm: &Message, depth: usize) -> Result<Item, EncodeError> {
    let target = tabm.get_exact(TARGET).and_then(Value::as_bytes).and_then(target_id);
    let keys = tabm.keys().filter(|key| **key != COMMITMENTS).cloned().collect();
    let item = assemble(tabm, keys, target.is_some(), depth)?;
    Ok(Item { target, ..item })
}

/// Text that decodes to an id is a target; anything else, raw bytes too, stays a tag.
fn target_id(target: &Bytes) -> Option<Id> {
    str::from_utf8(target).ok()?.parse().ok()
}

fn present(tabm: &Message, key: &Key) -> Option<Key> {
    [key.clone(), key.with_link()].into_iter().find(|key| tabm.contains(key))
}

/// An unsigned item of these keys, in their order.
fn assemble(
    tabm: &Message,
    keys: Vec<Key>,
    target_is_field: bool,
    depth: usize,
) -> Result<Item, EncodeError> {
    if depth > MAX_BUNDLE_DEPTH {
        return Err(EncodeError::TooDeep);
    }
    if keys.len() > MAX_TAGS {
        return Err(EncodeError::Unsupported("an item has at most 128 tags"));
    }
    let value = |key: &Key| tabm.get_exact(key);
    let data_key = data_key(tabm);
    let data = value(&data_key).filter(|_| keys.contains(&data_key));
    let mut nested: Vec<(Key, &Value)> = Vec::new();
    for key in keys.iter().filter(|key| **key != DATA && **key != TARGET) {
        nested.extend(value(key).filter(|value| needs_item(key, value)).map(|v| (key.clone(), v)));
    }
    if data.is_some_and(|data| matches!(data, Value::Map(_))) && data_key == DATA {
        nested.extend(data.map(|data| (data_key.clone(), data)));
    }
    if let Some(Value::Map(_)) = value(&TARGET).filter(|_| keys.contains(&TARGET)) {
        return Err(EncodeError::Unwritable { key: TARGET, reason: "a target is no map" });
    }
    let is_nested = |key: &Key| nested.iter().any(|(nested, _)| nested == key);
    let mut tags = Vec::with_capacity(keys.len() + 2);
    if data_key != DATA {
        tags.push(Tag::new(AO_DATA_KEY.to_bytes(), data_key.to_bytes()));
    }
    for key in &keys {
        let elsewhere = *key == data_key || *key == TARGET && target_is_field || is_nested(key);
        if let Some(Value::Bytes(value)) = value(key).filter(|_| !elsewhere) {
            tags.push(Tag::new(key.to_bytes(), value.clone()));
        }
    }
    let own_data = data.and_then(Value::as_bytes).filter(|data| !data.is_empty());
    if nested.is_empty() {
        return Ok(Item { tags, data: own_data.cloned().unwrap_or_default(), ..Item::default() });
    }
    if own_data.is_some() && !is_nested(&data_key) {
        nested.extend(data.map(|data| (data_key.clone(), data)));
    }
    let (data, manifest) = bundle::write(&nested, depth)?;
    let structure = [BUNDLE_FORMAT, BUNDLE_VERSION].map(|(name, value)| Tag::new(name, value));
    tags.splice(..0, structure);
    tags.push(manifest);
    Ok(Item { tags, data, ..Item::default() })
}

/// The key whose value is the item's data.
fn data_key(tabm: &Message) -> Key {
    if let Some(Value::Bytes(key)) = tabm.get_exact(AO_DATA_KEY) {
        return key.clone().into();
    }
    let is_empty = |value: &Value| value.as_bytes().is_some_and(Bytes::is_empty);
    let no_data = tabm.get_exact(DATA).is_none_or(is_empty);
    if no_data && tabm.contains(BODY) { BODY } else { DATA }
}

/// Whether a tag cannot carry the key.
fn needs_item(key: &Key, value: &Value) -> bool {
    match value {
        Value::Bytes(value) => {
            value.len() > MAX_VALUE_LENGTH || key.as_bytes().len() > MAX_NAME_LENGTH
        }
        _ => true,
    }
}
