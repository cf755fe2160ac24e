//! `oxbeam verify`: whether a node says of a process what its log comes to.
//!
//! Every assignment is fetched; its signatures, its slot and its hash chain are verified and it is
//! computed, all on this machine. The result, the hashpath and the last state must be those that the
//! node says, and the peer if one is named.

use std::process::ExitCode;
use std::sync::Arc;

use oxbeam_protocol::{Id, Value};
use serde_json::{Value as Json, json};

use super::arguments::agent::Verify;
use super::client::Client;
use super::failure::Failure;
use super::replay::{Recomputed, compared, recomputed};
use super::{history, say_line, show};

/// What was found of one node.
#[derive(Debug, Default)]
struct Found {
    /// Slots that came to the same.
    same: u64,
    /// The slot that came to nothing on both sides, and why.
    stuck: Option<(u64, String)>,
    /// What differs first.
    differs: Option<String>,
}

/// Recomputes all, and compares.
pub(super) fn run(arguments: &Verify) -> Result<ExitCode, Failure> {
    let client = Arc::new(Client::of(&arguments.at)?);
    let process = arguments.process;
    let to = history::last(&client, process, None)?;
    let here = recomputed(&client, process, to, true)?;
    let mut nodes = vec![(client.url().to_owned(), held(&client, process, &here, to)?)];
    if let Some(peer) = &arguments.peer {
        let peer = Client::new(peer);
        // What a peer has not computed yet it computes now.
        history::last(&peer, process, Some(to))?;
        nodes.push((peer.url().to_owned(), held(&peer, process, &here, to)?));
    }
    let holds = nodes.iter().all(|(_, found)| found.differs.is_none());
    match arguments.at.json {
        true => say_line(&as_json(process, to, &here, &nodes, holds).to_string()),
        false => say(process, to, &here, &nodes),
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Holds a node against what was computed here.
fn held(client: &Client, process: Id, here: &Recomputed, to: u64) -> Result<Found, Failure> {
    let mut found = Found::default();
    compared(client, process, here, 0, to, |slot| {
        if !slot.is_same() {
            let (here, there) = (slot.here_said(), slot.there_said());
            found.differs = Some(format!("slot {}: here {here}; there {there}", slot.slot));
        } else if slot.has_result() {
            found.same += 1;
        } else {
            found.stuck = Some((slot.slot, slot.here_said()));
        }
    })?;
    if let (None, Some(last)) = (&found.differs, found.same.checked_sub(1)) {
        found.differs = state_differs(client, process, here, last)?;
    }
    Ok(found)
}

/// Compares the last state, key by key.
fn state_differs(
    client: &Client,
    process: Id,
    here: &Recomputed,
    slot: u64,
) -> Result<Option<String>, Failure> {
    let path = format!("/{process}~process@1.0/compute&slot={slot}");
    let there = client.value(&path, &format!("the state after slot {slot}"))?;
    let here = show::object(&here.state.clone().without(&["status"]));
    let there = match &there {
        Value::Map(there) => show::object(there),
        _ => return Err(client.strange("a state")),
    };
    let differs = |key: &&String| here.get(*key) != there.get(*key);
    let first = here.keys().chain(there.keys()).find(differs);
    Ok(first.map(|key| {
        let shown = |state: &serde_json::Map<String, Json>| {
            show::line(
                &state.get(key).map(Json::to_string).unwrap_or_else(|| "nothing".into()),
                200,
            )
        };
        format!(
            "the state after slot {slot}: {key} is {} here, {} there",
            shown(&here),
            shown(&there)
        )
    }))
}

fn hashpath(here: &Recomputed) -> &str {
    here.results.last().map_or("", |last| &last.hashpath)
}

fn as_json(
    process: Id,
    to: u64,
    here: &Recomputed,
    nodes: &[(String, Found)],
    holds: bool,
) -> Json {
    let nodes: Vec<Json> = nodes
        .iter()
        .map(|(url, found)| {
            let stuck = found.stuck.as_ref().map(|(slot, why)| json!({ "slot": slot, "why": why }));
            json!({ "node": url, "same": found.same, "stuck": stuck, "differs": found.differs })
        })
        .collect();
    json!({ "process": process.to_string(), "slots": to + 1, "verified": here.results.len(),
        "hashpath": hashpath(here), "holds": holds, "nodes": nodes })
}

fn say(process: Id, to: u64, here: &Recomputed, nodes: &[(String, Found)]) {
    say_line(&format!("process  {process}\nslots    {}", to + 1));
    say_line(&format!("verified {} slots: signatures, order, hash chain", here.results.len()));
    for (url, found) in nodes {
        match (&found.differs, &found.stuck) {
            (Some(differs), _) => say_line(&format!("differs  {url}: {differs}")),
            (None, Some((slot, why))) => say_line(&format!(
                "same     {url}: {} slots; slot {slot} has {why}, here and there",
                found.same
            )),
            (None, None) => {
                say_line(&format!(
                    "same     {url}: results, hashpaths and state of {} slots",
                    found.same
                ));
            }
        }
    }
    say_line(&format!("hashpath {}", hashpath(here)));
}
