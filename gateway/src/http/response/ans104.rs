//! A message as a data item. Source: spec 20, section 7, c.

use std::sync::Arc;

use oxbeam_kernel::{CallError, Node, Offloaded};
use oxbeam_protocol::codec::{Ans104, Links};
use oxbeam_protocol::{Message, NoContent, Value};

use super::{Reply, unwritable};

/// Writes a message: with all that is nested in it, or with links.
pub(super) async fn write(
    node: &Arc<Node>,
    message: Message,
    status: u16,
    bundle: bool,
) -> Result<Reply, CallError> {
    let message = match bundle {
        true => node.contents()?.load_all(message.into()).await?,
        false => Value::Map(message),
    };
    let write = move || {
        let offloaded = Offloaded::default();
        let links = if bundle { Links::Embed(&NoContent) } else { Links::Offload(&offloaded) };
        let item = Ans104 { links }.encode(&message);
        item.map(|item| (item, offloaded)).map_err(unwritable)
    };
    let (body, offloaded) = node.pool().run("the encoder", write).await??;
    node.contents()?.keep_offloaded(offloaded).await?;
    let headers = vec![
        ("codec-device".into(), "ans104@1.0".into()),
        ("content-type".into(), "application/ans104".into()),
    ];
    Ok(Reply { status, headers, body })
}
