use oxbeam_protocol::codec::{Ans104, Json, Links};
use oxbeam_protocol::commitment::{self, CommitRequest, Commitment};
use oxbeam_protocol::{Message, NoContent, Wallet};

use crate::node::TestNode;
use crate::wire::{post, post_wire, signed, stranger, wire};

#[actix_rt::test]
async fn a_signed_request_is_believed_and_kept() {
    let node = TestNode::start().await;
    let message = signed(&Message::from([("a", "1"), ("body", "hello")]), &stranger());
    let answer = post(&node, "/a", &message).await;
    assert_eq!((answer.status, answer.text()), (200, "1"));
    let ids = Commitment::all(&message).map(|one| one.id.to_text().into_owned());
    for id in ids.collect::<Vec<_>>() {
        assert_eq!(node.get(&format!("/{id}/body")).await.text(), "hello", "by {id}");
    }
}

#[actix_rt::test]
async fn what_was_not_signed_is_not_seen() {
    let node = TestNode::start().await;
    let mut wire = wire(&signed(&Message::from([("a", "1")]), &stranger()));
    wire.headers.insert("b".into(), "2".into());
    assert_eq!(post_wire(&node, "/b", &wire).await.status, 404);
}

#[actix_rt::test]
async fn a_changed_value_or_body_is_refused_and_nothing_is_kept() {
    let node = TestNode::start().await;
    let message = signed(&Message::from([("a", "1"), ("body", "hello")]), &stranger());
    let id = commitment::signed_id(&message.clone().into()).unwrap();
    let mut forged = wire(&message);
    forged.headers.insert("a".into(), "2".into());
    let mut tampered = wire(&message);
    tampered.body = Some("hallo".into());
    for wire in [forged, tampered] {
        let answer = post_wire(&node, "/a", &wire).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("does not hold"), "{}", answer.text());
    }
    assert_eq!(node.get(&format!("/{id}")).await.status, 404);
}

#[actix_rt::test]
async fn forged_json_and_data_items_are_refused_too() {
    let node = TestNode::start().await;
    let message = signed(&Message::from([("a", "1")]), &stranger());
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
    let message = signed(&Message::from([("a", "1"), ("authorization", "Basic x")]), &stranger());
    let id = commitment::signed_id(&message.clone().into()).unwrap();
    assert_eq!(post(&node, "/a", &message).await.text(), "1");
    assert_eq!(node.get(&format!("/{id}")).await.status, 404);
}
