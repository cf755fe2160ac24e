//! The page that stands for a message without body: what its device answers for `index`. Source:
//! spec 20, section 9.

use bytes::Bytes;
use oxbeam_protocol::{Message, Value};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::http::admission::Gate;
use crate::http::option;

/// A page.
pub(super) struct Page {
    pub(super) content_type: Bytes,
    pub(super) body: Bytes,
}

/// The page of a message. `None`, if the node or the device makes none.
pub(super) async fn page(gate: &Gate, message: Message) -> Option<Page> {
    if !option::is_on(gate.node(), "generate_index") {
        return None;
    }
    let own = timeout(gate.limits().index_time, own(gate, &message)).await;
    own.ok().flatten()
}

/// What the message's device answers for `index`, if that is a page.
async fn own(gate: &Gate, message: &Message) -> Option<Page> {
    let cancelled = CancellationToken::new();
    let _ends = cancelled.clone().drop_guard();
    let context = gate.node().context(cancelled).quietly();
    let request = Message::from([("path", "index"), ("method", "GET")]);
    let outcome = context.resolve(message.clone(), request).await.ok()?;
    let Value::Map(page) = outcome.into_result().ok()? else { return None };
    let body = context.get(&page, "body").await.ok()??;
    let content_type = context.get(&page, "content-type").await.ok()??;
    Some(Page {
        content_type: content_type.as_bytes()?.clone(),
        body: body.as_bytes().filter(|body| !body.is_empty())?.clone(),
    })
}
