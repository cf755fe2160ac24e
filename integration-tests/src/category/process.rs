//! `process`: processes of which every slot was recorded, each on a fresh node that is asked over
//! TCP.
//!
//! Slots, ids and hash chains must come out the same for all of them. What a slot computes is
//! compared if the node has the devices that the process runs on.

mod client;
mod slot;

use anyhow::{Context as _, Result, bail, ensure};
use oxbeam_protocol::commitment::{signed_id, unsigned_id};
use oxbeam_protocol::{Message, Value};
use serde_json::{Value as Json, json};

use super::lacking::{Lacking, ensure_devices};
use crate::deviations;
use crate::served::ServedNode;
use crate::typed;
use crate::vector::{Folder, Vector};
use client::Client;

pub(super) fn check(folder: &Folder, vector: &Vector) -> Result<()> {
    ensure!(vector.op == "process", "unknown operation {}", vector.op);
    let definition = typed::message(vector.input("definition")?)?;
    let slots = vector.output("slots").and_then(Json::as_array).context("no slots")?;
    let node = ServedNode::start(folder, &json!({}))?;
    let client = Client { node: &node };
    let process = schedule(&client, vector, &definition)?;
    assignments(&client, &process, slots)?;
    runnable(&definition)?;
    store(&client, vector)?;
    let wrong = slots.iter().enumerate().filter_map(|(number, expected)| {
        compute(&client, vector, &process, number, expected)
            .err()
            .map(|error| format!("slot {number}: {error:#}"))
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { bail!(wrong.join("; ")) }
}

/// Starts the process and sends it its messages; answers with its id.
fn schedule(client: &Client<'_>, vector: &Vector, definition: &Message) -> Result<String> {
    let id = signed_id(&definition.clone().into())?.to_string();
    let expected = |part| vector.output(part).and_then(Json::as_str).context("no id");
    ensure!(id == expected("process-id")?, "the process has the id {id}");
    let uncommitted = unsigned_id(&definition.clone().into())?.to_string();
    ensure!(uncommitted == expected("uncommitted-id")?, "unsigned it has the id {uncommitted}");
    client.post("/~scheduler@1.0/schedule", definition).context("the definition")?;
    let messages = vector.input("messages")?.as_array().context("messages are no list")?;
    for (number, message) in messages.iter().enumerate() {
        client
            .schedule(&id, typed::message(message)?)
            .with_context(|| format!("message {number}"))?;
    }
    Ok(id)
}

/// Compares every slot of the node's schedule.
fn assignments(client: &Client<'_>, process: &str, slots: &[Json]) -> Result<()> {
    let target = format!("/~scheduler@1.0/schedule?target={process}&from=0&to={}", slots.len());
    let schedule = client.get(&target)?.message()?;
    let found = schedule.get("assignments").and_then(Value::as_map).context("no assignments")?;
    ensure!(found.len() == slots.len(), "{} assignments, not {}", found.len(), slots.len());
    for (number, expected) in slots.iter().enumerate() {
        let assignment = found.get(number.to_string()).and_then(Value::as_map);
        let assignment = assignment.with_context(|| format!("no assignment {number}"))?;
        slot::compare_assignment(expected, assignment)
            .with_context(|| format!("assignment {number}"))?;
    }
    Ok(())
}

/// Whether the node has every device that a definition names.
fn runnable(definition: &Message) -> Result<(), Lacking> {
    let named = definition.iter().filter(|(key, _)| {
        let key = key.to_text();
        key == "device" || key.ends_with("-device") || key == "device-stack"
    });
    let mut names = Vec::new();
    named.for_each(|(_, value)| texts(value, &mut names));
    ensure_devices(names.iter().map(String::as_str))
}

/// Every text of a value, at any depth.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Bytes(text) => found.push(String::from_utf8_lossy(text).into_owned()),
        Value::List(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Map(map) => map.iter().for_each(|(_, value)| texts(value, found)),
        _ => {}
    }
}

/// Gives the node the messages that the process reads.
fn store(client: &Client<'_>, vector: &Vector) -> Result<()> {
    let Some(stored) = vector.input.get("stored").and_then(Json::as_array) else { return Ok(()) };
    let ids = vector.output("stored-ids").and_then(Json::as_array).context("no stored-ids")?;
    for (message, id) in stored.iter().zip(ids) {
        client.store(typed::message(message)?)?;
        let id = id.as_str().context("an id that is no text")?;
        client.get(&format!("/{id}")).with_context(|| format!("{id} is not stored"))?;
    }
    Ok(())
}

fn compute(
    client: &Client<'_>,
    vector: &Vector,
    process: &str,
    number: usize,
    expected: &Json,
) -> Result<()> {
    let answer = client.ask(&format!("/{process}/compute&slot={number}"))?;
    let compared = slot::compare_result(expected, &answer);
    deviations::judge(&format!("{}#{number}", vector.id), answer.status, compared)
}
