//! `~json@1.0`: messages as JSON text.
//!
//! | Key | Answer |
//! |---|---|
//! | `serialize` | the base as JSON under `body`; nested messages by their ids, or in place with `bundle` |
//! | `deserialize` | the message of the JSON text in `body`, or in the key that `target` names |
//! | `content-type` | `application/json` |
//! | `commit`, `verify` | as `~message@1.0`: what is signed is the message, not its text |
//!
//! Source: spec 02, section 7, and spec 20, section 7.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, reply};
use oxbeam_protocol::Message;
use oxbeam_protocol::codec::Json;

use crate::codec;

const CONTENT_TYPE: &str = "application/json";

/// The device.
#[derive(Debug, Default)]
pub(crate) struct JsonText;

impl Device for JsonText {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "serialize" | "deserialize" | "content-type")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "serialize" => Box::pin(serialize(call)),
            "deserialize" => Box::pin(async move { codec::decode(&call, Json::decode).await }),
            _ => reply(Ok(Outcome::ok(CONTENT_TYPE))),
        }
    }
}

async fn serialize(call: Call) -> Result<Outcome, CallError> {
    let text = codec::encode(&call, |message, links| Json { links }.encode(message)).await?;
    Ok(codec::content(CONTENT_TYPE, text))
}
