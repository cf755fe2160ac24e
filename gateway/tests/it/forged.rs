use oxbeam_protocol::codec::{Ans104, HttpMessage, HttpSig, Json, Links};
use oxbeam_protocol::commitment::{self, CommitRequest, Commitment};
use oxbeam_protocol::{Message, NoContent, Wallet};

use crate::client::Response;
use crate::node::TestNode;

fn signed(message: &Message, device: &'static str) -> Message {
    let wallet = Wallet::generate_secp256k1().unwrap();
    let request = CommitRequest { device: Some(device.into()), ..CommitRequest::default() };
    commitment::commit(message, &request, &wallet, &NoContent).unwrap()
}

fn wire(message: &Message) -> HttpMessage {
    let codec = HttpSig { links: Links::Embed(&NoContent) };
    codec.encode(&message.clone().into()).unwrap()
}

async fn post(node: &TestNode, path: &str, wire: &HttpMessage) -> Response {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: x\r\naccept-bundle: true");
    for (name, value) in &wire.headers {
        let value = std::str::from_utf8(value).unwrap();
        head.push_str(&format!("\r\n{}: {value}", name.to_text()));
    }
    node.send(&head, wire.body.as_deref().unwrap_or_default()).await
}

#[actix_rt::test]
async fn a_signed_request_is_believed_and_kept() {
    let node = TestNode::start().await;
    let message = signed(&Message::from([("a", "1"), ("body", "hello")]), "httpsig@1.0");
    let answer = post(&node, "/a", &wire(&message)).await;
    assert_eq!((answer.status, answer.text()), (200, "1"));
    let ids = Commitment::all(&message).map(|one| one.id.to_text().into_owned());
    for id in ids.collect::<Vec<_>>() {
        assert_eq!(node.get(&format!("/{id}/body")).await.text(), "hello", "by {id}");
    }
}

#[actix_rt::test]
async fn what_was_not_signed_is_not_seen() {
    let node = TestNode::start().await;
    let mut wire = wire(&signed(&Message::from([("a", "1")]), "httpsig@1.0"));
    wire.headers.insert("b".into(), "2".into());
    assert_eq!(post(&node, "/b", &wire).await.status, 404);
}

#[actix_rt::test]
async fn a_changed_value_or_body_is_refused_and_nothing_is_kept() {
    let node = TestNode::start().await;
    let message = signed(&Message::from([("a", "1"), ("body", "hello")]), "httpsig@1.0");
    let id = commitment::signed_id(&message.clone().into()).unwrap();
    let mut forged = wire(&message);
    forged.headers.insert("a".into(), "2".into());
    let mut tampered = wire(&message);
    tampered.body = Some("hallo".into());
    for wire in [forged, tampered] {
        let answer = post(&node, "/a", &wire).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("does not hold"), "{}", answer.text());
    }
    assert_eq!(node.get(&format!("/{id}")).await.status, 404);
}

#[actix_rt::test]
async fn forged_json_and_data_items_are_refused_too() {
    let node = TestNode::start().await;
    let message = signed(&Message::from([("a", "1")]), "httpsig@1.0");
    let forged = message.with("a", "2");
    let json = Json { links: Links::Embed(&NoContent) }.encode(&forged.into()).unwrap();
    let head = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-type: application/json";
    let answer = node.send(head, json.as_bytes()).await;
    assert_eq!(answer.status, 400, "{}", answer.text());

    let rsa = Wallet::generate_rsa().unwrap();
    let request = CommitRequest { device: Some("ans104@1.0".into()), ..CommitRequest::default() };
    let message = Message::from([("a", "1"), ("data", "hello")]);
    let item = commitment::commit(&message, &request, &rsa, &NoContent).unwrap();
    let item = Ans104 { links: Links::Embed(&NoContent) }.encode(&item.into()).unwrap();
    let head = "POST /a HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\n\
                content-type: application/ans104";
    assert_eq!(node.send(head, &item).await.text(), "1");
    let mut forged = item.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(node.send(head, &forged).await.status, 400);
}

#[actix_rt::test]
async fn credentials_are_never_kept() {
    let node = TestNode::start().await;
    let message = signed(&Message::from([("a", "1"), ("authorization", "Basic x")]), "httpsig@1.0");
    let id = commitment::signed_id(&message.clone().into()).unwrap();
    assert_eq!(post(&node, "/a", &wire(&message)).await.text(), "1");
    assert_eq!(node.get(&format!("/{id}")).await.status, 404);
}
