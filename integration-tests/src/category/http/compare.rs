//! Compares an answer with the recorded one.

use anyhow::{Context as _, Result, bail, ensure};
use oxbeam_protocol::commitment::{COMMITMENTS, committers, only_committed, verify_all};
use oxbeam_protocol::structured_field::{self as field, Bare, Member};
use oxbeam_protocol::{Message, NoContent, Value, base64};
use serde_json::Value as Json;

use crate::client::{CORS, Response, is_transport};
use crate::typed;

const ANY: &str = "${ANY}";
const NODE_ADDRESS: &str = "${NODE_ADDRESS}";

/// An answer as it was recorded.
pub(super) struct Expected<'a> {
    pub(super) json: &'a Json,
    /// The address of the node's wallet.
    pub(super) node: &'a str,
    /// Whether the headers for other origins were recorded as well.
    pub(super) cors: bool,
}

impl Expected<'_> {
    pub(super) fn compare(&self, answer: &Response) -> Result<()> {
        let status = self.json.get("status").and_then(Json::as_u64).context("no status")?;
        ensure!(
            status == u64::from(answer.status),
            "expected status {status}, found {}: {:.300?}",
            answer.status,
            answer.body
        );
        if status == 500 {
            // What is said about an exception is the host's own.
            return Ok(());
        }
        self.headers(answer)?;
        self.body(answer)?;
        self.signature(answer)?;
        self.message(answer)
    }

    fn headers(&self, answer: &Response) -> Result<()> {
        let expected = self.json.get("headers").and_then(Json::as_object).context("no headers")?;
        for (name, value) in expected {
            let found = answer.header(name).with_context(|| format!("header {name} is missing"))?;
            let value = value.as_str().context("a header that is no text")?;
            let found = String::from_utf8_lossy(&found);
            ensure!(self.fits(value, &found), "header {name}: expected {value}, found {found}");
        }
        let extra = answer.headers.iter().map(|(name, _)| name).find(|name| {
            !expected.contains_key(*name)
                && !(is_transport(name) && !(self.cors && name.starts_with(CORS)))
        });
        match extra {
            Some(name) => bail!("unexpected header {name}: {:?}", answer.header(name)),
            None => Ok(()),
        }
    }

    /// Whether a text is the expected one, in which parts may stand for any text.
    fn fits(&self, expected: &str, found: &str) -> bool {
        let expected = expected.replace(NODE_ADDRESS, self.node);
        let Some((start, rest)) = expected.split_once(ANY) else { return expected == found };
        let Some(found) = found.strip_prefix(start) else { return false };
        let mut tails = found.char_indices().map(|(at, _)| at).chain([found.len()]);
        tails.any(|at| found.get(at..).is_some_and(|tail| self.fits(rest, tail)))
    }

    fn body(&self, answer: &Response) -> Result<()> {
        let expected = self.json.get("body").unwrap_or(&Json::Null);
        let body = &answer.body;
        if expected.is_null() {
            ensure!(body.is_empty(), "expected no body, found {body:.300?}");
        } else if let Some(text) = expected.get("text").and_then(Json::as_str) {
            let found = String::from_utf8_lossy(body);
            ensure!(self.fits(text, &found), "expected the body {text:.600}, found {found:.600}");
        } else if let Some(blob) = expected.get("b64").and_then(Json::as_str) {
            ensure!(base64::decode(blob)? == **body, "another body: {body:.300?}");
        } else if let Some(expected) = expected.get("json") {
            let mut found: Json = serde_json::from_slice(body)?;
            without_commitments(&mut found);
            ensure!(self.same(expected, &found), "expected {expected}, found {found}");
        } else if expected.get("html").is_some() {
            ensure!(body.starts_with(b"<!"), "no page: {body:.300?}");
        } else if expected.get("ans104").is_some() {
            oxbeam_protocol::codec::Ans104::decode(body)?;
        } else {
            ensure!(expected.get("any").is_some(), "unknown body {expected}");
        }
        Ok(())
    }

    fn same(&self, expected: &Json, found: &Json) -> bool {
        match (expected, found) {
            (any, _) if is_any(any) => true,
            (Json::String(expected), Json::String(found)) => self.fits(expected, found),
            (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (Json::Array(a), Json::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(a, b))
            }
            (Json::Object(a), Json::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| self.same(a, b)))
            }
            (expected, found) => expected == found,
        }
    }

    fn signature(&self, answer: &Response) -> Result<()> {
        let Some(expected) = self.json.get("signature") else { return Ok(()) };
        let is_present = expected.get("present").and_then(Json::as_bool).unwrap_or_default();
        let input = answer.header("signature-input");
        ensure!(input.is_some() == is_present, "signed: {}, expected {is_present}", !is_present);
        let Some(input) = input else { return Ok(()) };
        let message = answer.message()?;
        self.committers(expected, &message)?;
        components(expected, &input)?;
        if expected.get("verifies").and_then(Json::as_bool) == Some(true) {
            verify_all(&only_committed(&message), &NoContent)?;
        }
        Ok(())
    }

    fn committers(&self, expected: &Json, message: &Message) -> Result<()> {
        let Some(expected) = expected.get("committers").and_then(Json::as_array) else {
            return Ok(());
        };
        let expected = expected.iter().filter_map(Json::as_str);
        let mut expected: Vec<String> =
            expected.map(|name| name.replace(NODE_ADDRESS, self.node)).collect();
        let mut found: Vec<String> =
            committers(message).iter().map(|key| key.to_text().into_owned()).collect();
        expected.sort();
        found.sort();
        ensure!(expected == found, "expected the committers {expected:?}, found {found:?}");
        Ok(())
    }

    fn message(&self, answer: &Response) -> Result<()> {
        let Some(expected) = self.json.get("message") else { return Ok(()) };
        let expected = expected.get("m").and_then(Json::as_object).context("no map")?;
        let found = answer.message()?;
        let is_own = |key: &str| !is_transport(key);
        for (key, json) in expected.iter().filter(|(key, _)| is_own(key)) {
            let value = found.get_exact(key).with_context(|| format!("key {key} is missing"))?;
            self.value(json, value).with_context(|| format!("key {key}"))?;
        }
        let extra = found.keys().find(|key| {
            **key != COMMITMENTS
                && is_own(&key.to_text())
                && !expected.contains_key(&*key.to_text())
        });
        match extra {
            Some(key) => bail!("unexpected key {key:?}"),
            None => Ok(()),
        }
    }

    fn value(&self, expected: &Json, found: &Value) -> Result<()> {
        if is_any(expected) {
            return Ok(());
        }
        match (expected.get("m").and_then(Json::as_object), expected.get("s"), found) {
            (Some(members), _, Value::Map(map)) => {
                for (key, json) in members {
                    let value = map.get_exact(key).with_context(|| format!("{key} is missing"))?;
                    self.value(json, value).with_context(|| format!("key {key}"))?;
                }
                let extra = map
                    .keys()
                    .find(|key| **key != COMMITMENTS && !members.contains_key(&*key.to_text()));
                extra.map_or(Ok(()), |key| bail!("unexpected key {key:?}"))
            }
            (_, Some(Json::String(text)), Value::Bytes(bytes)) => {
                let found = String::from_utf8_lossy(bytes);
                ensure!(self.fits(text, &found), "expected {text}, found {found}");
                Ok(())
            }
            _ => typed::compare(expected, found),
        }
    }
}

fn is_any(expected: &Json) -> bool {
    expected.get("any").and_then(Json::as_bool) == Some(true) || expected.as_str() == Some(ANY)
}

/// What the first signature covers, and whether any has a tag: their order depends on their salt.
fn components(expected: &Json, input: &bytes::Bytes) -> Result<()> {
    let entries = field::dictionary(input)?;
    let lists = entries.into_iter().filter_map(|(_, member)| match member {
        Member::Inner(names, parameters) => Some((names, parameters)),
        Member::Item(_) => None,
    });
    let lists: Vec<_> = lists.collect();
    let (first, _) = lists.first().context("signature-input is empty")?;
    let names = first.iter().map(|item| match &item.bare {
        Bare::Text(name) => String::from_utf8_lossy(name).into_owned(),
        other => format!("{other:?}"),
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    if let Some(expected) = expected.get("components").and_then(Json::as_array) {
        let mut expected: Vec<&str> = expected.iter().filter_map(Json::as_str).collect();
        expected.sort_unstable();
        ensure!(names == expected, "expected the components {expected:?}, found {names:?}");
    }
    if let Some(tag) = expected.get("tag").and_then(Json::as_bool) {
        let mut parameters = lists.iter().flat_map(|(_, parameters)| parameters);
        let found = parameters.any(|(key, _)| *key == "tag");
        ensure!(tag == found, "tag: expected {tag}, found {found}");
    }
    Ok(())
}

/// Takes commitments out, at any depth: what is recorded has none.
fn without_commitments(json: &mut Json) {
    match json {
        Json::Object(object) => {
            object.remove("commitments");
            object.values_mut().for_each(without_commitments);
        }
        Json::Array(items) => items.iter_mut().for_each(without_commitments),
        _ => {}
    }
}
