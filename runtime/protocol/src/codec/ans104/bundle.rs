//! Nested messages as items of a bundle, found by a manifest. Source: spec 02, section 8.4.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{BUNDLE_FORMAT, BUNDLE_MAP, BUNDLE_VERSION, decode, encode};
use crate::ans104::{Bundle, BundleForm, Entry, Item, Tag};
use crate::codec::{DecodeError, EncodeError};
use crate::limits::MAX_PARTS;
use crate::{Id, Key, Message, Value, order};

const FORM: BundleForm = BundleForm::Reference;
const MANIFEST_TAGS: [(&[u8], &[u8]); 2] =
    [(b"data-protocol", b"bundle-map"), (b"variant", b"0.0.1")];

/// The id of the manifest, if the tags say that the data is a bundle with one.
pub(super) fn manifest_id(item: &Item) -> Option<Bytes> {
    let has = |expected| item.tags.iter().any(|tag| decode::is(tag, expected));
    let manifest = item.tags.iter().find(|tag| tag.name == BUNDLE_MAP)?;
    (has(BUNDLE_FORMAT) && has(BUNDLE_VERSION)).then(|| manifest.value.clone())
}

/// The keys and values that a bundle stands for. Each item stands for one key: a manifest that names
/// one twice could make a few bytes stand for any number of values.
pub(super) fn read(data: &Bytes, manifest: &[u8], depth: usize) -> Result<Message, DecodeError> {
    let entries = Bundle::parse(FORM, data)?.entries;
    if entries.len() > MAX_PARTS {
        return Err(DecodeError::TooManyParts);
    }
    let mut items: BTreeMap<Id, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        items.entry(entry.id).or_default().push(entry);
    }
    let mut take = |id: &[u8]| items.get_mut(&Id::from_native_or_text(id).ok()?)?.pop();
    let manifest =
        take(manifest).ok_or(DecodeError::NotAMessage("a bundle without its manifest"))?;
    let keys: BTreeMap<String, String> = serde_json::from_slice(&manifest.parse(FORM)?.data)
        .map_err(|error| DecodeError::Json {
            reason: error.to_string(),
            line: error.line(),
            column: error.column(),
        })?;
    let mut message = Message::new();
    for (key, id) in keys {
        let found = take(id.as_bytes());
        let found =
            found.ok_or(DecodeError::NotAMessage("a manifest that names a missing item"))?;
        message.insert(key, decode::tabm(&found.parse(FORM)?, depth + 1)?);
    }
    Ok(message)
}

/// The data and the tag of a bundle of these values.
pub(super) fn write(values: &[(Key, &Value)], depth: usize) -> Result<(Bytes, Tag), EncodeError> {
    let mut values: Vec<&(Key, &Value)> = values.iter().collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    order::enumerate(&mut values, |entry| &entry.0);
    let mut entries = Vec::with_capacity(values.len() + 1);
    let mut manifest = serde_json::Map::new();
    for (key, value) in values {
        let entry = Entry::new(FORM, &encode::item(value, depth + 1)?)
            .map_err(|_| EncodeError::Unwritable { key: key.clone(), reason: "it fits no item" })?;
        let name = str::from_utf8(key.as_bytes())
            .map_err(|_| EncodeError::Unwritable { key: key.clone(), reason: "it is not UTF-8" })?;
        manifest.insert(name.to_owned(), entry.id.to_string().into());
        entries.push(entry);
    }
    let manifest = Item {
        tags: MANIFEST_TAGS.map(|(name, value)| Tag::new(name, value)).to_vec(),
        data: serde_json::Value::Object(manifest).to_string().into(),
        ..Item::default()
    };
    let manifest = Entry::new(FORM, &manifest)
        .map_err(|_| EncodeError::Unsupported("the manifest of its bundle fits no item"))?;
    let tag = Tag::new(BUNDLE_MAP, manifest.id.to_string());
    entries.insert(0, manifest);
    Ok((Bundle { entries }.to_bytes(FORM), tag))
}
