//! `paths`: requests as lists of steps, and back.

use anyhow::{Context, Result, bail, ensure};
use oxbeam_protocol::path::{Request, Step, SubPath, parse, to_singleton};
use oxbeam_protocol::{Key, Message};
use serde_json::Value as Json;

use super::{expect, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

/// Compares a value; the host-dependent lines take atoms and texts of one name as equal.
type Compare = fn(&Json, &oxbeam_protocol::Value) -> Result<()>;

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    let part =
        |name| if is_error(&vector.output) { Some(&vector.output) } else { vector.output(name) };
    match vector.op.as_str() {
        "path" => {
            let steps = parse(&typed::message(vector.input("msg")?)?).map_err(Into::into);
            let host = vector.category == "host-dependent";
            let compare: Compare = if host { either } else { typed::compare };
            expect(part("messages"), steps, |expected, found| same_steps(expected, found, compare))
        }
        "to-singleton" => {
            let request = to_singleton(&steps(vector.input("messages")?)?);
            expect_value(part("msg"), request.map(Into::into).map_err(Into::into))
        }
        other => bail!("unknown operation {other}"),
    }
}

/// A link fixes one of the two forms of a bare word, and no rule says which.
fn either(expected: &Json, found: &oxbeam_protocol::Value) -> Result<()> {
    typed::compare(expected, found).or_else(|_| typed::compare_names(expected, found))
}

fn same_steps(expected: &Json, found: &[Step], compare: Compare) -> Result<()> {
    let expected = expected.as_array().context("no list of steps")?;
    ensure!(expected.len() == found.len(), "{} steps, found {found:?}", expected.len());
    expected.iter().zip(found).try_for_each(|(expected, found)| match found {
        Step::Id(id) => compare(expected, &id.clone().into()),
        Step::Request(request) => same_request(part(expected, "/m")?, request, compare),
        Step::SubPath(steps) => same_steps(part(expected, "/resolve/l")?, steps, compare),
        Step::As { device, request } => {
            compare(part(expected, "/as/0")?, &device.clone().into())?;
            same_request(part(expected, "/as/1/m")?, request, compare)
        }
    })
}

/// A part of typed JSON, by its pointer (RFC 6901).
fn part<'a>(json: &'a Json, pointer: &str) -> Result<&'a Json> {
    json.pointer(pointer).with_context(|| format!("no {pointer} in {json}"))
}

fn same_request(expected: &Json, found: &Request, compare: Compare) -> Result<()> {
    let expected = expected.as_object().context("no map")?;
    ensure!(expected.len() == found.len(), "expected {expected:?}, found {found:?}");
    expected.iter().try_for_each(|(key, expected)| match found.pending.get(key.as_bytes()) {
        Some(steps) => same_steps(part(expected, "/resolve/l")?, steps, compare),
        None => compare(expected, found.message.get_exact(key).context("a key is missing")?),
    })
}

fn steps(json: &Json) -> Result<Vec<Step>> {
    json.as_array().context("no list of steps")?.iter().map(step).collect()
}

fn step(json: &Json) -> Result<Step> {
    if let Some(id) = json.get("s").and_then(Json::as_str) {
        return Ok(Step::Id(id.to_owned().into()));
    }
    if json.get("resolve").is_some() {
        return Ok(Step::SubPath(steps(part(json, "/resolve/l")?)?.into()));
    }
    if json.get("as").is_none() {
        return Ok(Step::Request(request(json)?));
    }
    let device = part(json, "/as/0/s")?.as_str().context("a device is no text")?;
    Ok(Step::As { device: device.to_owned().into(), request: request(part(json, "/as/1")?)? })
}

fn request(json: &Json) -> Result<Request> {
    let mut request = Request::from(Message::new());
    for (key, json) in part(json, "/m")?.as_object().context("no map")? {
        let key = Key::from(key.as_str());
        match json.get("resolve") {
            Some(_) => {
                let steps = steps(part(json, "/resolve/l")?)?;
                request.pending.insert(key, SubPath::from(steps));
            }
            None => {
                request.message.insert(key, typed::value(json)?);
            }
        }
    }
    Ok(request)
}
