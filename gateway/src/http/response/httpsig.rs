//! A message as headers and body. Source: spec 20, section 7, a and b.

use oxbeam_kernel::CallError;
use oxbeam_protocol::codec::{HttpMessage, HttpSig, Links};
use oxbeam_protocol::{Message, Value};

use super::encode::encode;
use super::fit::fits;
use super::{Reply, index};
use crate::http::admission::Gate;

/// Writes a message: with all that is nested in it, or with links and, for browsers, a page.
pub(super) async fn write(
    gate: &Gate,
    message: Message,
    status: u16,
    bundle: bool,
) -> Result<Reply, CallError> {
    let shown = message.clone();
    let write = |message: &Value, links: Links<'_>| HttpSig { links }.encode_fitting(message, fits);
    let mut reply = of_wire(encode(gate.node(), message, bundle, write).await?, status);
    if !bundle
        && reply.body.is_empty()
        && !reply.has("content-type")
        && let Some(page) = index::page(gate, shown).await
    {
        reply.headers.push(("content-type".into(), page.content_type));
        reply.body = page.body;
    }
    Ok(reply)
}

fn of_wire(wire: HttpMessage, status: u16) -> Reply {
    let headers = wire.headers.into_iter().map(|(name, value)| (name.to_bytes(), value)).collect();
    Reply { status, headers, body: wire.body.unwrap_or_default() }
}
