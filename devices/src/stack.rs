//! `~stack@1.0`: many devices that act as one.
//!
//! | Key             | What                                                                         |
//! |-----------------|------------------------------------------------------------------------------|
//! | `device-stack`  | the devices: a list, or a map numbered from 1                                |
//! | `stack-keys`    | which keys the devices answer; default all but `keys` and `set`              |
//! | `mode`          | `Fold`, the default, or `Map`; that of the request comes first               |
//! | `input-prefix`, `output-prefix`     | for all devices                                          |
//! | `input-prefixes`, `output-prefixes` | for each device, by its key in the stack                 |
//!
//! `Fold` has each device answer the request on what the one before made of the base; `Map` has each
//! answer it on the base, and collects what they say. `transform/NAME/KEY` asks one device alone.
//! Source: spec 15, section 2.

mod fold;
mod map;
mod member;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{Message, Value};

/// Marks a message whose next key names the device of the stack that it is to be run as.
const CHOOSING: &str = "stack-transform";

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Stack;

impl Device for Stack {
    fn answers(&self, function: &str, base: &Message) -> bool {
        chooses(base)
            || match base.get("stack-keys") {
                None => !matches!(function, "keys" | "set"),
                Some(keys) => lists(keys, function),
            }
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(answer(call))
    }
}

fn chooses(base: &Message) -> bool {
    base.private(CHOOSING).is_some()
}

/// Whether `stack-keys` lists a function. What is no list, or lies elsewhere, is looked into by the
/// call, which can load and refuse.
fn lists(keys: &Value, function: &str) -> bool {
    let is = |key: &Value| {
        let name = key.as_name().map(|name| name.to_ascii_lowercase());
        name.is_some_and(|name| String::from_utf8_lossy(&name).replace('_', "-") == function)
    };
    match keys {
        Value::List(keys) => keys.iter().any(is),
        Value::Map(keys) => keys.iter().any(|(_, key)| is(key)),
        _ => true,
    }
}

async fn answer(call: Call) -> Result<Outcome, CallError> {
    if chooses(&call.base) {
        return chosen(call).await;
    }
    match call.base.get("stack-keys") {
        None | Some(Value::List(_) | Value::Map(_)) => {}
        Some(Value::Link(_)) => return reopened(call).await,
        Some(_) => return Err(CallError::Raised("stack-keys is no list of keys".into())),
    }
    if call.function() == "transform" {
        let mut base = call.base;
        base.set_private(CHOOSING, true);
        return Ok(Outcome::ok(base));
    }
    let mode = match call.context.get(&call.request, "mode").await? {
        Some(mode) => Some(mode),
        None => call.context.get(&call.base, "mode").await?,
    };
    match mode {
        None => fold::run(call).await,
        Some(mode) if mode.is_name("Fold") => fold::run(call).await,
        Some(mode) if mode.is_name("Map") => map::run(call).await,
        Some(_) => Err(CallError::Raised("the mode of a stack is Fold or Map".into())),
    }
}

/// The base as the device that the key names.
async fn chosen(call: Call) -> Result<Outcome, CallError> {
    let mut base = call.base;
    base.remove_private(CHOOSING);
    let member = member::of(&call.context, &base, &call.key, call.key.to_bytes().into()).await?;
    Ok(member.map_or_else(Outcome::not_found, Outcome::ok))
}

/// Asks again with `stack-keys` at hand: they say who answers.
async fn reopened(call: Call) -> Result<Outcome, CallError> {
    match call.context.get(&call.base, "stack-keys").await? {
        Some(keys @ (Value::List(_) | Value::Map(_))) => {
            call.context.resolve(call.base.with("stack-keys", keys), call.request).await
        }
        _ => Err(CallError::Raised("stack-keys is no list of keys".into())),
    }
}
