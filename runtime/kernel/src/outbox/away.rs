//! Messages to processes that other nodes schedule: delivered over HTTP.
//!
//! ```text
//! POST /TARGET/schedule                       the message, the same with every attempt; its place in
//!                                             the outbox as `idempotency-key`
//! ◄─ the assignment, signed by the scheduler
//! POST /TARGET/push&slot=N&push-mode=async    the other node computes what follows from it
//! ```
//!
//! An attempt that breaks off anywhere is made again, as a whole: a node that knows
//! `idempotency-key` gives the message the slot that it has, and a slot that is pushed again sends
//! nothing twice. Source: spec 11, section 9, and spec 12, section 4.

use oxbeam_protocol::codec::HttpMessage;
use oxbeam_protocol::commitment::{committers, only_committed, signed_id};
use oxbeam_protocol::{Id, Message};
use oxbeam_store::Origin;

use super::Undelivered;
use super::courier::slot_of;
use crate::error::CallError;
use crate::location;
use crate::node::Node;
use crate::remote::{self, RemoteError};

/// Codes after which the same message is not sent again: it will not be taken later either.
const FINAL: [u16; 5] = [400, 401, 403, 413, 422];

/// Delivers a message to the node that schedules its target. Answers with the assignment.
pub(super) async fn deliver(
    node: &Node,
    target: Id,
    message: Message,
    origin: Origin,
) -> Result<Message, Undelivered> {
    let schedulers = node.schedulers_of(target).await?.ok_or(Undelivered::NoTarget)?;
    let url = where_to(node, &schedulers).await?.ok_or(Undelivered::Nowhere)?;
    let id = signed_id(&message.clone().into()).map_err(CallError::from)?;
    let Origin { process, slot, index } = origin;
    let request = Message::new()
        .with("body", message)
        .with("idempotency-key", format!("{process}/{slot}/{index}"));
    let request = node.pool().run("the writer", move || remote::written(request)).await?;
    let request = request.map_err(CallError::from)?;
    let answer = node.remote().post(&url, &format!("/{target}/schedule"), request).await?;
    // What it says besides, such as its status, nobody has signed.
    let assignment = node.authenticate(only_committed(&answer)).await;
    let assignment = assignment.map_err(|error| unbelieved(&url, &error))?.into_message();
    if !is_of(&assignment, target, id, &schedulers) {
        return Err(unbelieved(&url, &"its scheduler has not signed it"));
    }
    let slot = slot_of(&assignment)?;
    let push = format!("/{target}/push&slot+integer={slot}&push-mode=async");
    node.remote().post(&url, &push, HttpMessage::default()).await?;
    Ok(assignment)
}

/// Where the first of these schedulers is, of those that have said where they are.
async fn where_to(node: &Node, schedulers: &[String]) -> Result<Option<String>, CallError> {
    for scheduler in schedulers {
        let (address, hint) = location::hinted(scheduler);
        if let Some(url) = hint {
            return Ok(Some(url.to_owned()));
        }
        let record = node.location(address).await?;
        if let Some(url) = record.as_ref().and_then(location::url_of) {
            return Ok(Some(url));
        }
    }
    Ok(None)
}

/// Whether an assignment gives this message a slot of this process, and one of its schedulers says so.
fn is_of(assignment: &Message, target: Id, message: Id, schedulers: &[String]) -> bool {
    let process = assignment.get("process").is_some_and(|id| id.is_name(&target.to_string()));
    let body = assignment.get("body").and_then(|body| signed_id(body).ok());
    let signers = committers(assignment);
    let mut addresses = schedulers.iter().map(|scheduler| location::hinted(scheduler).0);
    let signed = addresses.any(|address| signers.iter().any(|signer| *signer == *address));
    process && body == Some(message) && signed
}

fn unbelieved(url: &str, why: &dyn std::fmt::Display) -> Undelivered {
    let what = format!("the scheduler at {url}");
    let reason = format!("its assignment is not believed: {why}");
    CallError::Unavailable { what, reason }.into()
}

impl From<RemoteError> for Undelivered {
    fn from(error: RemoteError) -> Self {
        let reason = error.with_causes();
        match error {
            RemoteError::Forbidden { .. } => Self::Refused { reason },
            RemoteError::Status { status, .. } if FINAL.contains(&status) => {
                Self::Refused { reason }
            }
            _ => CallError::Unavailable { what: "another node".into(), reason }.into(),
        }
    }
}
