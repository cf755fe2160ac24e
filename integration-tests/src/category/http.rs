//! `http`: scenarios, each on a fresh node that is asked over TCP.

mod compare;
mod needs;

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use oxbeam_protocol::base64;
use serde_json::Value as Json;

use crate::client::{self, Request};
use crate::deviations;
use crate::served::ServedNode;
use crate::upstream::Upstream;
use crate::vector::{Folder, Vector};

/// Where scenarios have the base URL of the server that they ask through the node.
const UPSTREAM: &str = "${UPSTREAM}";

pub(super) fn check(folder: &Folder, vector: &Vector) -> Result<()> {
    needs::ensure(vector)?;
    let (config, steps) = (vector.input("config")?, vector.input("steps")?);
    let (config, steps) = match asks_upstream(config, steps) {
        true => with_upstream(config, steps)?,
        false => (config.clone(), steps.clone()),
    };
    let steps = steps.as_array().context("steps are no list")?;
    let node = ServedNode::start(folder, &config)?;
    let address = node.wallet.address().to_string();
    let is_basic = vector.id.contains("message-basic");
    let mut wrong = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let answer = client::send(node.host(), &request(step)?)?;
        let expected = step.get("response").context("a step without a response")?;
        let compared =
            compare::Expected { json: expected, node: &address, cors: is_basic }.compare(&answer);
        let id = format!("{}#{number}", vector.id);
        if let Err(error) = deviations::judge(&id, answer.status, compared) {
            wrong.push(format!("step {number}: {error:#}"));
        }
        if let Some(pause) = step.get("wait-ms").and_then(Json::as_u64) {
            thread::sleep(Duration::from_millis(pause));
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!(wrong.join("; ")) }
}

/// Whether a scenario asks a server through the node.
fn asks_upstream(config: &Json, steps: &Json) -> bool {
    steps.to_string().contains("~relay@1.0") || config.to_string().contains(UPSTREAM)
}

/// The scenario with a server that it can ask. That runs on this machine, where the node would not send
/// anything of its own accord.
fn with_upstream(config: &Json, steps: &Json) -> Result<(Json, Json)> {
    let url = Upstream::start()?.url();
    let filled = |json: &Json| serde_json::from_str(&json.to_string().replace(UPSTREAM, &url));
    let mut config: Json = filled(config)?;
    let options = config.as_object_mut().context("options are no object")?;
    options.insert("relay_networks".into(), "any".into());
    Ok((config, filled(steps)?))
}

fn request(step: &Json) -> Result<Request> {
    let request = step.get("request").context("a step without a request")?;
    let text = |key: &str| request.get(key).and_then(Json::as_str);
    let headers = request.get("headers").and_then(Json::as_array).context("no headers")?;
    let header = |header: &Json| {
        let pair = header.get(0)?.as_str().zip(header.get(1)?.as_str())?;
        Some((pair.0.to_owned(), pair.1.to_owned()))
    };
    Ok(Request {
        method: text("method").context("no method")?.to_owned(),
        target: text("target").context("no target")?.to_owned(),
        headers: headers.iter().map(header).collect::<Option<_>>().context("no header")?,
        body: text("body").map_or_else(|| Ok(Vec::new()), base64::decode)?,
    })
}
