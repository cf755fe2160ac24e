//! Items to TABM. Source: spec 02, section 8.2.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    AO_DATA_KEY, BINARY, BUNDLE_FORMAT, BUNDLE_MAP, BUNDLE_VERSION, DATA, TARGET, bundle,
    commitment,
};
use crate::ans104::{Item, Tag};
use crate::codec::types::{self, AO_TYPES};
use crate::codec::{DecodeError, Links, Structured};
use crate::commitment::COMMITMENTS;
use crate::limits::MAX_BUNDLE_DEPTH;
use crate::structured_field as field;
use crate::{Key, Message, Value};

/// The TABM of an item, its signature a commitment.
pub(super) fn tabm(item: &Item, depth: usize) -> Result<Value, DecodeError> {
    if depth > MAX_BUNDLE_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    if item.tags.iter().any(|tag| is(tag, BINARY)) {
        return Ok(item.data.clone().into());
    }
    let data = data(item, depth)?;
    let mut committed: Vec<Key> = data.keys().cloned().collect();
    let names = item.tags.iter().filter(|tag| !is_structural(tag)).map(|tag| lower(&tag.name));
    committed.extend(names);
    committed.extend(item.target.map(|_| TARGET));
    let mut seen = std::collections::BTreeSet::new();
    committed.retain(|key| seen.insert(key.clone()));

    let mut message = tag_values(&item.tags)?;
    message.retain(|key, _| seen.contains(key));
    if let Some(target) = item.target {
        message.insert(TARGET, target.to_string());
    }
    let keeps_tags = renames(&item.tags) || item.is_signed() && !is_written_back(&message);
    message.extend(data);
    if let Some((id, fields)) = commitment::of_item(item, &committed, keeps_tags) {
        message.insert(COMMITMENTS, Message::from([(id, fields)]));
    }
    Ok(message.into())
}

pub(super) fn is(tag: &Tag, (name, value): (&[u8], &[u8])) -> bool {
    tag.name == name && tag.value == value
}

/// Whether the message has other keys than the tags have names.
fn renames(tags: &[Tag]) -> bool {
    tags.iter().any(|tag| lower(&tag.name).as_bytes() != tag.name)
}

/// Whether the tags can be written anew from the values that their types make of them: a list is not,
/// nor `007`.
fn is_written_back(tags: &Message) -> bool {
    if !tags.contains(AO_TYPES) {
        return true;
    }
    let read = Structured::decode(&tags.clone().into()).ok();
    let written = read.and_then(|read| Structured { links: Links::Discard }.encode(&read).ok());
    // Types that cannot be read make the whole item unreadable, later.
    let Some(Value::Map(written)) = written else { return true };
    tags.iter().all(|(key, value)| *key == AO_TYPES || written.get_exact(key) == Some(value))
}

/// Tags that say how to read the item, and are no keys of the message.
fn is_structural(tag: &Tag) -> bool {
    [BUNDLE_FORMAT.0, BUNDLE_VERSION.0, BUNDLE_MAP, b"ao-data-key"]
        .iter()
        .any(|name| tag.name == *name)
}

pub(super) fn lower(name: &Bytes) -> Key {
    if name.iter().any(u8::is_ascii_uppercase) {
        name.to_ascii_lowercase().into()
    } else {
        name.clone().into()
    }
}

/// The keys that the data stands for: one, or those of a bundle.
fn data(item: &Item, depth: usize) -> Result<Message, DecodeError> {
    if item.data.is_empty() {
        return Ok(Message::new());
    }
    if let Some(manifest) = bundle::manifest_id(item) {
        return bundle::read(&item.data, &manifest, depth);
    }
    let named = item.tags.iter().find(|tag| lower(&tag.name) == AO_DATA_KEY);
    let key = named.map_or(DATA, |tag| tag.value.clone().into());
    Ok(Message::from([(key, item.data.clone())]))
}

/// Tags by their lower-case names; a name that repeats has all of its values, as quoted texts.
fn tag_values(tags: &[Tag]) -> Result<Message, DecodeError> {
    let mut values: BTreeMap<Key, Vec<&Bytes>> = BTreeMap::new();
    for tag in tags {
        values.entry(lower(&tag.name)).or_default().push(&tag.value);
    }
    let mut message = Message::new();
    for (name, values) in values {
        let value = match values.as_slice() {
            [value] if name == AO_TYPES => lower_types(value)?,
            [value] => (*value).clone(),
            values => quoted(values),
        };
        message.insert(name, Value::Bytes(value));
    }
    Ok(message)
}

fn quoted(values: &[&Bytes]) -> Bytes {
    let mut text = Vec::new();
    for value in values {
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        field::write_text(&mut text, value);
    }
    text.into()
}

/// Names are lower case in the message, so they are among its types.
fn lower_types(text: &Bytes) -> Result<Bytes, DecodeError> {
    let types = types::decode(text)?;
    if !types.keys().any(|key| key.as_bytes().iter().any(u8::is_ascii_uppercase)) {
        return Ok(text.clone());
    }
    let types: BTreeMap<Key, Bytes> =
        types.into_iter().map(|(key, name)| (lower(&key.to_bytes()), name)).collect();
    Ok(types::write(types.iter().map(|(key, name)| (key.as_bytes(), name.as_ref()))))
}
