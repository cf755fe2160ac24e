//! Devices: each says how a message is interpreted.
//!
//! A device is one type that implements [`Device`]. The node runs it as an actor on each of its
//! threads, so that a call stays on the thread of its caller; calls of one device do not wait for
//! each other, and one that panics fails alone.

use std::fmt;
use std::sync::Arc;

use actix::{Actor, Context as ActorContext, Handler};
use futures_util::future::{BoxFuture, ready};
use oxbeam_protocol::{Key, Message};
use oxbeam_supervisor::{ActorSpec, Concurrent, ContextExt};

use crate::context::Context;
use crate::devices::Devices;
use crate::error::CallError;
use crate::outcome::Outcome;

/// What a device answers, once it can.
pub type Reply = BoxFuture<'static, Result<Outcome, CallError>>;

/// Calls of one device on one thread that may be under way. Requests are admitted before they come
/// here, and each is nested to a limited depth, so that this is never met by calls that wait for
/// others of the same device.
const MAX_CALLS: usize = 65_536;

/// One way to interpret messages.
///
/// A device keeps nothing that decides a result: that lies in the messages and in the log.
pub trait Device: Send + Sync + 'static {
    /// Whether the device itself answers a key of this base. What it does not answer,
    /// `message@1.0` does: mostly by what the base holds under the key.
    ///
    /// `function` is the key in lower case with `-` for `_`. Source: spec 05, section 7.2.
    fn answers(&self, function: &str, base: &Message) -> bool;

    /// Calls of one group are computed once while they are in flight, and all get that outcome. The
    /// group is a name of what is computed; `None` computes each call. Source: spec 05, section 7.3.
    fn group(&self, _call: &Call) -> Option<Key> {
        None
    }

    /// Answers a call.
    fn call(self: Arc<Self>, call: Call) -> Reply;
}

/// A request to a message of a device.
#[derive(Debug, Clone)]
pub struct Call {
    /// The key that is resolved, as it was written.
    pub key: Key,
    /// The message that the device interprets.
    pub base: Message,
    /// The request, with `path` naming the key.
    pub request: Message,
    /// What the call may use: the node, and the request as a whole.
    pub context: Context,
}

impl Call {
    /// The key as the name of a function: in lower case, with `-` for `_`.
    #[must_use]
    pub fn function(&self) -> String {
        function(&self.key)
    }
}

/// The name of the function that a key calls. Source: spec 05, section 7.2.
pub(crate) fn function(key: &Key) -> String {
    key.to_text().to_ascii_lowercase().replace('_', "-")
}

/// A reply that is there already.
#[must_use]
pub fn reply(outcome: Result<Outcome, CallError>) -> Reply {
    Box::pin(ready(outcome))
}

impl actix::Message for Call {
    type Result = Result<Outcome, CallError>;
}

/// A device on one thread.
pub(crate) struct DeviceActor {
    device: Arc<dyn Device>,
    number: usize,
    devices: Arc<Devices>,
}

impl DeviceActor {
    pub(crate) fn spec(number: usize, devices: &Arc<Devices>) -> Option<ActorSpec<Self>> {
        let device = devices.device(number)?.clone();
        let devices = devices.clone();
        let make = move || Self { device: device.clone(), number, devices: devices.clone() };
        Some(ActorSpec::new(make).concurrent(MAX_CALLS).queue_limit(MAX_CALLS))
    }
}

impl fmt::Debug for DeviceActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceActor").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Actor for DeviceActor {
    type Context = ActorContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(address) = ctx.own_address() {
            self.devices.runs(self.number, address);
        }
    }
}

impl Handler<Call> for DeviceActor {
    type Result = Concurrent<Result<Outcome, CallError>>;

    fn handle(&mut self, call: Call, _: &mut Self::Context) -> Self::Result {
        let context = call.context.clone();
        let answer = self.device.clone().call(call);
        Concurrent::new(async move {
            tokio::select! {
                answer = answer => answer,
                // What nobody waits for is not computed to its end.
                () = context.cancelled() => Err(CallError::Cancelled),
            }
        })
    }
}
