//! From the node's answer to an HTTP response. Source: spec 20, sections 6 to 9.

mod ans104;
mod cookies;
mod encode;
mod httpsig;
mod index;
mod json;
mod page;
mod sign;

use bytes::Bytes;
use oxbeam_kernel::{Answer, CallError};
use oxbeam_protocol::codec::is_header;

use super::admission::Gate;
use super::codec::Codec;
use super::request::Wants;

/// Headers that let pages of other origins read every answer; a message's own are stronger.
const CORS: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ("access-control-expose-headers", "*"),
];

/// A response, but for what belongs to the connection.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Each fits into a header.
    pub(super) headers: Vec<(Bytes, Bytes)>,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }
}

/// Writes an answer as the request wants it.
pub(super) async fn write(gate: &Gate, answer: &Answer, wants: &Wants) -> Result<Reply, CallError> {
    let node = gate.node();
    let mut message = answer.message.clone();
    let cookies = cookies::take(&mut message);
    let codec = codec(gate, &message, wants);
    if let Codec::Other(name) = &codec {
        return Ok(not_acceptable(name));
    }
    let is_page = codec == Codec::HttpSig && !wants.bundle;
    let mut reply = if is_page && matches!(answer.status, 404 | 500) {
        page::of_failure(answer.status, &message)
    } else {
        let message =
            if answer.signed { sign::signed(node, message, &codec, wants).await? } else { message };
        match codec {
            Codec::Json => json::write(node, message, answer.status, wants.bundle).await?,
            Codec::Ans104 => ans104::write(node, message, answer.status, wants).await?,
            _ => httpsig::write(gate, message, answer.status, wants.bundle).await?,
        }
    };
    for (name, value) in CORS {
        if !reply.has(name) {
            reply.headers.push((name.into(), value.into()));
        }
    }
    if let Some(headers) = &wants.headers
        && !reply.has("access-control-allow-headers")
    {
        reply.headers.push(("access-control-allow-headers".into(), headers.clone()));
    }
    let cookies = cookies.into_iter().map(|cookie| (Bytes::from_static(b"set-cookie"), cookie));
    reply.headers.extend(cookies);
    reply.headers.retain(|(name, value)| is_header(name, value));
    Ok(reply)
}

/// The form of an answer. Source: spec 20, section 7.
fn codec(gate: &Gate, message: &oxbeam_protocol::Message, wants: &Wants) -> Codec {
    let node = gate.node();
    let of = |text: &Option<Bytes>| {
        let text = text.as_ref().and_then(|text| std::str::from_utf8(text).ok());
        text.and_then(|text| Codec::of_media(node, text))
    };
    if wants.required.is_some() {
        return of(&wants.required).unwrap_or_else(|| Codec::default_of(node));
    }
    if message.contains("content-type") {
        return Codec::HttpSig;
    }
    of(&wants.accept).unwrap_or_else(|| Codec::default_of(node))
}

fn not_acceptable(name: &str) -> Reply {
    let name: String = name.chars().take(64).filter(|c| !c.is_control()).collect();
    let body = format!("answers are not written in the form {name}");
    let content_type = ("content-type".into(), "text/plain; charset=utf-8".into());
    Reply { status: 406, headers: vec![content_type], body: body.into() }
}
