//! `~dedup@1.0`: as the first device of a stack, has it leave out messages that it has seen.
//!
//! | Key             | Of                        | What                                               |
//! |-----------------|---------------------------|----------------------------------------------------|
//! | `dedup-subject` | the base, or the request  | which key holds the message to look at, or         |
//! |                 |                           | `request` for the request itself; default `body`   |
//! | `dedup`         | the base                  | ids of the messages seen, the newest first         |
//! | `pass`          | the base                  | only the first pass looks at the message           |
//!
//! Source: spec 15, section 5. `snapshot` has no answer of its own: where the reference node answers
//! it with the whole state, each snapshot would hold another copy of it.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, Status};
use oxbeam_protocol::commitment;
use oxbeam_protocol::{List, Message, Value};

use crate::read;

/// The list of the ids that were seen.
const SEEN: &str = "dedup";

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Dedup;

impl Device for Dedup {
    fn answers(&self, function: &str, _: &Message) -> bool {
        !matches!(function, "keys" | "set")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(answer(call))
    }
}

async fn answer(call: Call) -> Result<Outcome, CallError> {
    if call.function() == "snapshot" {
        return Ok(Outcome::not_found());
    }
    let pass = read::integer(&call.context, &call.base, "pass").await?;
    if pass.is_some_and(|pass| pass != 1.into()) {
        return Ok(Outcome::ok(call.base));
    }
    match subject(&call).await? {
        Some(subject) => note(call, subject).await,
        None => Ok(Outcome::ok(call.base)),
    }
}

/// The message that is looked at.
async fn subject(call: &Call) -> Result<Option<Value>, CallError> {
    let named = match call.context.get(&call.base, "dedup-subject").await? {
        Some(name) => Some(name),
        None => call.context.get(&call.request, "dedup-subject").await?,
    };
    let key = match &named {
        Some(name) => name.as_name().map(|name| String::from_utf8_lossy(name)),
        None => Some("body".into()),
    };
    match key.ok_or_else(|| CallError::Raised("dedup-subject is no name of a key".into()))? {
        key if key == "request" => Ok(Some(call.request.clone().into())),
        key => match call.context.get(&call.base, &key).await? {
            Some(value) => Ok(Some(value)),
            None => call.context.get(&call.request, &key).await,
        },
    }
}

/// Skips the other devices if the subject is known, else notes it.
async fn note(call: Call, subject: Value) -> Result<Outcome, CallError> {
    let hash = move || commitment::signed_id(&subject);
    let id = call.context.node().pool().run("the hasher", hash).await??;
    let id = Value::from(id.to_string());
    let seen = match call.context.get(&call.base, SEEN).await? {
        Some(seen) => List::try_from(seen)?,
        None => List::default(),
    };
    if seen.contains(&id) {
        return Ok(Outcome { status: Status::Skip, value: call.base.into() });
    }
    let seen: List = [id].into_iter().chain(seen.iter().cloned()).collect();
    Ok(Outcome::ok(call.base.set(&Message::from([(SEEN, seen)]))?))
}
