//! `json`: messages as JSON text.

use anyhow::{Result, bail};
use bytes::Bytes;
use oxbeam_protocol::codec::{Json as Codec, Links};
use oxbeam_protocol::{NoContent, Value};
use serde_json::Value as Json;

use super::{expect, expect_failure, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "json" => json(vector),
        "json-decode" => {
            let expected =
                if is_error(&vector.output) { Some(&vector.output) } else { vector.output("rich") };
            expect_value(expected, decode(vector.input_text("json")?))
        }
        other => bail!("unknown operation {other}"),
    }
}

fn json(vector: &Vector) -> Result<()> {
    let message = typed::value(vector.input("msg")?)?;
    let encode = |links| -> Result<String> { Ok(Codec { links }.encode(&message)?) };
    if is_error(&vector.output) {
        return expect_failure(vector, encode(Links::Embed(&NoContent)).map(drop));
    }
    for (links, form) in [(Links::Discard, "linked"), (Links::Embed(&NoContent), "bundle")] {
        expect(vector.output(form), encode(links), |expected, text| compare_text(expected, text))?;
    }
    let decoded = encode(Links::Embed(&NoContent)).and_then(|text| decode(&text));
    expect_value(vector.output("decoded"), decoded)
}

fn decode(text: &str) -> Result<Value> {
    Ok(Codec::decode(&Bytes::copy_from_slice(text.as_bytes()))?)
}

/// Compares what two texts say: white space, the order of members and how a number is written are
/// free.
pub(super) fn compare_text(expected: &Json, actual: &str) -> Result<()> {
    let (expected, actual): (Json, Json) = match expected.as_str() {
        Some(text) => (serde_json::from_str(text)?, serde_json::from_str(actual)?),
        None => bail!("the expected text is no text: {expected}"),
    };
    if same(&expected, &actual) {
        return Ok(());
    }
    bail!("expected {expected}, found {actual}")
}

fn same(expected: &Json, actual: &Json) -> bool {
    match (expected, actual) {
        (Json::Number(a), Json::Number(b)) => {
            a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
