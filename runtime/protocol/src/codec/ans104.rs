//! `ans104@1.0`: a message as a data item: tags, data, a target and its owner's signature.
//!
//! | Part of the message                        | Where it goes                              |
//! |--------------------------------------------|--------------------------------------------|
//! | short values                               | tags                                       |
//! | `data`, or `body`, or what `ao-data-key` names | the data                               |
//! | `target`, if it is the text of an id       | the target                                 |
//! | nested messages, long names and values     | items of a bundle, which becomes the data  |
//! | the commitment of device `ans104@1.0`      | owner, signature, anchor, original tags    |
//!
//! Source: spec 02, section 8; spec 03, section 5.3. The bytes of items are in [`crate::ans104`].

mod bundle;
mod commitment;
mod decode;
mod encode;

use std::collections::BTreeSet;

use bytes::Bytes;

pub(crate) use commitment::{committer as item_committer, item_type};
pub(crate) use encode::signed_item;

use super::{DecodeError, EncodeError, Links, Structured};
use crate::ans104::Item;
use crate::commitment::Commitment;
use crate::commitment::base::unlinked;
use crate::limits::MAX_SIZE;
use crate::{Key, Message, Value};

const AO_DATA_KEY: Key = Key::from_static("ao-data-key");
const DATA: Key = Key::from_static("data");
const TARGET: Key = Key::from_static("target");
const BUNDLE_FORMAT: (&[u8], &[u8]) = (b"bundle-format", b"binary");
const BUNDLE_VERSION: (&[u8], &[u8]) = (b"bundle-version", b"2.0.0");
const BUNDLE_MAP: &[u8] = b"bundle-map";
/// The tag of an item that stands for its data alone.
const BINARY: (&[u8], &[u8]) = (b"ao-type", b"binary");

/// The codec between messages and data items.
#[derive(Debug, Clone, Copy)]
pub struct Ans104<'a> {
    /// What becomes of nested messages: items of a bundle, or tags with their ids.
    pub links: Links<'a>,
}

impl Ans104<'_> {
    /// Writes a message as an item, signed if it has one commitment of this device.
    ///
    /// # Errors
    /// More than 128 keys, more than one such commitment, or one that does not fit an item.
    pub fn encode(&self, message: &Value) -> Result<Bytes, EncodeError> {
        encode::to_bytes(&self.encode_item(message)?)
    }

    /// Writes a message as an item that is not bytes yet.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_item(&self, message: &Value) -> Result<Item, EncodeError> {
        encode::item(&Structured { links: self.links }.encode_readable(message)?, 1)
    }

    /// Reads an item, with its signature as a commitment. It has not been verified.
    ///
    /// # Errors
    /// Bytes that are no item, a bundle that does not fit its manifest, and types that do not fit.
    pub fn decode(bytes: &Bytes) -> Result<Value, DecodeError> {
        if bytes.len() > MAX_SIZE {
            return Err(DecodeError::TooLarge { size: bytes.len() });
        }
        Self::decode_item(&Item::parse(bytes.clone())?)
    }

    /// Whether the values of a message, and the keys that its commitment claims, are those of the item.
    /// `tabm` is the message in the form that the item was made of.
    ///
    /// An item with its original tags is rebuilt from these alone; without this check the message
    /// beside them could say anything.
    pub(crate) fn covers(
        item: &Item,
        message: &Message,
        tabm: &Message,
        claimed: &[Key],
    ) -> Result<bool, DecodeError> {
        let (Value::Map(signed), Value::Map(written)) =
            (Self::decode_item(item)?, Structured::decode(&tabm.clone().into())?)
        else {
            return Ok(false);
        };
        let covered: BTreeSet<Key> = Commitment::all(&signed)
            .flat_map(|one| one.committed())
            .map(|key| unlinked(&key))
            .collect();
        let claimed: BTreeSet<Key> = claimed.iter().map(unlinked).collect();
        // A list that a tag holds as text is written as a message of its own, or as a link to one.
        let same = |key: &Key| {
            let signed = signed.get_exact(key);
            written.get_exact(key) == signed || message.get_exact(key) == signed
        };
        // Types are not keys of a message that has been read; they show in its values.
        Ok(covered == claimed && claimed.iter().all(same))
    }

    /// Reads an item that has been parsed.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_item(item: &Item) -> Result<Value, DecodeError> {
        Structured::decode(&decode::tabm(item, 1)?)
    }
}
