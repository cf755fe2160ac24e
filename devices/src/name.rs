//! `~name@1.0`: what a name leads to, by whatever keeps names here.
//!
//! Any key but `keys` and `set` is a name. The messages of the option `name_resolvers` are asked one
//! after another, each for `lookup` with the name as `key`; the first that has a value decides. That is
//! an id or a path of the store, and what lies there is the answer; with `load=false` the value itself
//! is. Source: spec 24, section 2.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{List, Message, Value};

use crate::cache;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Name;

impl Device for Name {
    fn answers(&self, function: &str, _: &Message) -> bool {
        !matches!(function, "keys" | "set")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(answer(call))
    }
}

async fn answer(call: Call) -> Result<Outcome, CallError> {
    let Some(value) = resolved(&call).await? else { return Ok(Outcome::not_found()) };
    let load = call.context.get(&call.request, "load").await?;
    if load.is_some_and(|load| load.is_name("false")) {
        return Ok(Outcome::ok(value));
    }
    let found = match value.as_bytes().map(|path| std::str::from_utf8(path)) {
        Some(Ok(path)) => cache::at_path(&call.context, path).await?,
        Some(Err(_)) => None,
        // Nothing leads further from here.
        None => Some(value),
    };
    Ok(found.map_or_else(Outcome::not_found, Outcome::ok))
}

/// The value of the first resolver that has one.
async fn resolved(call: &Call) -> Result<Option<Value>, CallError> {
    let context = &call.context;
    let resolvers = context.get(&context.configuration().message, "name_resolvers").await?;
    let resolvers = resolvers.and_then(|list| List::try_from(list).ok()).unwrap_or_default();
    let request =
        Message::new().with("path", "lookup").with("key", Value::Bytes(call.key.to_bytes()));
    for resolver in &resolvers {
        let asked = context.quietly().resolve(resolver.clone(), request.clone()).await?;
        if let Ok(value) = asked.into_result() {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
