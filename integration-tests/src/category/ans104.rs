//! `ans104`: messages as data items.

use anyhow::{Context, Result, bail, ensure};
use oxbeam_protocol::ans104::{Item, SignatureType, deep_hash};
use oxbeam_protocol::codec::{Ans104, Links};
use oxbeam_protocol::commitment::{Commitment, Selection, signed_id, unsigned_id, verify};
use oxbeam_protocol::{Message, NoContent, Value, Wallet, base64};
use serde_json::Value as Json;

use super::{expect, expect_failure, expect_text, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

const EMBEDDED: Links<'static> = Links::Embed(&NoContent);

pub(super) fn check(folder: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "ans104-decode" => decode(vector),
        "ans104-encode" => encode(vector),
        "ans104-sign" => sign(folder, vector),
        "ans104-item" => item(vector),
        "deep-hash" => {
            let hash = deep_hash_of(vector.input("data")?)?;
            expect_text(vector.output("hash"), Ok(base64::encode_url(&hash)))
        }
        other => bail!("unknown operation {other}"),
    }
}

fn decode(vector: &Vector) -> Result<()> {
    let bytes = typed::blob(vector.input("item")?)?;
    let message = Ans104::decode(&bytes);
    if is_error(&vector.output) {
        let believed = message.map_err(Into::into).and_then(|message| verified(&message));
        return expect_failure(
            vector,
            believed.and_then(|verified| {
                ensure!(verified, "does not verify");
                Ok(())
            }),
        );
    }
    let message = message?;
    let item = Item::parse(bytes.clone())?;
    expect_value(vector.output("msg"), Ok(message.clone()))?;
    if let Some(expected) = vector.output("verify-item").and_then(Json::as_bool) {
        ensure!(item.verify().is_ok() == expected, "the item verifies: {}", !expected);
    }
    let ids = vector.output("ids").and_then(Json::as_object);
    expect_text(ids.and_then(|ids| ids.get("unsigned")), Ok(unsigned_id(&message)?.to_string()))?;
    expect_text(ids.and_then(|ids| ids.get("signed")), Ok(signed_id(&message)?.to_string()))?;
    expect_text(vector.output("unsigned-id"), Ok(item.unsigned_id().to_string()))?;
    let signed = item.signed_id().context("not signed").map(|id| id.to_string());
    expect_text(vector.output("signed-id"), signed)?;
    expect(vector.output("committers"), Ok(()), |expected, ()| committers(expected, &message))?;
    // The reference cannot rebuild an item with an anchor, nor verify a plain value.
    if item.anchor.is_none() && matches!(message, Value::Map(_)) {
        expect(vector.output("verify"), verified(&message), |expected, actual| {
            ensure!(expected.as_bool() == Some(*actual), "verifies: {actual}");
            Ok(())
        })?;
        let again = Ans104 { links: EMBEDDED }
            .encode(&message)
            .or_else(|_| Ans104 { links: Links::Discard }.encode(&message));
        expect(vector.output("reencodes"), again.map_err(Into::into), |expected, again| {
            let expected =
                if expected.is_boolean() { bytes.clone() } else { typed::blob(expected)? };
            ensure!(expected == *again, "written again it differs");
            Ok(())
        })?;
    }
    Ok(())
}

fn committers(expected: &Json, message: &Value) -> Result<()> {
    let message = match message {
        Value::Map(message) => message.clone(),
        _ => Message::new(),
    };
    let actual: Vec<String> = Commitment::all(&message)
        .filter_map(|commitment| commitment.committer())
        .map(|committer| String::from_utf8_lossy(committer).into_owned())
        .collect();
    ensure!(*expected == Json::from(actual.clone()), "expected {expected}, found {actual:?}");
    Ok(())
}

fn verified(message: &Value) -> Result<bool> {
    match message {
        Value::Map(message) => Ok(verify(message, &Selection::all(), None, &NoContent).is_ok()),
        _ => Ok(true),
    }
}

fn links(vector: &Vector) -> Links<'static> {
    match vector.input.get("bundle").and_then(Json::as_bool) {
        Some(true) => EMBEDDED,
        _ => Links::Discard,
    }
}

fn encode(vector: &Vector) -> Result<()> {
    let message = typed::value(vector.input("msg")?)?;
    let codec = Ans104 { links: links(vector) };
    if is_error(&vector.output) {
        return expect_failure(vector, codec.encode(&message).map(drop).map_err(Into::into));
    }
    let item = codec.encode_item(&message)?;
    expect_text(vector.output("unsigned-id"), Ok(item.unsigned_id().to_string()))?;
    let signed = item.signed_id().context("not signed").map(|id| id.to_string());
    expect_text(vector.output("signed-id"), signed)?;
    expect(vector.output("item"), codec.encode(&message).map_err(Into::into), |expected, actual| {
        ensure!(typed::blob(expected)? == *actual, "the items differ");
        Ok(())
    })
}

fn sign(folder: &Folder, vector: &Vector) -> Result<()> {
    let number = vector.input.get("wallet").map_or_else(|| "1".into(), Json::to_string);
    let wallet = Wallet::from_text(&folder.wallet(&number)?)?;
    let sample = typed::blob(vector.output("item").context("no item")?)?;
    let message = typed::value(vector.input("msg")?)?;
    let signed = Ans104::decode(&sample)?;
    expect_value(vector.output("msg"), Ok(signed.clone()))?;
    ensure!(verified(&signed)?, "the sample does not verify");
    let own = Ans104 { links: links(vector) }.encode_item(&message)?.sign(&wallet)?;
    own.verify()?;
    let sample = Item::parse(sample)?;
    ensure!(Item { signature: sample.signature.clone(), ..own } == sample, "the items differ");
    let ids = vector.output("ids").and_then(Json::as_object);
    expect_text(ids.and_then(|ids| ids.get("unsigned")), Ok(unsigned_id(&signed)?.to_string()))?;
    expect_text(ids.and_then(|ids| ids.get("signed")), Ok(signed_id(&signed)?.to_string()))
}

/// Items of signature types that the reference node does not know.
fn item(vector: &Vector) -> Result<()> {
    let item = Item::parse(typed::blob(vector.input("item")?)?)?;
    item.verify()?;
    let text =
        |value: Option<oxbeam_protocol::Id>| Ok(value.map(|id| id.to_string()).unwrap_or_default());
    expect_text(vector.output("id"), text(item.signed_id()))?;
    expect_text(vector.output("target"), text(item.target))?;
    expect_text(vector.output("owner-address"), Ok(item.owner_address().to_string()))?;
    expect_text(vector.output("ethereum-address"), Ok(item.public_key()?.address().to_string()))?;
    expect(vector.output("signature-type"), Ok(()), |expected, ()| {
        let expected = expected.as_u64().and_then(|number| u16::try_from(number).ok());
        ensure!(
            expected.and_then(SignatureType::from_number) == Some(item.signature_type),
            "another type"
        );
        Ok(())
    })?;
    expect(vector.output("data"), Ok(()), |expected, ()| {
        ensure!(typed::blob(expected)? == item.data, "the data differ");
        Ok(())
    })?;
    let message = Ans104::decode_item(&item)?;
    ensure!(verified(&message)?, "its message does not verify");
    Ok(())
}

fn deep_hash_of(json: &Json) -> Result<deep_hash::DeepHash> {
    match json {
        Json::Array(elements) => {
            let hashes: Result<Vec<_>> = elements.iter().map(deep_hash_of).collect();
            Ok(deep_hash::list(&hashes?))
        }
        blob => Ok(deep_hash::blob(&typed::blob(blob)?)),
    }
}
