//! What is asked of a node while a process runs on it.

use anyhow::{Result, ensure};
use bytes::Bytes;
use oxbeam_protocol::codec::{HttpMessage, HttpSig, Links};
use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Key, Message, NoContent};

use crate::client::{Request, Response, send};
use crate::served::ServedNode;

/// Whoever asks the node.
#[derive(Debug)]
pub(super) struct Client<'a> {
    pub(super) node: &'a ServedNode,
}

impl Client<'_> {
    /// What is answered to a GET, with all that is nested in it.
    pub(super) fn ask(&self, target: &str) -> Result<Response> {
        let headers = [("accept-bundle".into(), "true".into())].into();
        self.send("GET", target, HttpMessage { headers, body: None })
    }

    /// As [`ask`](Self::ask), and it must go well.
    pub(super) fn get(&self, target: &str) -> Result<Response> {
        self.ask(target).and_then(well)
    }

    /// Posts a message as it is, commitments included.
    pub(super) fn post(&self, target: &str, message: &Message) -> Result<Response> {
        let message = message.clone().into();
        let wire = HttpSig { links: Links::Embed(&NoContent) }.encode_fitting(&message, fits)?;
        self.send("POST", target, wire).and_then(well)
    }

    /// Sends a message to a process. One with a path or body of its own travels as the body of the
    /// request, where nothing takes them for the request's.
    pub(super) fn schedule(&self, process: &str, message: Message) -> Result<Response> {
        let message = match message.contains("path") || message.contains("body") {
            true => Message::new().with("body", message),
            false => message,
        };
        self.post(&format!("/{process}/schedule"), &message)
    }

    /// Makes a message readable by its id. The node keeps every signed request with all that is
    /// nested in it, so that the message is sent in one of the node's own.
    pub(super) fn store(&self, message: Message) -> Result<()> {
        let carrier = Message::new().with("carried", message);
        let request = CommitRequest::default();
        let signed = commitment::commit(&carrier, &request, &self.node.wallet, &NoContent)?;
        self.post("/~message@1.0/keys", &signed).map(drop)
    }

    fn send(&self, method: &str, target: &str, wire: HttpMessage) -> Result<Response> {
        let text = |text: &[u8]| String::from_utf8(text.to_vec());
        let headers =
            wire.headers.iter().map(|(name, value)| Ok((text(name.as_bytes())?, text(value)?)));
        let mut headers: Vec<_> = headers.collect::<Result<_>>()?;
        headers.push(("host".into(), self.node.host().to_string()));
        let body = wire.body.unwrap_or_default().to_vec();
        let request = Request { method: method.into(), target: target.into(), headers, body };
        send(self.node.host(), &request)
    }
}

/// Whether a key and its value come out of a header as they went in. What does not travels in the body.
fn fits(key: &Key, value: &Bytes) -> bool {
    let is_kept = |byte: &u8| matches!(byte, b' '..=b'~');
    !key.as_bytes().iter().any(u8::is_ascii_uppercase)
        && value.iter().all(is_kept)
        && value.trim_ascii() == *value
}

fn well(answer: Response) -> Result<Response> {
    ensure!(answer.status == 200, "status {}: {:.300?}", answer.status, answer.body);
    Ok(answer)
}
