//! `~message@1.0`: a message is a map of its keys. Every key that another device does not answer comes
//! here. Source: spec 05, section 7.4.

use std::sync::Arc;

use oxbeam_kernel::{Call, Device, Outcome, Reply, reply};
use oxbeam_protocol::Message;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Identity;

impl Device for Identity {
    fn answers(&self, _: &str, _: &Message) -> bool {
        true
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        reply(Ok(match call.base.get(&call.key) {
            Some(value) => Outcome::ok(value.clone()),
            None => Outcome::not_found(),
        }))
    }
}
