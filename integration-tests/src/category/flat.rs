//! `flat`: messages as paths and configuration text.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use oxbeam_protocol::codec::{Flat, Links, Structured};
use oxbeam_protocol::{Key, Message, NoContent, Value};

use super::{expect, expect_failure, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

const EMBEDDED: Links<'static> = Links::Embed(&NoContent);

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "flat" => flat(vector),
        "flat-decode" => {
            let paths = typed::message(vector.input("flat")?).map(|paths| to_paths(&paths));
            let tabm = paths.and_then(|paths| Ok(Flat::decode(&paths)?.into()));
            let expected =
                if is_error(&vector.output) { Some(&vector.output) } else { vector.output("tabm") };
            expect_value(expected, tabm)
        }
        "flat-text" => {
            let text = typed::blob(vector.input("text")?)?;
            let expected =
                if is_error(&vector.output) { Some(&vector.output) } else { vector.output("rich") };
            expect_value(expected, Flat::decode_text(&text).map_err(Into::into))
        }
        other => bail!("unknown operation {other}"),
    }
}

fn flat(vector: &Vector) -> Result<()> {
    let message = typed::value(vector.input("msg")?)?;
    let Value::Map(tabm) = (Structured { links: EMBEDDED }).encode(&message)? else {
        bail!("not a map: {message:?}");
    };
    let paths = Flat::encode(&tabm);
    if is_error(&vector.output) {
        return expect_failure(vector, paths.map(drop).map_err(Into::into));
    }
    let paths = paths?;
    expect_value(vector.output("tabm"), Ok(tabm.into()))?;
    let level: Message = paths.clone().into_iter().collect();
    expect_value(vector.output("flat"), Ok(level.into()))?;
    expect_value(
        vector.output("decoded"),
        Flat::decode(&paths).map(Value::Map).map_err(Into::into),
    )?;
    let text = Flat::encode_text(&message, Links::Discard);
    expect(vector.output("text"), text.map_err(Into::into), |expected, text| {
        let expected = typed::blob(expected)?;
        ensure!(expected == *text, "text: expected {expected:?}, found {text:?}");
        Ok(())
    })
}

fn to_paths(message: &Message) -> BTreeMap<Key, Bytes> {
    let entry = |(key, value): (&Key, &Value)| Some((key.clone(), value.as_bytes()?.clone()));
    message.iter().filter_map(entry).collect()
}
