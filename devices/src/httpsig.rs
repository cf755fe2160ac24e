//! `~httpsig@1.0`: messages as HTTP headers and body, signed by HTTP signatures.
//!
//! | Key | Answer |
//! |---|---|
//! | `serialize` | the base as the text of headers and body, or with `format: components` as a message of `headers` and `body` |
//! | `commit` | as `~message@1.0`, with a commitment of this device |
//! | `verify` | as `~message@1.0` |
//!
//! Source: spec 02, sections 2 to 5, and spec 03.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::codec::{HttpMessage, HttpSig};
use oxbeam_protocol::commitment::HTTPSIG;
use oxbeam_protocol::{Message, Value};

use crate::{codec, message};

/// The device.
#[derive(Debug, Default)]
pub(crate) struct HttpSignature;

impl Device for HttpSignature {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "serialize" | "commit")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "serialize" => Box::pin(serialize(call)),
            _ => Box::pin(message::commit_as(call, HTTPSIG)),
        }
    }
}

async fn serialize(call: Call) -> Result<Outcome, CallError> {
    let http = codec::encode(&call, |message, links| HttpSig { links }.encode(message)).await?;
    let components = call.request.get("format").is_some_and(|form| form.is_name("components"));
    if components {
        return Ok(Outcome::ok(parts(http)));
    }
    match text(&http) {
        Some(text) => Ok(Outcome::ok(text)),
        None => Err(CallError::Raised("a header holds a line break".into())),
    }
}

fn parts(http: HttpMessage) -> Message {
    let headers = http.headers.into_iter().map(|(name, value)| (name, Value::Bytes(value)));
    let parts = Message::new().with("headers", headers.collect::<Message>());
    match http.body {
        Some(body) => parts.with("body", body),
        None => parts,
    }
}

/// Headers, an empty line, the body. `None`, if a header would not be read back as it was.
fn text(http: &HttpMessage) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for (name, value) in &http.headers {
        if [name.as_bytes(), value]
            .iter()
            .any(|part| part.iter().any(|byte| b"\r\n\0".contains(byte)))
        {
            return None;
        }
        text.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(http.body.as_deref().unwrap_or_default());
    Some(text)
}
