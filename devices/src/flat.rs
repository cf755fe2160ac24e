//! `~flat@1.0`: messages as lines `path: value`, the form of configuration files.
//!
//! | Key | Answer |
//! |---|---|
//! | `serialize` | the base as lines under `body`; nested messages in place |
//! | `deserialize` | the message of the lines in `body`, or in the key that `target` names |
//! | `content-type` | `text/plain` |
//! | `commit`, `verify` | as `~message@1.0` |
//!
//! Source: spec 02, section 6.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, reply};
use oxbeam_protocol::codec::Flat;
use oxbeam_protocol::{Atom, Message};

use crate::codec;

const CONTENT_TYPE: &str = "text/plain";

/// The device.
#[derive(Debug, Default)]
pub(crate) struct FlatText;

impl Device for FlatText {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "serialize" | "deserialize" | "content-type")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "serialize" => Box::pin(serialize(call)),
            "deserialize" => Box::pin(async move { codec::decode(&call, Flat::decode_text).await }),
            _ => reply(Ok(Outcome::ok(CONTENT_TYPE))),
        }
    }
}

async fn serialize(call: Call) -> Result<Outcome, CallError> {
    // Paths are what the form is for: ids in place of nested messages would leave none.
    let call = Call { request: call.request.clone().with("bundle", Atom::TRUE), ..call };
    let text = codec::encode(&call, Flat::encode_text).await?;
    Ok(codec::content(CONTENT_TYPE, text))
}
