//! Whether the node signs an answer. Source: spec 20, section 6.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Node, Signing};
use oxbeam_protocol::Message;
use oxbeam_protocol::commitment::{ANS104, committers};

use crate::http::codec::Codec;
use crate::http::request::Wants;

/// A message signed by the node, unless somebody else has, or it is not to be signed.
///
/// All of it is signed, whatever an HMAC says that came with it: of its keys, `status` shows that
/// this is an answer, and no request of the node's own.
pub(super) async fn signed(
    node: &Arc<Node>,
    message: Message,
    codec: &Codec,
    wants: &Wants,
) -> Result<Message, CallError> {
    let signs = match node.configuration().settings.signing {
        Signing::Always => true,
        Signing::OnRequest => wants.signature,
        Signing::Never => false,
    };
    if !signs || !committers(&message).is_empty() {
        return Ok(message);
    }
    // JSON carries commitments of HTTP's kind.
    let device = (*codec == Codec::Ans104).then(|| Bytes::from_static(ANS104.as_bytes()));
    node.sign(message.without(&["commitments"]), device).await
}
