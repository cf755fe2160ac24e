//! A message as a data item. Source: spec 20, section 7, c.

use std::sync::Arc;

use oxbeam_kernel::{CallError, Node};
use oxbeam_protocol::codec::{Ans104, Links};
use oxbeam_protocol::{Message, Value};

use super::Reply;
use super::encode::encode;

/// Writes a message: with all that is nested in it, or with links.
pub(super) async fn write(
    node: &Arc<Node>,
    message: Message,
    status: u16,
    bundle: bool,
) -> Result<Reply, CallError> {
    let write = |message: &Value, links: Links<'_>| Ans104 { links }.encode(message);
    let body = encode(node, message, bundle, write).await?;
    let headers = vec![
        ("codec-device".into(), "ans104@1.0".into()),
        ("content-type".into(), "application/ans104".into()),
    ];
    Ok(Reply { status, headers, body })
}
