//! `~relay@1.0`: passes a request on to a server, and answers with what that says.
//!
//! | Key    | What                                                                     |
//! |--------|--------------------------------------------------------------------------|
//! | `call` | sends the message, and answers with the server's answer and its status    |
//! | `cast` | sends it in the background, and answers `OK`; what comes of it is lost     |
//!
//! The message that is sent is the base or, with `target` in the request, what that names there. Where
//! to is its `path` or `relay-path`: a URL, a path on the `peer`, or a path that one of the
//! node's `routes` matches. `relay-method`, `relay-body` and `relay-device` stand in for `method`,
//! `body` and `device` where the message has none. A redirect is the answer, and is not followed.
//! To which addresses is sent, how long and how much: the options `relay_*`.
//!
//! A process cannot ask for this: its results would not follow from its log. Source: spec 22, sections
//! 1 and 2.

mod parameters;
mod route;

use std::sync::Arc;

use oxbeam_kernel::relay::{Inbound, NotRelayed, Passage};
use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, Status};
use oxbeam_protocol::commitment::committers;
use oxbeam_protocol::{Atom, Message};
use tracing::debug;

pub(crate) use parameters::RELAYED;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Relay;

impl Device for Relay {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "call" | "cast")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "cast" => Box::pin(cast(call)),
            _ => Box::pin(relay(call)),
        }
    }
}

async fn relay(call: Call) -> Result<Outcome, CallError> {
    let sent = match prepared(&call).await? {
        Ok(passage) => passage.send().await,
        Err(not_relayed) => Err(not_relayed),
    };
    match sent {
        Ok(inbound) => Ok(answered(inbound)),
        Err(not_relayed) => refused(not_relayed),
    }
}

async fn cast(call: Call) -> Result<Outcome, CallError> {
    let passage = match prepared(&call).await? {
        Ok(passage) => passage,
        Err(not_relayed) => return refused(not_relayed),
    };
    // It ends by its own limit of time, and counts among those under way until then.
    tokio::spawn(async move {
        if let Err(error) = passage.send().await {
            debug!(%error, "a cast came to nothing");
        }
    });
    Ok(Outcome::ok("OK"))
}

async fn prepared(call: &Call) -> Result<Result<Passage, NotRelayed>, CallError> {
    if call.context.is_computing() {
        let sentence = "a process asks no servers: its results follow from its log alone";
        return Err(CallError::Raised(sentence.into()));
    }
    let outbound = parameters::outbound(call).await?;
    Ok(call.context.node().relay(outbound).await)
}

/// A server's answer. Its code is the status, also where somebody has signed another.
fn answered(Inbound { status, message }: Inbound) -> Outcome {
    let is_signed = !committers(&message).is_empty() && message.contains("status");
    let value = match is_signed {
        true => message,
        false => message.with("status", i64::from(status)),
    };
    let status = match status {
        201 => Status::Other(Atom::from_static("created")),
        ..400 => Status::Ok,
        400..500 => Status::Error,
        500.. => Status::Failure,
    };
    Outcome { status, value: value.into() }
}

fn refused(not_relayed: NotRelayed) -> Result<Outcome, CallError> {
    Err(match not_relayed {
        NotRelayed::Forbidden { .. } => {
            return Ok(Outcome::refused(403, format!("Nothing was sent: {not_relayed}.")));
        }
        NotRelayed::Malformed(sentence) => CallError::BadRequest(sentence),
        NotRelayed::Timeout { limit } => CallError::Timeout { limit },
        NotRelayed::Failed(error) => error,
        other => match other.retry_after() {
            Some(retry_after) => CallError::Overloaded { retry_after },
            None => CallError::Raised(other.to_string()),
        },
    })
}
