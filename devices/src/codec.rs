//! What the devices of codecs share: which message a call is about, and how it is written.

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, Offloaded, Outcome};
use oxbeam_protocol::codec::{DecodeError, EncodeError, Links};
use oxbeam_protocol::{Message, NoContent, Value};

/// Writes the base on a thread of the pool. With `bundle` in the request, everything that is nested
/// in it is loaded and written in place; else it is kept, and its id written.
pub(crate) async fn encode<T: Send + 'static>(
    call: &Call,
    write: impl FnOnce(&Value, Links<'_>) -> Result<T, EncodeError> + Send + 'static,
) -> Result<T, CallError> {
    let node = call.context.node();
    let base = Value::Map(call.base.clone());
    if call.request.get("bundle").is_some_and(|bundle| bundle.is_name("true")) {
        let base = call.context.load_all(base).await?;
        let write = move || write(&base, Links::Embed(&NoContent));
        return Ok(node.pool().run("the encoder", write).await??);
    }
    let write = move || {
        let offloaded = Offloaded::default();
        let written = write(&base, Links::Offload(&offloaded))?;
        Ok::<_, EncodeError>((written, offloaded))
    };
    let (written, offloaded) = node.pool().run("the encoder", write).await??;
    node.contents()?.keep_offloaded(offloaded).await?;
    Ok(written)
}

/// Reads the text that the base holds under the request's `target`, by default under `body`.
pub(crate) async fn decode(
    call: &Call,
    read: impl FnOnce(&Bytes) -> Result<Value, DecodeError> + Send + 'static,
) -> Result<Outcome, CallError> {
    let target = call.request.get("target").and_then(Value::as_name).cloned();
    let target = target.unwrap_or_else(|| Bytes::from_static(b"body"));
    let text = match call.base.get(&target) {
        Some(text) => call.context.load(text.clone()).await?,
        None => return Ok(Outcome::refused(400, "There is nothing to deserialize.")),
    };
    let Value::Bytes(text) = text else {
        return Ok(Outcome::refused(400, "What is to be deserialized is no text."));
    };
    let read = call.context.node().pool().run("the decoder", move || read(&text)).await?;
    Ok(match read {
        Ok(value) => Outcome::ok(value),
        Err(error) => Outcome::refused(400, error.to_string()),
    })
}

/// Bytes with the type of their content.
pub(crate) fn content(kind: &'static str, body: impl Into<Value>) -> Outcome {
    Outcome::ok(Message::new().with("content-type", kind).with("body", body))
}
