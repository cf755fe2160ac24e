//! `~push@1.0`: delivers what a slot of a process sends, and what that leads to in turn.
//!
//! | Of the request | Meaning |
//! |---|---|
//! | `slot` | the slot to push; without it, the request is scheduled first |
//! | `result-depth` | how many levels of the answer hold whole results; 1 by default |
//! | `push-mode` | `async` answers as soon as that is noted on disk, and delivers in the background |
//!
//! A push makes the slot's messages owed before it delivers the first of them: whatever happens to
//! the push, the rest goes on in the background. Beyond [`Settings::push_depth`] and
//! [`Settings::push_time`] it leaves the rest there itself, and reports those messages as pending. So
//! does it with a message whose `deliver-at`, in milliseconds since 1970, is still to come.
//! Source: spec 12, part A.
//!
//! [`Settings::push_depth`]: oxbeam_kernel::Settings::push_depth
//! [`Settings::push_time`]: oxbeam_kernel::Settings::push_time

mod letter;
mod opened;

use std::sync::Arc;
use std::time::{Duration, Instant};

use num_bigint::BigInt;
use oxbeam_kernel::{Call, CallError, Context, Device, Outcome, Reply, process_id};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::Slot;

use self::opened::Opened;
use crate::number::number;
use crate::roles::refused_to_processes;

/// The device that a process is.
const PROCESS: &str = "process@1.0";

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Push;

impl Device for Push {
    fn answers(&self, function: &str, _: &Message) -> bool {
        function == "push"
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(push(call))
    }
}

/// How long after the time of a push the background begins with what the push has not delivered.
const LEASE: Duration = Duration::from_secs(10);

/// A push, from the slot that was asked for to the last that follows from it.
pub(super) struct Run {
    pub(super) context: Context,
    started: Instant,
}

impl Run {
    /// For how long the background leaves to this push what it has made owed.
    pub(super) fn lease(&self) -> Duration {
        self.context.settings().push_time.saturating_add(LEASE)
    }

    /// Whether the rest is left to the background, so many levels down.
    pub(super) fn is_over(&self, level: u32) -> bool {
        let settings = self.context.settings();
        level >= settings.push_depth || self.started.elapsed() >= settings.push_time
    }
}

async fn push(call: Call) -> Result<Outcome, CallError> {
    let Call { base, request, context, .. } = call;
    if let Some(refused) = refused_to_processes(&context) {
        return Ok(refused);
    }
    let asked = match number(&request, "slot")? {
        Some(_) => Asked::of_request(&context, &base, &request).await?,
        None => match Asked::scheduled(&context, &base, request).await? {
            Ok(asked) => asked,
            Err(outcome) => return Ok(outcome),
        },
    };
    if is_elsewhere(&context, asked.process).await? {
        // The scheduler says where.
        return context
            .resolve(base.with("device", PROCESS), Message::from([("path", "slot")]))
            .await;
    }
    let run = Arc::new(Run { context, started: Instant::now() });
    if asked.is_async {
        run.context.node().push_later(asked.process, asked.slot).await?;
        return Ok(Outcome::ok(""));
    }
    match Opened::of(&run, asked.process, asked.slot).await? {
        Ok(opened) => {
            let report = opened.deliver(&run, asked.depth, 0).await?;
            let report = report.with("slot", asked.shown);
            Ok(Outcome::ok(match asked.id {
                Some(id) => report.with("id", id.to_string()),
                None => report,
            }))
        }
        Err(outcome) => Ok(outcome),
    }
}

/// Whether another node has the log of a process.
async fn is_elsewhere(context: &Context, process: Id) -> Result<bool, CallError> {
    let node = context.node();
    Ok(node.head(process).await?.is_none() && node.is_scheduler_of(process).await? == Some(false))
}

/// Which slot is to be pushed, and how.
struct Asked {
    process: Id,
    slot: Slot,
    /// The slot as the client wrote it.
    shown: Value,
    depth: i64,
    is_async: bool,
    /// The id of the message that this push has scheduled, for those who ask for it.
    id: Option<Id>,
}

impl Asked {
    async fn of_request(
        context: &Context,
        base: &Message,
        request: &Message,
    ) -> Result<Self, CallError> {
        let process = process_id(context, base).await?;
        let slot = number(request, "slot")?.unwrap_or_default();
        let slot = Slot::try_from(slot.clone())
            .map_err(|_| CallError::BadRequest(format!("there is no slot {slot}")))?;
        let depth = number(request, "result-depth")?.unwrap_or_else(|| 1.into());
        Ok(Self {
            process,
            slot,
            shown: request.get("slot").cloned().unwrap_or_else(|| BigInt::from(slot).into()),
            depth: i64::try_from(depth).unwrap_or(i64::MAX),
            is_async: is_async(context, base, request).await?,
            id: None,
        })
    }

    /// Schedules the request. An outcome is all there is to say: an error, or a new process, of
    /// which nothing is computed yet.
    async fn scheduled(
        context: &Context,
        base: &Message,
        request: Message,
    ) -> Result<Result<Self, Outcome>, CallError> {
        let wants_id = wants_json(&request);
        let schedule = request.with("path", "schedule").with("method", "POST");
        let process = base.clone().with("device", PROCESS);
        let outcome = context.resolve(process, schedule).await?;
        let assignment = match outcome {
            Outcome { value: Value::Map(assignment), .. }
                if outcome.status == oxbeam_kernel::Status::Ok
                    && assignment.get("slot").is_some() =>
            {
                assignment
            }
            outcome => return Ok(Err(outcome)),
        };
        let body = context.get(&assignment, "body").await?;
        let kind = body.as_ref().and_then(Value::as_map).and_then(|body| body.get("type"));
        if kind.is_some_and(|kind| kind.is_name("Process")) {
            return Ok(Err(Outcome::ok(assignment)));
        }
        // A message says itself which process it is for.
        let process = assignment.get("process").and_then(Value::as_bytes);
        let process = process.and_then(|id| Id::from_native_or_text(id).ok());
        let process = process.ok_or_else(|| wrong("an assignment names no process"))?;
        let id = match body.filter(|_| wants_id) {
            Some(body) => Some(signed_id(&body)?),
            None => None,
        };
        let asked = Self::of_request(context, base, &assignment).await?;
        Ok(Ok(Self { process, id, ..asked }))
    }
}

/// Whether the answer is to be JSON. `@permaweb/aoconnect` reads the id of its message there; the
/// answers of the reference node have none. Source: spec 30, section 2.
fn wants_json(request: &Message) -> bool {
    let names = ["require-codec", "accept"].map(|key| request.get(key).and_then(Value::as_name));
    names.into_iter().flatten().any(|name| name == "application/json" || name == "json@1.0")
}

fn wrong(sentence: &str) -> CallError {
    CallError::Raised(sentence.into())
}

/// Whether the client, or else the process, wants not to wait.
async fn is_async(context: &Context, base: &Message, request: &Message) -> Result<bool, CallError> {
    let mode = match context.get(request, "push-mode").await? {
        Some(mode) => Some(mode),
        None => match context.get(base, "push-mode").await? {
            Some(mode) => Some(mode),
            None => context.find(base, "process/push-mode").await?,
        },
    };
    Ok(mode.is_some_and(|mode| mode.is_name("async")))
}
