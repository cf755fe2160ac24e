//! `~cron@1.0`: requests that the node makes by itself, once or again and again.
//!
//! | Key | Of the request | Answer |
//! |---|---|---|
//! | `info` | | what there is |
//! | `once` | `cron-path`; `cron-delay` | the task's id, when the task is on disk |
//! | `every` | `cron-path`, `interval`; `cron-catch-up` | the same |
//! | `stop` | `task` | ends a task, and the run that it is at |
//! | `list` | `task`, or `after` and `limit` | how far tasks have come: see below |
//!
//! A task runs its request without the keys above, with `cron-path` as path, as a request that
//! nobody signed: at once, or after `cron-delay`, and then at every `interval`, by the clock and not by
//! the end of the run before. Times are given as `5-minutes`: milliseconds, seconds, minutes, hours or
//! days. Identical requests have one id, and start one task; a signed one does so once, also when its
//! task is over: whoever has seen it could send it again. Its signer adds any key to sign another.
//!
//! Tasks survive restarts. What was due meanwhile, or while the run before went on, becomes of it
//! what `cron-catch-up` says: `skip` leaves it out, `once` makes one run for all (the default), `all`
//! makes each. How often a run takes effect is told in [`oxbeam_kernel::timers`].
//!
//! A task belongs to those who signed its request: they, and admins of the node, stop it and see it. One
//! that nobody signed belongs to whoever knows its id. `list` without `task` shows a signer their own
//! tasks and an admin all, as `tasks`, and `next` to be given as `after`; each has `id`, `path`,
//! `owners`, `interval`, `catch-up`, `next-run`, `last-run`, `runs`, `missed`, `running`, and of the last
//! run that failed `last-error` and `last-error-at`. Times are in ms, since 1970 where they are points.
//!
//! A process cannot start tasks: its results would not follow from its log. It sends itself a message
//! with `deliver-at`. Source: spec 12, part B.

mod interval;
mod list;
mod start;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, reply};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::Timer;

pub(crate) use self::list::page;
use crate::roles;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Cron;

impl Device for Cron {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "info" | "once" | "every" | "stop" | "list")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "once" => Box::pin(async move { start::once(&call).await }),
            "every" => Box::pin(async move { start::every(&call).await }),
            "stop" => Box::pin(async move { stop(&call).await }),
            "list" => Box::pin(async move { list::list(&call).await }),
            _ => reply(Ok(info())),
        }
    }
}

fn info() -> Outcome {
    let paths = Message::from([
        ("info", "Get device info"),
        ("once", "Schedule a one-time message"),
        ("every", "Schedule a recurring message"),
        ("stop", "Stop a scheduled task {task}"),
    ]);
    let body =
        Message::from([("description", "Cron device for scheduling messages"), ("version", "1.0")]);
    Outcome::ok(Message::new().with("status", 200).with("body", body.with("paths", paths)))
}

async fn stop(call: &Call) -> Result<Outcome, CallError> {
    // What nobody signed must not choose the task.
    let asked = roles::vouched(call);
    let Some(task) = asked.get("task") else {
        return Ok(Outcome::error("No task ID found in message."));
    };
    let Some(timer) = named(call, task).await? else { return Ok(not_found()) };
    if !is_for(call, &timer) {
        return Ok(Outcome::refused(403, "Only who started this task stops it, or an admin."));
    }
    if !call.context.node().stop_timer(timer.id).await? {
        return Ok(not_found());
    }
    let body = Message::from([("message", "Task stopped successfully")]);
    let body = body.with("task_id", timer.id.to_string());
    Ok(Outcome::ok(Message::new().with("status", 200).with("body", body)))
}

/// The task of this id.
async fn named(call: &Call, task: &Value) -> Result<Option<Timer>, CallError> {
    match task.as_name().and_then(|id| Id::from_native_or_text(id).ok()) {
        Some(id) => call.context.node().timer(id).await,
        None => Ok(None),
    }
}

fn not_found() -> Outcome {
    Outcome::error("Task not found.")
}

/// Whether a task may be seen and stopped by whoever asks.
fn is_for(call: &Call, timer: &Timer) -> bool {
    timer.owners.is_empty() || is_of_signer(call, timer) || roles::is_admin(&call.context)
}

fn is_of_signer(call: &Call, timer: &Timer) -> bool {
    let signed = |owner: &String| roles::is_signed_by(&call.context, &owner.clone().into());
    timer.owners.iter().any(signed)
}
