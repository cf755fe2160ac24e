//! `list`: how far tasks have come.

use num_bigint::BigInt;
use oxbeam_kernel::timers::request_of;
use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{Id, List, Message, Value};
use oxbeam_store::{CatchUp, Limit, Timer};

use super::{is_for, is_of_signer, named, not_found};
use crate::number::number;
use crate::roles;

/// Tasks of a page.
const MAX_TASKS: usize = 100;

pub(super) async fn list(call: &Call) -> Result<Outcome, CallError> {
    if let Some(task) = roles::vouched(call).get("task") {
        return Ok(match named(call, task).await? {
            Some(timer) if is_for(call, &timer) => {
                Outcome::ok(Message::new().with("tasks", List::from_iter([row(&timer)?])))
            }
            _ => not_found(),
        });
    }
    let sees_all = roles::sees_all(&call.context);
    if !sees_all && call.context.signed().is_none() {
        let sentence = "Sign the request to see the tasks that you have signed, or name a `task`.";
        return Ok(Outcome::refused(403, sentence));
    }
    page(call, sees_all).await
}

/// A page of tasks. It may show less than it has looked at, and `next` is there until all were.
///
/// # Errors
/// A place or a number that is none; errors of the store.
pub(crate) async fn page(call: &Call, sees_all: bool) -> Result<Outcome, CallError> {
    let after = match call.request.get("after").map(Value::as_name) {
        None => None,
        Some(after) => match after.and_then(|id| Id::from_native_or_text(id).ok()) {
            Some(after) => Some(after),
            None => return Err(CallError::BadRequest("`after` must be the id of a task".into())),
        },
    };
    let limit = number(&call.request, "limit")?.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(MAX_TASKS).clamp(1, MAX_TASKS);
    let page = call.context.node().timers(after, Limit::count(limit)).await?;
    let is_shown = |timer: &&Timer| sees_all || is_of_signer(call, timer);
    // Of one that is damaged the log tells, and whoever it belonged to cannot be said.
    let tasks =
        page.items.iter().flatten().filter(is_shown).map(row).collect::<Result<List, _>>()?;
    let mut answer = Message::new().with("tasks", tasks);
    if let Some(next) = page.last {
        answer.insert("next", next.to_string());
    }
    Ok(Outcome::ok(answer))
}

fn row(timer: &Timer) -> Result<Value, CallError> {
    let count = |number: u64| Value::Integer(BigInt::from(number));
    let catch_up = match timer.catch_up {
        CatchUp::Skip => "skip",
        CatchUp::Once => "once",
        CatchUp::All => "all",
    };
    let path = request_of(timer)?.remove("path");
    let owners: List = timer.owners.iter().map(|owner| Value::from(owner.clone())).collect();
    let mut row = Message::new()
        .with("id", timer.id.to_string())
        .with("path", path.unwrap_or_else(|| "".into()))
        .with("owners", owners)
        .with("runs", count(timer.runs))
        .with("missed", count(timer.missed))
        .with("running", timer.began.is_some());
    if let Some(interval) = timer.interval {
        row.insert("interval", count(interval));
        row.insert("catch-up", catch_up);
    }
    for (key, at) in [("next-run", timer.next_run), ("last-run", timer.last_run)] {
        if let Some(at) = at {
            row.insert(key, count(at));
        }
    }
    if let Some(failure) = &timer.failure {
        row.insert("last-error", failure.reason.clone());
        row.insert("last-error-at", count(failure.at));
    }
    Ok(row.into())
}
