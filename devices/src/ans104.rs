//! `~ans104@1.0`: messages as data items.
//!
//! | Key | Answer |
//! |---|---|
//! | `serialize` | the base as the bytes of an item under `body`, signed if it has such a commitment |
//! | `deserialize` | the message of the item in `body`, or in the key that `target` names, once its signature was verified |
//! | `content-type` | `application/ans104` |
//! | `commit` | as `~message@1.0`, with a commitment of this device |
//! | `verify` | as `~message@1.0` |
//!
//! Source: spec 02, section 8.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, Status, reply};
use oxbeam_protocol::codec::Ans104;
use oxbeam_protocol::commitment::ANS104;
use oxbeam_protocol::{Message, Value};

use crate::{codec, message};

const CONTENT_TYPE: &str = "application/ans104";

/// The device.
#[derive(Debug, Default)]
pub(crate) struct DataItem;

impl Device for DataItem {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "serialize" | "deserialize" | "content-type" | "commit")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "serialize" => Box::pin(serialize(call)),
            "deserialize" => Box::pin(deserialize(call)),
            "commit" => Box::pin(message::commit_as(call, ANS104)),
            _ => reply(Ok(Outcome::ok(CONTENT_TYPE))),
        }
    }
}

async fn serialize(call: Call) -> Result<Outcome, CallError> {
    let bytes = codec::encode(&call, |message, links| Ans104 { links }.encode(message)).await?;
    Ok(codec::content(CONTENT_TYPE, bytes))
}

/// What comes out may be kept and believed, so a signature that does not hold ends it here.
async fn deserialize(call: Call) -> Result<Outcome, CallError> {
    let read = codec::decode(&call, Ans104::decode).await?;
    match read.value {
        Value::Map(message) if read.status == Status::Ok => {
            Ok(Outcome::ok(call.context.node().authenticate(message).await?.into_message()))
        }
        value => Ok(Outcome { value, ..read }),
    }
}
