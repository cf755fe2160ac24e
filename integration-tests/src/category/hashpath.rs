//! `hashpath`: the names of computed messages.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use oxbeam_protocol::hashpath::{Algorithm, HASHPATH, Hashpath, Request};
use oxbeam_protocol::{Message, Value};
use serde_json::Value as Json;

use super::{expect_failure, expect_text, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "hashpath" if is_error(&vector.output) => {
            expect_failure(vector, steps(vector, |_, _, _| Ok(())))
        }
        "hashpath" => {
            let base = typed::value(vector.input("base")?)?;
            expect_text(vector.output("base-value"), Ok(Hashpath::of(&base)?.to_string()))?;
            steps(vector, |index, value, hashpath| {
                let step = vector.output("steps").and_then(|steps| steps.get(index));
                let step = step.context("more steps than expected")?;
                expect_value(step.get("value"), Ok(value.clone()))?;
                let hashpath = hashpath.map(|hashpath| Json::from(hashpath.to_string()));
                let expected = step.get("hashpath");
                ensure!(expected == hashpath.as_ref(), "step {index}: {expected:?}, {hashpath:?}");
                Ok(())
            })
        }
        "hashpath-extend" => {
            let expected = if is_error(&vector.output) {
                Some(&vector.output)
            } else {
                vector.output("hashpath")
            };
            expect_text(expected, extend(vector))
        }
        other => bail!("unknown operation {other}"),
    }
}

fn extend(vector: &Vector) -> Result<String> {
    let hashpath =
        Hashpath::parse(&Bytes::copy_from_slice(vector.input_text("hashpath")?.as_bytes()))?;
    let request = Request::new(vector.input_text("request")?.to_owned());
    let algorithm: Algorithm = vector.input_text("alg")?.parse()?;
    Ok(hashpath.extend(request, algorithm)?.to_string())
}

/// Applies the requests one after another, and shows each result with its hashpath.
fn steps(
    vector: &Vector,
    mut show: impl FnMut(usize, &Value, Option<&Hashpath>) -> Result<()>,
) -> Result<()> {
    let mut base = typed::message(vector.input("base")?)?;
    let requests = vector.input("requests")?.as_array().context("requests are no list")?;
    for (index, request) in requests.iter().enumerate() {
        let request = typed::message(request)?;
        let Some(value) = apply(&base, &request)? else {
            return show(index, &oxbeam_protocol::Atom::from_static("not_found").into(), None);
        };
        let Value::Map(mut result) = value else { return show(index, &value, None) };
        let hashpath = Hashpath::of_step(&base, &request)?;
        result.set_private(HASHPATH, hashpath.to_string());
        show(index, &result.clone().into(), Some(&hashpath))?;
        base = result;
    }
    Ok(())
}

/// What the keys of every message do: the value of a key, `set` and `remove`.
fn apply(base: &Message, request: &Message) -> Result<Option<Value>> {
    let key = request.get("path").and_then(Value::as_name).context("no path")?;
    Ok(match key.as_ref() {
        b"set" => Some(base.set(request)?.into()),
        b"remove" => {
            let item = request.get("item").and_then(Value::as_name).context("no item")?;
            let mut rest = base.clone();
            rest.remove(item);
            Some(rest.into())
        }
        key => base.get(key).cloned(),
    })
}
