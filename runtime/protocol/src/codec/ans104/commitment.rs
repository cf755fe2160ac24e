//! The commitment that an item's signature is, and the parts of an item that it keeps.
//!
//! Source: spec 03, section 5.3.

use bytes::Bytes;

use super::decode::lower;
use crate::ans104::{Item, SignatureType, Tag};
use crate::base64::{decode, encode_url};
use crate::codec::EncodeError;
use crate::commitment::{ANS104, Commitment};
use crate::signature::SignatureError;
use crate::{Id, Key, List, Message, Value, Wallet};

/// The type of a commitment without a signature.
const UNSIGNED: &str = "unsigned-sha256";
const KEYID_PREFIX: &str = "publickey:";

/// The types of commitments, by what signs the item.
const TYPES: [(SignatureType, &str); 4] = [
    (SignatureType::Arweave, "rsa-pss-sha256"),
    (SignatureType::Ed25519, "ed25519"),
    (SignatureType::Ethereum, "eip191-secp256k1"),
    (SignatureType::Solana, "solana-ed25519"),
];

/// The commitment of an item and its id. An unsigned item has one only if it must keep its tags.
pub(super) fn of_item(item: &Item, committed: &[Key], keeps_tags: bool) -> Option<(Key, Message)> {
    let id = item.signed_id();
    if id.is_none() && !keeps_tags {
        return None;
    }
    let is_bundle = item.tags.iter().any(|tag| lower(&tag.name) == "bundle-format");
    let committed: List = committed.iter().map(|key| Value::Bytes(key.to_bytes())).collect();
    let mut fields = Message::new()
        .with("commitment-device", ANS104)
        .with("committed", committed)
        .with("bundle", if is_bundle { "true" } else { "false" });
    if keeps_tags {
        fields.insert("original-tags", tag_map(&item.tags));
    }
    if let Some(target) = item.target {
        fields.insert("field-target", target.to_string());
    }
    if let Some(anchor) = item.anchor {
        fields.insert("field-anchor", anchor.to_vec());
    }
    if id.is_some() {
        fields.insert("type", type_name(item.signature_type));
        fields.insert("signature", encode_url(&item.signature));
        fields.insert("keyid", format!("{KEYID_PREFIX}{}", encode_url(&item.owner)));
        fields.insert("committer", committer(item));
    } else {
        fields.insert("type", UNSIGNED);
    }
    Some((id.unwrap_or_else(|| item.unsigned_id()).into(), fields))
}

/// The address of the owner; one that is no key is named by its hash all the same.
pub(crate) fn committer(item: &Item) -> String {
    item.public_key()
        .map_or_else(|_| item.owner_address().to_string(), |key| key.address().to_string())
}

/// The type of the commitments that a wallet's items become.
pub(crate) fn item_type(wallet: &Wallet) -> Result<&'static str, SignatureError> {
    SignatureType::of(wallet.public_key()).map(type_name)
}

fn type_name(signature_type: SignatureType) -> &'static str {
    TYPES.iter().find(|(known, _)| *known == signature_type).map_or(UNSIGNED, |(_, name)| name)
}

fn tag_map(tags: &[Tag]) -> Message {
    let tags = tags.iter().map(|tag| {
        Value::from(Message::from([("name", tag.name.clone()), ("value", tag.value.clone())]))
    });
    tags.collect::<List>().to_map()
}

/// What a commitment says about its item beyond the keys of the message.
pub(super) struct Parts {
    pub(super) target: Option<Id>,
    pub(super) anchor: Option<[u8; 32]>,
    pub(super) original_tags: Option<Vec<Tag>>,
    /// Type, owner and signature; none if the item is unsigned.
    pub(super) signature: Option<(SignatureType, Bytes, Bytes)>,
}

pub(super) fn parts(commitment: &Commitment<'_>) -> Result<Parts, EncodeError> {
    let bad = |reason: &str| EncodeError::Commitment {
        id: commitment.id.clone(),
        reason: reason.to_owned(),
    };
    let id = |key: &'static str| match commitment.text(key) {
        None => Ok(None),
        Some(text) => Id::from_native_or_text(text)
            .map(Some)
            .map_err(|_| bad(&format!("its {key} is not 32 bytes"))),
    };
    let original_tags = match commitment.fields.get_exact("original-tags") {
        None => None,
        Some(tags) => Some(tags_of(tags).ok_or_else(|| bad("its original tags are malformed"))?),
    };
    Ok(Parts {
        target: id("field-target")?,
        anchor: id("field-anchor")?.map(|anchor| *anchor.as_bytes()),
        original_tags,
        signature: signature(commitment).map_err(bad)?,
    })
}

fn signature(
    commitment: &Commitment<'_>,
) -> Result<Option<(SignatureType, Bytes, Bytes)>, &'static str> {
    let kind = commitment.text("type").ok_or("it has no type")?;
    if kind == UNSIGNED {
        return Ok(None);
    }
    let known = TYPES.iter().find(|(_, name)| kind == name);
    let (signature_type, _) = known.ok_or("its type is unknown")?;
    let keyid = commitment.text("keyid").ok_or("it has no keyid")?;
    let key = keyid.strip_prefix(KEYID_PREFIX.as_bytes()).ok_or("its keyid is no public key")?;
    let owner = decode(key).map_err(|_| "its keyid is not base64")?;
    let signature = commitment.signature().ok_or("it has no signature")?;
    Ok(Some((*signature_type, owner.into(), signature.into())))
}

fn tags_of(tags: &Value) -> Option<Vec<Tag>> {
    let tags = List::try_from(tags.clone()).ok()?;
    let tag = |tag: &Value| {
        let tag = tag.as_map()?;
        Some(Tag::new(tag.get("name")?.as_bytes()?.clone(), tag.get("value")?.as_bytes()?.clone()))
    };
    tags.iter().map(tag).collect()
}
