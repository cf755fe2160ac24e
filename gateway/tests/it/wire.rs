//! Messages as their signers write them on the wire.

use oxbeam_protocol::codec::{HttpMessage, HttpSig, Json, Links};
use oxbeam_protocol::commitment::{self, COMMITMENTS, CommitRequest};
use oxbeam_protocol::{Key, Message, NoContent, Value, Wallet};

use crate::client::Response;
use crate::node::TestNode;

/// A message with a commitment of this wallet, over all of its keys.
pub(crate) fn signed(message: &Message, wallet: &Wallet) -> Message {
    committed(message, wallet, CommitRequest::default())
}

pub(crate) fn committed(message: &Message, wallet: &Wallet, request: CommitRequest) -> Message {
    commitment::commit(message, &request, wallet, &NoContent).unwrap()
}

pub(crate) fn stranger() -> Wallet {
    Wallet::generate_secp256k1().unwrap()
}

/// Commits to these keys alone.
pub(crate) fn over(keys: &[&'static str]) -> CommitRequest {
    let keys = keys.iter().copied().map(Key::from_static);
    CommitRequest { committed: Some(keys.collect()), ..CommitRequest::default() }
}

/// The names under which a message is committed.
pub(crate) fn commitments(message: &Message) -> Message {
    message.get(COMMITMENTS).and_then(Value::as_map).cloned().unwrap_or_default()
}

pub(crate) fn wire(message: &Message) -> HttpMessage {
    let codec = HttpSig { links: Links::Embed(&NoContent) };
    codec.encode(&message.clone().into()).unwrap()
}

pub(crate) async fn post_wire(node: &TestNode, path: &str, wire: &HttpMessage) -> Response {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: x\r\naccept-bundle: true");
    for (name, value) in &wire.headers {
        let value = std::str::from_utf8(value).unwrap();
        head.push_str(&format!("\r\n{}: {value}", name.to_text()));
    }
    node.send(&head, wire.body.as_deref().unwrap_or_default()).await
}

pub(crate) async fn post(node: &TestNode, path: &str, message: &Message) -> Response {
    post_wire(node, path, &wire(message)).await
}

/// As [`post`], with the message as JSON.
pub(crate) async fn post_json(node: &TestNode, path: &str, message: &Message) -> Response {
    let json = Json { links: Links::Embed(&NoContent) }.encode(&message.clone().into()).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\ncontent-type: application/json"
    );
    node.send(&head, json.as_bytes()).await
}
