//! From a message to its form. Source: spec 20, section 7.

use std::sync::Arc;

use oxbeam_kernel::{CallError, Node, Offloaded};
use oxbeam_protocol::codec::{EncodeError, Links};
use oxbeam_protocol::{Message, NoContent, Value};

/// Writes a message by this function: with all that is nested in it, or with links to what the node
/// then keeps.
pub(super) async fn encode<T: Send + 'static>(
    node: &Arc<Node>,
    message: Message,
    bundle: bool,
    write: fn(&Value, Links<'_>) -> Result<T, EncodeError>,
) -> Result<T, CallError> {
    let message = match bundle {
        true => node.contents()?.load_all(message.into()).await?,
        false => Value::Map(message),
    };
    let write = move || {
        let offloaded = Offloaded::default();
        let links = if bundle { Links::Embed(&NoContent) } else { Links::Offload(&offloaded) };
        write(&message, links).map(|written| (written, offloaded))
    };
    let (written, offloaded) = node.pool().run("the encoder", write).await??;
    node.contents()?.keep_offloaded(offloaded).await?;
    Ok(written)
}
