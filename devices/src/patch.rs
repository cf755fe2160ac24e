//! `~patch@1.0`: moves parts of a message elsewhere in it. Processes publish their state with it.
//!
//! | Key                        | What                                                              |
//! |----------------------------|-------------------------------------------------------------------|
//! | `patches`, `compute`       | moves the entries of the source that are patches: whose `method`  |
//! |                            | is `PATCH` or whose `device` is `patch@1.0`                       |
//! | `all`                      | moves the source as it is                                         |
//! | `init`, `normalize`        | the base                                                          |
//! | `snapshot`                 | nothing: the state is in no need of another copy of itself        |
//!
//! | Parameter                  | What                                                              |
//! |----------------------------|-------------------------------------------------------------------|
//! | `patch-from`, else `from`  | path of the source. After `req:`, in the request, which is then   |
//! |                            | what is changed and answered; after `base:` or nothing, the base  |
//! | `patch-to`, else `to`      | path of what it is merged into, default `/`                       |
//!
//! Each is looked for in the request, then in the base. Source: spec 15, section 4.

mod merge;
mod source;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{Key, Message, Value};

use crate::read;
use source::Taken;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Patch;

impl Device for Patch {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "patches" | "compute" | "all" | "init" | "normalize" | "snapshot")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(answer(call))
    }
}

async fn answer(call: Call) -> Result<Outcome, CallError> {
    match call.function().as_str() {
        "init" | "normalize" => Ok(Outcome::ok(call.base)),
        "snapshot" => Ok(Outcome::not_found()),
        "all" => moved(&call, true).await,
        _ => moved(&call, false).await,
    }
}

/// Moves all of the source, or the patches among its entries.
async fn moved(call: &Call, all: bool) -> Result<Outcome, CallError> {
    let context = &call.context;
    let from = parameter(call, "patch-from", "from").await?;
    let to = parameter(call, "patch-to", "to").await?;
    let (message, from) = start(call, from);
    if from.is_empty() {
        let reason = "patch-from must name the part of the message that is moved";
        return Err(CallError::Raised(reason.into()));
    }
    let Some(source) = source::find(context, message, &from).await? else {
        return Ok(Outcome::not_found());
    };
    let Taken { taken, rest } = match all {
        true => Taken { taken: context.load_all(source).await?, rest: None },
        false => source::patches(context, source).await?,
    };
    let left = source::replaced(context, message, &from, rest).await?;
    merge::into(context, left, &to, taken).await.map(Outcome::ok)
}

/// A path among the parameters; without one, the empty path.
async fn parameter(call: &Call, name: &str, short: &str) -> Result<Vec<Key>, CallError> {
    for name in [name, short] {
        for message in [&call.request, &call.base] {
            if let Some(value) = call.context.get(message, name).await? {
                let path = read::path(&value);
                return path.ok_or_else(|| CallError::Raised(format!("{name} is no path")));
            }
        }
    }
    Ok(Vec::new())
}

/// The message in which the source lies, and its path there.
fn start(call: &Call, mut from: Vec<Key>) -> (&Message, Vec<Key>) {
    let Some(first) = from.first_mut() else { return (&call.base, from) };
    let text = first.to_bytes();
    let (message, key) = match (text.strip_prefix(b"base:"), text.strip_prefix(b"req:")) {
        (Some(key), _) => (&call.base, key),
        (None, Some(key)) => (&call.request, key),
        (None, None) => return (&call.base, from),
    };
    if key.is_empty() {
        from.remove(0);
    } else {
        *first = text.slice_ref(key).into();
    }
    (message, from)
}

/// The key under which a message holds what is asked for by this key: itself, or it in lower case.
fn stored(message: &Message, key: &Key) -> Key {
    match message.contains(key) {
        true => key.clone(),
        false => key.as_bytes().to_ascii_lowercase().into(),
    }
}

/// A change of a message: a value at a path.
fn change(path: &[Key], value: Value) -> Value {
    path.iter().rev().fold(value, |value, key| Message::new().with(key.clone(), value).into())
}
