//! `~wasi@1.0`: the files of a guest, which lie in its state.
//!
//! | Key                              | What                                                         |
//! |----------------------------------|--------------------------------------------------------------|
//! | `init`                           | the base with this device as a library, and the first files  |
//! | `compute`                        | the base                                                     |
//! | `stdout`                         | what the guest has written to its standard output            |
//! | `fd_write`, `fd_read`, `fd_seek` | of a guest: as WASI says, at the descriptor's offset         |
//! | `path_open`, `fd_close`          | of a guest: adds and removes a descriptor                    |
//! | `clock_time_get`                 | of a guest: the error `2big`. There is no clock              |
//!
//! | In the state              | What                                                                |
//! |---------------------------|---------------------------------------------------------------------|
//! | `vfs`                     | the files: folders are messages, files are byte strings             |
//! | `file-descriptors/NUMBER` | `filename`, a path in `vfs`, and `offset`, in bytes                 |
//!
//! Addresses and sizes of a guest are as wide as those of its memory. Source: spec 13, section 5;
//! WASI snapshot preview 1.

mod errno;
mod files;
mod functions;
mod memory;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::Message;

/// The device.
#[derive(Debug)]
pub(crate) struct Wasi;

impl Device for Wasi {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute" | "stdout") || functions::is_one(function)
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            match call.function().as_str() {
                "init" => init(&call.base).map(Outcome::ok),
                "compute" => Ok(Outcome::ok(call.base)),
                "stdout" => stdout(&call).await,
                function => functions::answer(&call, function).await,
            }
        })
    }
}

fn init(base: &Message) -> Result<Message, CallError> {
    let library = Message::from([("device", "wasi@1.0")]);
    let standard = |name: &str| Message::from([("filename", name)]).with("offset", 0);
    let descriptors = Message::new()
        .with("0", standard("/dev/stdin"))
        .with("1", standard("/dev/stdout"))
        .with("2", standard("/dev/stderr"));
    let devices = Message::from([("stdin", ""), ("stdout", ""), ("stderr", "")]);
    let changes = Message::new()
        .with("wasm/stdlib/wasi_snapshot_preview1", library)
        .with("file-descriptors", descriptors)
        .with("vfs", Message::new().with("dev", devices));
    Ok(base.set(&changes)?)
}

async fn stdout(call: &Call) -> Result<Outcome, CallError> {
    let written = call.context.find(&call.base, "vfs/dev/stdout").await?;
    Ok(written.map_or_else(Outcome::not_found, Outcome::ok))
}
