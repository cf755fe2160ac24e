//! Bytes to a message of which everything is vouched for, in the form that the request says.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Node};
use oxbeam_protocol::codec::{Ans104, DecodeError, HttpMessage, HttpSig, Json, Structured};
use oxbeam_protocol::commitment::{COMMITMENTS, Proven, committers};
use oxbeam_protocol::{Message, NoContent, Value};
use oxbeam_store::Persist;
use tracing::warn;

use super::primitive::Primitive;
use crate::http::codec::Codec;
use crate::http::option;
use crate::http::refusal::Refusal;

/// Bodies up to this size, in bytes, are read where they came in: it takes no longer than to hand
/// them to another thread.
const READ_AT_ONCE: usize = 65_536;
/// Headers that say how the request was signed; of another form than HTTP's they mean nothing.
const TRANSPORT: [&str; 3] = ["signature", "signature-input", "content-digest"];
/// What is never kept, even if it was signed.
const SECRETS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Reads the message of a request.
pub(super) async fn message(
    node: &Arc<Node>,
    primitive: &Primitive,
    body: Bytes,
) -> Result<Message, Refusal> {
    let codec = codec(node, primitive)?;
    let texts = primitive.texts.clone();
    let size = texts.values().map(Bytes::len).sum::<usize>() + body.len();
    let read = move || match codec {
        Codec::Json => json(texts, &body),
        Codec::Ans104 => item(&body),
        _ => http(HttpMessage { headers: texts, body: Some(body) }),
    };
    let message =
        if size > READ_AT_ONCE { node.pool().run("the decoder", read).await?? } else { read()? };
    let message = vouched(node, message).await?;
    keep(node, &message).await;
    Ok(message.into_message())
}

/// The form of a request: what it says, else its content type, else the default.
fn codec(node: &Node, primitive: &Primitive) -> Result<Codec, Refusal> {
    let text = |name| primitive.text(name).map(|text| String::from_utf8_lossy(&text).into_owned());
    let codec = match text("codec-device") {
        Some(name) => Codec::named(&name),
        None => text("content-type")
            .and_then(|media_type| Codec::of_media(node, &media_type))
            .unwrap_or_else(|| Codec::default_of(node)),
    };
    match codec {
        Codec::Other(name) => Err(Refusal::UnknownForm { name: name.chars().take(64).collect() }),
        codec => Ok(codec),
    }
}

fn http(wire: HttpMessage) -> Result<Message, Refusal> {
    match HttpSig::decode(&wire)? {
        Value::Map(message) => Ok(message),
        _ => Err(DecodeError::NotAMessage("a list").into()),
    }
}

/// JSON over what the headers say. No body is an object without members.
fn json(
    texts: std::collections::BTreeMap<oxbeam_protocol::Key, Bytes>,
    body: &Bytes,
) -> Result<Message, Refusal> {
    let object = match body.is_empty() {
        true => Value::Map(Message::new()),
        false => Json::decode(body)?,
    };
    let Value::Map(object) = object else { return Err(Refusal::NoObject) };
    let headers: Message = texts.into_iter().collect();
    let Value::Map(headers) = Structured::decode(&headers.without(&TRANSPORT).into())? else {
        return Err(Refusal::NoObject);
    };
    Ok(headers.into_iter().chain(object).collect())
}

fn item(body: &Bytes) -> Result<Message, Refusal> {
    match Ans104::decode(body)? {
        Value::Map(message) => Ok(message),
        _ => Err(Refusal::NoMessage),
    }
}

/// What of a message is vouched for. Where there is nothing to verify no thread is asked.
async fn vouched(node: &Node, message: Message) -> Result<Proven, CallError> {
    let nested = |value: &Value| matches!(value, Value::Map(_) | Value::List(_));
    if message.contains(COMMITMENTS) || message.iter().any(|(_, value)| nested(value)) {
        node.authenticate(message).await
    } else {
        Ok(Proven::new(&message, &NoContent)?)
    }
}

/// Keeps a signed message, unless the node is told not to, or it tells a secret.
async fn keep(node: &Node, message: &Proven) {
    let secret = SECRETS.iter().any(|key| message.contains(key));
    if secret || committers(message).is_empty() || !option::is_on(node, "store_all_signed") {
        return;
    }
    let kept = match node.contents() {
        Ok(contents) => contents.keep(message, Persist::Buffered).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        // The request itself may well be answered.
        warn!(%error, "signed request not kept");
    }
}
