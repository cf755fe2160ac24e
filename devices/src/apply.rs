//! `~apply@1.0`: evaluates a path that a message holds, or applies one message to another.
//!
//! | Key                                              | What                                        |
//! |--------------------------------------------------|---------------------------------------------|
//! | `keys`, `set`, `set-path`, `remove`              | as those of `message@1.0`                   |
//! | `pair`                                           | the message that `request` names, applied   |
//! |                                                  | to the one that `base` names                |
//! | any other, of a request with `base` and `request`| as `pair`, with the key as the path         |
//! | any other                                        | the path under this key is evaluated on the |
//! |                                                  | message that `source` names, default: the   |
//! |                                                  | base                                        |
//!
//! Names are paths of plain keys, looked up in the request, then in the base; after `request:` (or
//! `req:`) or `base:` only there. Source: spec 15, section 6.

mod lookup;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{Message, Value};

use lookup::{NotFound, Places};

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Apply;

impl Device for Apply {
    fn answers(&self, function: &str, _: &Message) -> bool {
        !matches!(function, "keys" | "set" | "set-path" | "remove")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(answer(call))
    }
}

async fn answer(call: Call) -> Result<Outcome, CallError> {
    if call.function() == "pair" {
        return pair(&call, false).await;
    }
    if call.request.contains("base") && call.request.contains("request") {
        return pair(&call, true).await;
    }
    evaluate(&call).await
}

/// Applies one message to another, with the called key as its path if it is to be `keyed`.
async fn pair(call: &Call, keyed: bool) -> Result<Outcome, CallError> {
    let places = Places::of(call, &call.base);
    let request = match places.named("request").await? {
        Ok(request) => request,
        Err(missing) => return Ok(missing.outcome()),
    };
    let base = match places.named("base").await? {
        Ok(base) => base,
        Err(missing) => return Ok(missing.outcome()),
    };
    let path = call.key.to_bytes();
    let request = match request {
        Value::Map(request) if keyed => request.with("path", path),
        Value::Map(request) => request,
        path if !keyed => Message::new().with("path", path),
        _ => return Err(CallError::Raised("the request of a pair is a message".into())),
    };
    call.context.resolve(base, request).await
}

/// Evaluates the path that lies under the called key.
async fn evaluate(call: &Call) -> Result<Outcome, CallError> {
    let places = Places::of(call, &call.base);
    let source = match places.named("source").await? {
        // As its own device, the base would lead back here.
        Err(NotFound::Name(_)) => call.base.clone().without(&["device"]),
        Ok(Value::Map(source)) => source,
        Ok(_) => return Err(CallError::Raised("source names no message".into())),
        Err(missing) => return Ok(missing.outcome()),
    };
    let key = call.key.to_bytes().into();
    match Places::of(call, &source).at(&key).await? {
        Ok(path) => call.context.run(&source.with("path", path)).await,
        Err(_) => {
            let key = call.key.to_text();
            Ok(Outcome::error(format!("Path `{key}` to execute not found.")))
        }
    }
}
