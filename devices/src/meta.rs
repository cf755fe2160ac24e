//! `~meta@1.0`: the node's configuration and build.
//!
//! | Key | Answer |
//! |---|---|
//! | `info` (GET) | all options that are not private, and what is computed: `address`, `preloaded_devices` … |
//! | `info` (POST) | sets options, for the node's operator |
//! | `build` | which program this is |
//!
//! Source: spec 21, sections 1 to 4.

mod change;
mod info;

use std::sync::Arc;

use oxbeam_kernel::{Call, Device, Outcome, Reply, reply};
use oxbeam_protocol::Message;

use crate::made::Orders;

/// The device, with the orders of the node's operators that are being carried out.
#[derive(Debug)]
pub(crate) struct Meta(pub(crate) Arc<Orders>);

impl Device for Meta {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "info" | "build")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        let posts = call.request.get("method").is_some_and(|method| method.is_name("POST"));
        match call.function().as_str() {
            "build" => reply(Ok(Outcome::ok(build()))),
            _ if posts => Box::pin(async move { change::change(&self.0, &call).await }),
            _ => reply(Ok(Outcome::ok(info::info(&call.context)))),
        }
    }
}

fn build() -> Message {
    let source = env!("OXBEAM_SOURCE");
    Message::new()
        .with("node", "Oxbeam")
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("source", source)
        .with("source-short", source.get(..8).unwrap_or(source))
        .with("build-time", env!("OXBEAM_BUILD_TIME").parse::<i64>().unwrap_or_default())
}
