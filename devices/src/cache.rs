//! `~cache@1.0`: what the node keeps, read and written over HTTP. `~lookup@1.0` reads alone.
//!
//! | Key | Request | Answer |
//! |---|---|---|
//! | `read` | `target`: an id, `ID/key…`, `data/HASH`, a name that was linked | what lies there |
//! | `write` | `body`, `type` | where it lies: `data/HASH` |
//! | `link` | `source`, `destination` | the destination leads to the source |
//!
//! Who writes must have signed the request and be one of `cache_writers`, by default the node
//! itself. Source: spec 24, section 3, and spec 26.

mod read;
mod write;

use std::sync::Arc;

use oxbeam_kernel::{Call, Device, Reply};
use oxbeam_protocol::Message;

pub(crate) use read::at_path;

/// The device that reads and writes.
#[derive(Debug, Default)]
pub(crate) struct Cache;

impl Device for Cache {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "read" | "write" | "link")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "write" => Box::pin(write::write(call)),
            "link" => Box::pin(write::link(call)),
            _ => Box::pin(read::read(call)),
        }
    }
}

/// The device that reads.
#[derive(Debug, Default)]
pub(crate) struct Lookup;

impl Device for Lookup {
    fn answers(&self, function: &str, _: &Message) -> bool {
        function == "read"
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(read::read(call))
    }
}
