//! A message as headers and body. Source: spec 20, section 7, a and b.

use bytes::Bytes;
use oxbeam_kernel::CallError;
use oxbeam_protocol::codec::{EncodeError, HttpMessage, HttpSig, Links, fits_header};
use oxbeam_protocol::{Key, Message, Value};

use super::encode::encode;
use super::{Reply, index};
use crate::http::admission::Gate;

/// The header that says how long a body is.
const CONTENT_LENGTH: &str = "content-length";

/// Writes a message: with all that is nested in it, or with links and, for browsers, a page.
pub(super) async fn write(
    gate: &Gate,
    message: Message,
    status: u16,
    bundle: bool,
) -> Result<Reply, CallError> {
    let shown = message.clone();
    let write = |message: &Value, links: Links<'_>| written(&HttpSig { links }, message);
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

/// The message as headers and body. A `content-length` that is the body's own is the header that goes
/// with every body; another must not be one.
fn written(codec: &HttpSig<'_>, message: &Value) -> Result<HttpMessage, EncodeError> {
    if message.as_map().is_some_and(|message| message.contains(CONTENT_LENGTH)) {
        let fits = |key: &Key, value: &Bytes| *key == CONTENT_LENGTH || fits_header(key, value);
        let mut wire = codec.encode_fitting(message, fits)?;
        let stated = wire.headers.remove(&Key::from_static(CONTENT_LENGTH));
        let length = wire.body.as_ref().map_or(0, Bytes::len).to_string();
        if stated.is_none_or(|stated| stated == length) {
            return Ok(wire);
        }
    }
    codec.encode_fitting(message, fits_header)
}

fn of_wire(wire: HttpMessage, status: u16) -> Reply {
    let headers = wire.headers.into_iter().map(|(name, value)| (name.to_bytes(), value)).collect();
    Reply { status, headers, body: wire.body.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(message: Message) -> HttpMessage {
        written(&HttpSig { links: Links::Discard }, &message.into()).unwrap()
    }

    #[test]
    fn the_length_of_the_body_is_its_header_and_another_is_none() {
        let message = Message::from([("body", "four"), ("content-length", "4")]);
        let plain = wire(message.clone());
        assert_eq!(plain.body.as_deref(), Some(&b"four"[..]));
        assert!(!plain.headers.contains_key(&Key::from_static("content-length")));

        let other = wire(message.with("content-length", "5"));
        assert!(!other.headers.contains_key(&Key::from_static("content-length")));
        let body = String::from_utf8(other.body.unwrap().to_vec()).unwrap();
        assert!(body.contains("content-length"), "it is a part of the body: {body}");
    }
}
