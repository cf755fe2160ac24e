//! `~structured@1.0`: typed values as bytes, with `ao-types` beside them.
//!
//! | Key | Answer |
//! |---|---|
//! | `to` | the message as it is in memory, of the base in its written form |
//! | `from` | the base in its written form, nested messages by their ids or, with `bundle`, in place |
//! | `commit`, `verify` | as `~message@1.0` |
//!
//! Source: spec 01, sections 7 to 11.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::Message;
use oxbeam_protocol::codec::Structured;

use crate::codec;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Typed;

impl Device for Typed {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "to" | "from")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "to" => Box::pin(to(call)),
            _ => Box::pin(from(call)),
        }
    }
}

async fn to(call: Call) -> Result<Outcome, CallError> {
    let written = call.base.into();
    let read = move || Structured::decode(&written);
    Ok(match call.context.node().pool().run("the decoder", read).await? {
        Ok(value) => Outcome::ok(value),
        Err(error) => Outcome::refused(400, error.to_string()),
    })
}

async fn from(call: Call) -> Result<Outcome, CallError> {
    let written = codec::encode(&call, |message, links| Structured { links }.encode(message));
    Ok(Outcome::ok(written.await?))
}
