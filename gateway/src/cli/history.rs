//! The log of a process, copied from a node with all that it names.

use std::sync::Arc;

use indicatif::ProgressBar;
use oxbeam_protocol::commitment::{
    ANS104, Commitment, full_id, only_committed, signed_id, unsigned_id,
};
use oxbeam_protocol::{Id, Message, Value};

use super::client::Client;
use super::failure::Failure;
use super::local::Local;

/// Slots that are fetched at a time.
const PAGE: u64 = 64;
/// Options that decide what guests come to: nodes that compute the same need the same.
const DECIDING: [&str; 2] = ["guest_fuel", "guest_memory_bytes"];
/// Keys of a definition that may name code by its id.
const CODE: [&str; 2] = ["module", "image"];
/// Modules of one process.
const MAX_MODULES: usize = 256;

/// The last slot of a process, or of those up to `to`.
pub(super) fn last(client: &Client, process: Id, to: Option<u64>) -> Result<u64, Failure> {
    let head = client.head(process)?;
    let slot = to.unwrap_or_default();
    match (head, to) {
        (Some(head), None) => Ok(head),
        (Some(head), Some(to)) if to <= head => Ok(to),
        (head, _) => {
            let last = head.map_or_else(|| "none".to_owned(), |head| head.to_string());
            Err(Failure::NoSlot { process, slot, last })
        }
    }
}

/// The options of a node that decide what its processes come to.
pub(super) fn deciding(client: &Client) -> Message {
    let option = |name: &&'static str| {
        let value = client.value(&format!("/~meta@1.0/info/{name}"), name).ok()?;
        matches!(value, Value::Integer(_)).then_some((*name, value))
    };
    DECIDING.iter().filter_map(option).collect()
}

/// Copies slots up to one, and the code that the definition names.
pub(super) async fn copy(
    client: &Arc<Client>,
    local: &Local,
    process: Id,
    to: u64,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut definition = None;
    for from in (0..=to).step_by(usize::try_from(PAGE).unwrap_or(1)) {
        let until = to.min(from + PAGE - 1);
        let page = ask(client, move |client| page(client, process, from, until)).await?;
        for (slot, assignment) in (from..).zip(page) {
            local.append(process, slot, &assignment).await?;
            if slot == 0 {
                definition = assignment.get("body").and_then(Value::as_map).cloned();
            }
            bar.inc(1);
        }
    }
    let definition = match definition.filter(|found| is_named(found, process)) {
        Some(definition) => definition,
        None => ask(client, move |client| message(client, process)).await?,
    };
    local.keep(&definition).await?;
    code(client, local, &definition).await
}

/// Runs a request where nothing else waits for it.
async fn ask<T: Send + 'static>(
    client: &Arc<Client>,
    work: impl FnOnce(&Client) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let client = client.clone();
    let done = actix_rt::task::spawn_blocking(move || work(&client)).await;
    done.unwrap_or_else(|error| {
        Err(Failure::Local { what: "asking the node".into(), reason: error.to_string() })
    })
}

fn page(client: &Client, process: Id, from: u64, to: u64) -> Result<Vec<Message>, Failure> {
    let what = format!("the schedule of {process}");
    let path = format!("/~scheduler@1.0/schedule?target={process}&from={from}&to={to}");
    let schedule = client.get(&path)?.ok(client, &what)?.message;
    let assignments = schedule.get("assignments").and_then(Value::as_map).cloned();
    let assignments = assignments.unwrap_or_default();
    let slot = |slot: u64| assignments.get(slot.to_string()).and_then(Value::as_map).cloned();
    (from..=to).map(|at| exact(client, slot(at).ok_or_else(|| client.strange(&what))?)).collect()
}

/// An assignment with its message as it was signed: a data item is exact only as one.
fn exact(client: &Client, assignment: Message) -> Result<Message, Failure> {
    let Some(Value::Map(body)) = assignment.get("body") else { return Ok(assignment) };
    let is_item = |one: Commitment<'_>| one.device().is_some_and(|device| device == ANS104);
    let Ok(id) = signed_id(&body.clone().into()) else { return Ok(assignment) };
    if !Commitment::all(body).any(is_item) {
        return Ok(assignment);
    }
    let item = client.item(id)?.filter(|item| is_named(item, id));
    Ok(match item {
        Some(item) => assignment.with("body", item),
        None => assignment,
    })
}

/// A message by its id, exactly as it was signed.
fn message(client: &Client, id: Id) -> Result<Message, Failure> {
    if let Some(item) = client.item(id)?.filter(|item| is_named(item, id)) {
        return Ok(item);
    }
    let what = format!("message {id}");
    let found = client.get(&format!("/{id}"))?.ok(client, &what)?.message;
    let found = only_committed(&found);
    match is_named(&found, id) {
        true => Ok(found),
        false => Err(client.strange(&what)),
    }
}

fn is_named(message: &Message, id: Id) -> bool {
    let value = Value::from(message.clone());
    [signed_id, unsigned_id, full_id].iter().any(|of| of(&value).is_ok_and(|own| own == id))
}

/// Keeps what a definition names by id.
async fn code(client: &Arc<Client>, local: &Local, definition: &Message) -> Result<(), Failure> {
    let mut ids = Vec::new();
    for value in CODE.iter().filter_map(|key| definition.get(key)) {
        named(value, &mut ids);
    }
    for id in ids {
        match ask(client, move |client| client.bytes(id)).await? {
            Some(bytes) => local.keep_bytes(bytes).await?,
            None => {
                let message = ask(client, move |client| message(client, id)).await?;
                local.keep(&message).await?;
            }
        }
    }
    Ok(())
}

/// The ids in a value.
fn named(value: &Value, ids: &mut Vec<Id>) {
    if ids.len() >= MAX_MODULES {
        return;
    }
    match value {
        Value::Bytes(text) if text.len() == oxbeam_protocol::ID_TEXT_LENGTH => {
            ids.extend(Id::from_native_or_text(text).ok());
        }
        Value::Link(link) => ids.extend(link.id().ok()),
        Value::List(list) => list.iter().for_each(|value| named(value, ids)),
        Value::Map(map) if !map.contains("body") && !map.contains("data") => {
            map.iter().for_each(|(_, value)| named(value, ids));
        }
        _ => {}
    }
}
