//! From an HTTP request to the message that the node is asked with. Source: spec 20, section 3.

mod cookies;
mod decode;
mod normal;
mod primitive;
mod wants;

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::Node;
use oxbeam_protocol::Message;

pub(super) use primitive::{Primitive, Received};
pub(super) use wants::Wants;

use super::option;
use super::refusal::Refusal;

/// What is asked, and how the answer is to look.
#[derive(Debug)]
pub(super) struct Request {
    /// The message. All of its commitments have been verified.
    pub(super) singleton: Message,
    pub(super) wants: Wants,
}

/// Reads a request.
pub(super) async fn read(
    node: &Arc<Node>,
    received: &Received,
    primitive: &Primitive,
    body: Bytes,
) -> Result<Request, Refusal> {
    let message = decode::message(node, primitive, body).await?;
    let wants = Wants::of(&message, primitive)?;
    let filtered = option::list(node, "http_inbound_filter_keys");
    let singleton = normal::message(message, received, primitive, &wants, &filtered)?;
    let wants = wants.at(singleton.get_exact("path"));
    Ok(Request { singleton, wants })
}
