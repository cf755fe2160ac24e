//! A message as a data item. Source: spec 20, section 7, c.

use std::sync::Arc;

use oxbeam_kernel::{CallError, Node};
use oxbeam_protocol::codec::{Ans104, Links};
use oxbeam_protocol::commitment::{ANS104, COMMITMENTS, Commitment};
use oxbeam_protocol::{Id, Key, Message, Value};

use super::Reply;
use super::encode::encode;
use crate::http::request::Wants;

/// Writes a message: with all that is nested in it, or with links.
pub(super) async fn write(
    node: &Arc<Node>,
    message: Message,
    status: u16,
    wants: &Wants,
) -> Result<Reply, CallError> {
    let message = one_item(message, wants.named);
    let write = |message: &Value, links: Links<'_>| Ans104 { links }.encode(message);
    let body = encode(node, message, wants.bundle, write).await?;
    let headers = vec![
        ("codec-device".into(), "ans104@1.0".into()),
        ("content-type".into(), "application/ans104".into()),
    ];
    Ok(Reply { status, headers, body })
}

/// An item has one signature. Of a message that was signed as several it is the one that the request
/// names, else the first.
fn one_item(message: Message, named: Option<Id>) -> Message {
    let items = Commitment::all(&message)
        .filter(|one| one.device().is_some_and(|device| device == ANS104))
        .map(|one| one.id.clone());
    let items: Vec<Key> = items.collect();
    let Some(first) = items.first().filter(|_| items.len() > 1).cloned() else { return message };
    let named = named.map(|id| Key::from(id.to_string())).filter(|id| items.contains(id));
    let kept = named.unwrap_or(first);
    let Some(Value::Map(mut commitments)) = message.get_exact(COMMITMENTS).cloned() else {
        return message;
    };
    commitments.retain(|id, _| *id == kept || !items.contains(id));
    message.with(COMMITMENTS, commitments)
}
