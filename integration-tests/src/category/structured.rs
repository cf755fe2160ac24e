//! `structured`: rich values to TABM and back.

use anyhow::{Result, bail};
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::{NoContent, Value};

use super::{expect, expect_failure, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "structured" => structured(vector),
        "tabm-decode" => {
            let expected =
                if is_error(&vector.output) { Some(&vector.output) } else { vector.output("rich") };
            let rich = typed::value(vector.input("tabm")?).and_then(|tabm| decode(&tabm));
            match vector.category.as_str() {
                "host-dependent" => expect(expected, rich, typed::compare_names),
                _ => expect_value(expected, rich),
            }
        }
        other => bail!("unknown operation {other}"),
    }
}

fn structured(vector: &Vector) -> Result<()> {
    let message = typed::value(vector.input("msg")?);
    let encode = |links| -> Result<Value> {
        let message = message.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(Structured { links }.encode(message)?)
    };
    if is_error(&vector.output) {
        return expect_failure(
            vector,
            encode(Links::Discard).and_then(|tabm| decode(&tabm).map(drop)),
        );
    }
    for (links, tabm, rich) in
        [(Links::Embed(&NoContent), "tabm", "rich"), (Links::Discard, "tabm-linked", "rich-linked")]
    {
        expect_value(vector.output(tabm), encode(links))?;
        expect_value(vector.output(rich), encode(links).and_then(|tabm| decode(&tabm)))?;
    }
    Ok(())
}

fn decode(tabm: &Value) -> Result<Value> {
    Ok(Structured::decode(tabm)?)
}
