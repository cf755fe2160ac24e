//! `ids`: the names of messages.

use anyhow::{Context, Result, bail};
use oxbeam_protocol::commitment::{signature_base, signed_id, unsigned_id};
use oxbeam_protocol::{Content, Id, NoContent, Value};
use serde_json::Value as Json;

use super::expect_text;
use crate::typed;
use crate::vector::{Folder, Vector};

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "id" => id(vector),
        "bundle-mac" => {
            let message = typed::message(vector.input("msg")?)?;
            let (base, mac) = unsigned(&message.into(), true, &NoContent)?;
            expect_text(vector.output("base"), Ok(base))?;
            expect_text(vector.output("id"), Ok(mac.to_string()))
        }
        "accumulate" => {
            let ids = vector.input("ids")?.as_array().context("ids are no list")?;
            let ids: Result<Vec<Id>> =
                ids.iter().map(|id| Ok(id.as_str().context("no text")?.parse()?)).collect();
            expect_text(vector.output("id"), Ok(Id::sum(ids?).to_string()))
        }
        other => bail!("unknown operation {other}"),
    }
}

fn id(vector: &Vector) -> Result<()> {
    let message = typed::value(vector.input("msg")?)?;
    expect_text(vector.output("id"), Ok(unsigned_id(&message)?.to_string()))?;
    if let Some(expected) = vector.output("base").and_then(|base| base.get("s")) {
        let (base, mac) = unsigned(&message, false, &NoContent)?;
        expect_text(Some(expected), Ok(base))?;
        expect_text(vector.output("id"), Ok(mac.to_string()))?;
    }
    let children = vector.output("children").and_then(Json::as_object);
    for (key, id) in children.into_iter().flatten() {
        let map = match &message {
            Value::Map(map) => map.clone(),
            Value::List(list) => list.to_map(),
            other => bail!("no children in {other:?}"),
        };
        let child = map.get_exact(key).with_context(|| format!("no child {key}"))?;
        expect_text(Some(id), Ok(signed_id(child)?.to_string()))?;
    }
    Ok(())
}

/// The base of the HMAC that names a message, and that HMAC.
fn unsigned(message: &Value, bundle: bool, content: &dyn Content) -> Result<(String, Id)> {
    let (base, id) = signature_base(message, bundle, content)?;
    Ok((String::from_utf8_lossy(&base).into_owned(), id))
}
