//! `once` and `every`: a task from a request.

use oxbeam_kernel::timers::{NewTimer, NotTaken};
use oxbeam_kernel::{Call, CallError, CronAccess, Outcome};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Message, Value, path};
use oxbeam_store::{CatchUp, StoreError};

use super::interval;
use crate::{made, roles};

/// Keys of the request that the task's own requests do not have. Each run has an `idempotency-key`
/// of its own.
const OWN: [&str; 6] =
    ["commitments", "path", "cron-path", "cron-delay", "cron-catch-up", "idempotency-key"];

/// What is said to a signed request whose task was started before, and is over.
const OVER: &str = "This signed request has started its task, which is over. Sign a request that \
                    differs, by any key, to start another.";

/// When a task runs.
struct Times {
    delay: u64,
    interval: Option<u64>,
    catch_up: CatchUp,
}

pub(super) async fn once(call: &Call) -> Result<Outcome, CallError> {
    let asked = asked(call).await?;
    if !asked.contains("cron-path") {
        return Ok(no_path());
    }
    let delay = asked.get("cron-delay").map_or(Ok(0), interval::read);
    match delay {
        Ok(delay) => {
            let times = Times { delay, interval: None, catch_up: CatchUp::default() };
            start(call, &asked, asked.clone(), times).await
        }
        Err(sentence) => Ok(Outcome::refused(400, sentence)),
    }
}

pub(super) async fn every(call: &Call) -> Result<Outcome, CallError> {
    let asked = asked(call).await?;
    if !asked.contains("cron-path") {
        return Ok(no_path());
    }
    let Some(interval) = asked.get("interval") else {
        return Ok(Outcome::error("No interval found in message."));
    };
    match times(call, &asked, interval) {
        Ok(times) => start(call, &asked, asked.clone().without(&["interval"]), times).await,
        Err(sentence) => Ok(Outcome::refused(400, sentence)),
    }
}

fn no_path() -> Outcome {
    Outcome::error("No cron path found in message.")
}

/// What is asked for, as far as its signers vouch for it: nobody else must choose what runs in their
/// name and counts against their limits.
async fn asked(call: &Call) -> Result<Message, CallError> {
    match call.context.load_all(roles::vouched(call).into()).await? {
        Value::Map(asked) => Ok(asked.without_private()),
        _ => Ok(Message::new()),
    }
}

fn times(call: &Call, asked: &Message, interval: &Value) -> Result<Times, String> {
    let interval = interval::read(interval)?;
    let shortest = call.context.settings().cron_min_interval.as_millis();
    if u128::from(interval) < shortest {
        return Err(format!("Invalid interval: this node's shortest is {shortest} milliseconds."));
    }
    let catch_up = match asked.get("cron-catch-up") {
        None => CatchUp::default(),
        Some(word) if word.is_name("skip") => CatchUp::Skip,
        Some(word) if word.is_name("once") => CatchUp::Once,
        Some(word) if word.is_name("all") => CatchUp::All,
        Some(_) => return Err("Invalid cron-catch-up: expected skip, once or all.".into()),
    };
    Ok(Times { delay: 0, interval: Some(interval), catch_up })
}

async fn start(
    call: &Call,
    asked: &Message,
    request: Message,
    times: Times,
) -> Result<Outcome, CallError> {
    let owners = roles::who_signed(&call.context);
    if let Some(refused) = refused(call, &owners) {
        return Ok(refused);
    }
    let Some(cron_path) = asked.get("cron-path").filter(|path| path.as_name().is_some()) else {
        return Ok(Outcome::refused(400, "Invalid cron path: expected text."));
    };
    let request = request.without(&OWN).with("path", cron_path.clone());
    // A path that cannot be read never runs.
    path::parse(&request)?;
    let id = signed_id(&asked.clone().into())?;
    let Times { delay, interval, catch_up } = times;
    let noted = Vec::new();
    let timer = NewTimer { id, request, delay, interval, catch_up, owners, noted };
    once_for_all(call, timer).await
}

/// Starts a task. A signed request starts its task once: who has seen it can send it again when the task
/// is over, or was stopped, and its signer has not asked for another. That it has is on disk with the
/// task, so that who misses the answer can ask again.
async fn once_for_all(call: &Call, timer: NewTimer) -> Result<Outcome, CallError> {
    let (node, id) = (call.context.node(), timer.id);
    let signatures = call.context.signed().map(|signed| made::of_task(&signed)).unwrap_or_default();
    for _ in 0..made::TRIES {
        let Some(noted) = made::noted(node, &signatures).await? else {
            return Ok(match node.timer(id).await? {
                Some(_) => Outcome::ok(id.to_string()),
                None => Outcome::refused(409, OVER),
            });
        };
        match node.start_timer(NewTimer { noted, ..timer.clone() }).await {
            Ok(()) => return Ok(Outcome::ok(id.to_string())),
            // Others are noted meanwhile.
            Err(NotTaken::Failed(CallError::Store(StoreError::Conflict { .. }))) => {}
            Err(not_taken) => return not_started(not_taken),
        }
    }
    Err(made::crowded())
}

fn refused(call: &Call, owners: &[String]) -> Option<Outcome> {
    if call.context.is_computing() {
        let sentence = "A process starts no tasks: it sends itself a message with `deliver-at`.";
        return Some(Outcome::refused(403, sentence));
    }
    match call.context.settings().cron_access {
        CronAccess::Signed if owners.is_empty() => {
            Some(Outcome::refused(403, "Only a signed request starts a task on this node."))
        }
        CronAccess::Admin if !roles::is_admin(&call.context) => {
            Some(Outcome::refused(403, "Only an admin of this node starts a task."))
        }
        _ => None,
    }
}

fn not_started(not_taken: NotTaken) -> Result<Outcome, CallError> {
    let status = match &not_taken {
        NotTaken::Failed(error) => return Err(error.clone()),
        NotTaken::FullOfClient { .. } => 429,
        NotTaken::Other { .. } => 409,
        NotTaken::TooLarge { .. } => 413,
        _ => 503,
    };
    Ok(Outcome::refused(status, format!("No task was started: {not_taken}.")))
}
