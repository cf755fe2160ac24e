//! `~hook@1.0`: which messages the node runs at which event.
//!
//! `find` answers the list of handlers of a hook. Its name lies in the key of the request that
//! `target` names, by default in `body`. Source: spec 21, section 5, and spec 15.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{List, Message, Value};

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Hook;

impl Device for Hook {
    fn answers(&self, function: &str, _: &Message) -> bool {
        function == "find"
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(find(call))
    }
}

async fn find(call: Call) -> Result<Outcome, CallError> {
    let target = call.request.get("target").and_then(Value::as_name);
    let name = match target {
        Some(target) => call.request.get(target),
        None => call.request.get("body"),
    };
    let name = name.and_then(Value::as_name).and_then(|name| std::str::from_utf8(name).ok());
    let Some(name) = name else {
        return Ok(Outcome::refused(400, "The request names no hook."));
    };
    let handlers = call.context.handlers(name).await?;
    Ok(Outcome::ok(handlers.into_iter().map(Value::Map).collect::<List>()))
}
