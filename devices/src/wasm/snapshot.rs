//! The state of an instance, for a checkpoint. Source: spec 13, section 2.4.
//!
//! | Key    | What                                                            |
//! |--------|-----------------------------------------------------------------|
//! | `body` | the linear memory, whole                                        |
//! | `rest` | globals and tables, as `oxbeam-sandbox` writes them             |

use bytes::Bytes;
use oxbeam_kernel::{CallError, Context, Outcome};
use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::{Instance, Module, Snapshot, Trap};

use super::live::unusable;
use super::{Live, limits};
use crate::read;

/// The state of an instance; not found, if there is none.
pub(super) async fn take(context: &Context, base: &Message) -> Result<Outcome, CallError> {
    let out = read::prefix(context, base, "output-prefix").await?;
    let Some(live) = Live::of(base, &out) else { return Ok(Outcome::not_found()) };
    let mut held = live.hold()?;
    let take = move || held.snapshot();
    let Snapshot { memory, rest } = context.node().pool().run("a snapshot", take).await??;
    let body = Bytes::from(memory);
    Ok(Outcome::ok(Message::new().with("body", body).with("rest", rest)))
}

/// The state that a base has for this device: in a stack, under the device's key.
pub(super) async fn saved(context: &Context, base: &Message) -> Result<(Bytes, Bytes), CallError> {
    let at = match context.get(base, "device-key").await? {
        Some(Value::Integer(number)) => format!("snapshot/{number}"),
        Some(key) => match key.as_name() {
            Some(key) => format!("snapshot/{}", String::from_utf8_lossy(key)),
            None => "snapshot".to_owned(),
        },
        None => "snapshot".to_owned(),
    };
    let part = async |key: &str| match context.find(base, &format!("{at}/{key}")).await? {
        Some(Value::Bytes(part)) => Ok(part),
        _ => Err(CallError::Raised(format!("no_wasm_instance_or_snapshot: {at}/{key}"))),
    };
    Ok((part("body").await?, part("rest").await?))
}

/// An instance that goes on from there.
pub(super) async fn restored(
    context: &Context,
    module: Module,
    (body, rest): (Bytes, Bytes),
) -> Result<Live, CallError> {
    let limits = limits(context);
    let restore = move || {
        let snapshot = Snapshot { memory: body.into(), rest };
        Instance::restore(&module, &snapshot, limits)
    };
    let instance = context.node().pool().run("a snapshot", restore).await?;
    let instance = instance.map_err(|trap| match trap {
        Trap::Snapshot(why) => CallError::Raised(why.to_string()),
        trap => unusable(&trap),
    })?;
    Ok(Live::new(context, instance))
}
