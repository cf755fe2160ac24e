//! `~supervision@1.0`: the node's supervision tree, for those who watch over it.
//!
//! `tree` answers a page of it:
//!
//! | Key of the request | Type    | What                                             |
//! |--------------------|---------|--------------------------------------------------|
//! | `after`            | integer | the page begins behind the actor of this number  |
//! | `limit`            | integer | rows at most, up to 1 000, which is the default  |
//!
//! | Key of the answer | Type    | What                                              |
//! |-------------------|---------|---------------------------------------------------|
//! | `rows`            | list    | actors, each after its supervisor: see below      |
//! | `next`            | integer | `after` of the next page; absent on the last one  |
//! | `actors`          | integer | how many there are                                |
//!
//! A row has `id`, `parent` (absent for the root), `name`, `kind`, `state`, `restarts`, `queue`,
//! `uptime` in ms, and, while it handles one, the type of its message as `current` and for how long it
//! has, in ms, as `busy`. What a crash said stays with the operator: it is in the log.
//!
//! `resume`, of which an admin signs the request, lets the process named by `process` try again that
//! was set aside after failed attempts. It is answered when those are forgotten.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, reply};
use oxbeam_protocol::{Id, List, Message, Value};
use oxbeam_supervisor::{ActorId, Kind, Row};

use crate::roles;

/// Rows of a page.
const MAX_ROWS: usize = 1000;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Supervision;

impl Device for Supervision {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "tree" | "resume")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "resume" => Box::pin(async move { resume(&call).await }),
            _ => reply(tree(&call)),
        }
    }
}

async fn resume(call: &Call) -> Result<Outcome, CallError> {
    if !roles::is_admin(&call.context) {
        return Ok(Outcome::refused(403, "Only an admin of this node resumes a process."));
    }
    // What nobody signed must not choose the process.
    let request = roles::vouched(call);
    let process = request.get("process").and_then(Value::as_bytes);
    let process = process.and_then(|id| Id::from_native_or_text(id).ok());
    let Some(process) = process else {
        return Err(CallError::BadRequest("`process` must be the id of a process".into()));
    };
    call.context.node().resume(process).await?;
    Ok(Outcome::ok(format!("Process {process} may try again.")))
}

fn tree(call: &Call) -> Result<Outcome, CallError> {
    let after = number(&call.request, "after")?.and_then(NonZeroU64::new).map(ActorId::from);
    let limit = number(&call.request, "limit")?.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(MAX_ROWS).clamp(1, MAX_ROWS);
    let realm = call.context.node().realm();
    let page = realm.snapshot(after, limit);
    let rows: List = page.rows.iter().map(|actor| Value::from(row(actor))).collect();
    let mut answer = Message::new().with("rows", rows).with("actors", integer(realm.actors()));
    if let Some(next) = page.next {
        answer.insert("next", id(next));
    }
    Ok(Outcome::ok(answer))
}

fn row(actor: &Row) -> Message {
    let mut row = Message::new()
        .with("id", id(actor.about.id))
        .with("name", actor.about.name())
        .with("kind", if actor.about.kind == Kind::Supervisor { "supervisor" } else { "worker" })
        .with("state", format!("{:?}", actor.state).to_lowercase())
        .with("restarts", Value::Integer(actor.incarnation.saturating_sub(1).into()))
        .with("queue", integer(actor.queued))
        .with("uptime", millis(actor.uptime.unwrap_or_default()));
    if let Some(parent) = actor.about.parent {
        row.insert("parent", id(parent));
    }
    if let Some(current) = actor.current {
        row.insert("current", current.message);
        row.insert("busy", millis(current.busy));
    }
    row
}

/// A number of the request, which a query gives as text.
fn number(request: &Message, key: &str) -> Result<Option<u64>, CallError> {
    let number = match request.get(key) {
        None => return Ok(None),
        Some(Value::Integer(number)) => u64::try_from(number).ok(),
        Some(Value::Bytes(text)) => std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()),
        Some(_) => None,
    };
    let wrong = || CallError::BadRequest(format!("{key} is no positive integer"));
    number.ok_or_else(wrong).map(Some)
}

fn id(actor: ActorId) -> Value {
    Value::Integer(actor.number().get().into())
}

fn integer(number: usize) -> Value {
    Value::Integer(number.into())
}

fn millis(time: Duration) -> Value {
    Value::Integer(time.as_millis().into())
}
