//! `httpsig-encode`: messages as headers and bodies.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use oxbeam_protocol::codec::{HttpMessage, HttpSig, Links};
use oxbeam_protocol::{Key, NoContent, Value};
use serde_json::Value as Json;

use super::{expect, expect_failure, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "httpsig-encode" => encode(vector),
        "httpsig-decode" => {
            let expected =
                if is_error(&vector.output) { Some(&vector.output) } else { vector.output("rich") };
            expect_value(expected, wire(&vector.input).and_then(|wire| decode(&wire)))
        }
        other => bail!("unknown operation {other}"),
    }
}

fn encode(vector: &Vector) -> Result<()> {
    let message = typed::value(vector.input("msg")?);
    let encode = |links| -> Result<HttpMessage> {
        let message = message.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(HttpSig { links }.encode(message)?)
    };
    if is_error(&vector.output) {
        return expect_failure(vector, encode(Links::Discard).map(drop));
    }
    for (links, form, decoded) in [
        (Links::Discard, "linked", "linked-decoded"),
        (Links::Embed(&NoContent), "bundle", "bundle-decoded"),
    ] {
        expect(vector.output(form), encode(links), compare_wire)?;
        expect_value(vector.output(decoded), encode(links).and_then(|wire| decode(&wire)))?;
    }
    Ok(())
}

pub(super) fn decode(wire: &HttpMessage) -> Result<Value> {
    Ok(HttpSig::decode(wire)?)
}

/// The HTTP message that a vector describes.
pub(super) fn wire(json: &Json) -> Result<HttpMessage> {
    let mut headers = BTreeMap::new();
    for header in json.get("headers").and_then(Json::as_array).context("no headers")? {
        let (name, value) =
            header.get(0).and_then(Json::as_str).zip(header.get(1)).context("a header")?;
        let Value::Bytes(value) = typed::value(value)? else { bail!("a header that is no text") };
        headers.insert(Key::from(name), value);
    }
    let body = json.get("body").map(typed::blob).transpose()?;
    Ok(HttpMessage { headers, body })
}

/// Compares wire forms; within the signature headers the order of the entries is free.
pub(super) fn compare_wire(expected: &Json, actual: &HttpMessage) -> Result<()> {
    let expected = wire(expected)?;
    for (name, value) in &expected.headers {
        let found =
            actual.headers.get(name).with_context(|| format!("header {name} is missing"))?;
        if name.as_bytes().starts_with(b"signature") {
            ensure!(
                entries(value) == entries(found),
                "{name}: expected {value:?}, found {found:?}"
            );
        } else {
            ensure!(value == found, "{name}: expected {value:?}, found {found:?}");
        }
    }
    if let Some(name) = actual.headers.keys().find(|name| !expected.headers.contains_key(*name)) {
        bail!("unexpected header {name}");
    }
    ensure!(
        expected.body == actual.body,
        "body: expected {:?}, found {:?}",
        expected.body,
        actual.body
    );
    Ok(())
}

fn entries(header: &Bytes) -> Vec<String> {
    let text = String::from_utf8_lossy(header);
    let mut entries: Vec<_> =
        text.split(", comm-").map(|entry| entry.trim_start_matches("comm-").to_owned()).collect();
    entries.sort();
    entries
}
