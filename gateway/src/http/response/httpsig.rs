//! A message as headers and body. Source: spec 20, section 7, a and b.

use std::sync::Arc;

use oxbeam_kernel::{CallError, Node, Offloaded};
use oxbeam_protocol::codec::{HttpMessage, HttpSig, Links};
use oxbeam_protocol::{Message, NoContent, Value};

use super::fit::fits;
use super::{Reply, index, unwritable};
use crate::http::admission::Gate;

/// Writes a message: with all that is nested in it, or with links and, for browsers, a page.
pub(super) async fn write(
    gate: &Gate,
    message: Message,
    status: u16,
    bundle: bool,
) -> Result<Reply, CallError> {
    let node = gate.node();
    let shown = message.clone();
    let wire = if bundle { bundled(node, message).await? } else { linked(node, message).await? };
    let mut reply = of_wire(wire, status);
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

async fn bundled(node: &Arc<Node>, message: Message) -> Result<HttpMessage, CallError> {
    let message = node.contents()?.load_all(message.into()).await?;
    let write = move || {
        HttpSig { links: Links::Embed(&NoContent) }
            .encode_fitting(&message, fits)
            .map_err(unwritable)
    };
    node.pool().run("the encoder", write).await?
}

async fn linked(node: &Arc<Node>, message: Message) -> Result<HttpMessage, CallError> {
    let write = move || {
        let offloaded = Offloaded::default();
        let links = Links::Offload(&offloaded);
        let wire = HttpSig { links }.encode_fitting(&Value::Map(message), fits);
        wire.map(|wire| (wire, offloaded)).map_err(unwritable)
    };
    let (wire, offloaded) = node.pool().run("the encoder", write).await??;
    node.contents()?.keep_offloaded(offloaded).await?;
    Ok(wire)
}
