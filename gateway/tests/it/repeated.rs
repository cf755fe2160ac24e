//! Writes that are sent again with the same `idempotency-key`.

use bytes::Bytes;
use oxbeam_protocol::codec::{Ans104, Links};
use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Message, NoContent, Wallet};

use crate::client::Response;
use crate::node::TestNode;
use crate::processes::{definition, spawn};

fn item(message: &Message, by: &Wallet) -> Bytes {
    let device = Some(Bytes::from_static(b"ans104@1.0"));
    let request = CommitRequest { device, ..CommitRequest::default() };
    let signed = commitment::commit(message, &request, by, &NoContent).unwrap();
    Ans104 { links: Links::Embed(&NoContent) }.encode(&signed.into()).unwrap()
}

async fn post(node: &TestNode, target: &str, key: &str, body: &[u8]) -> Response {
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\n\
         content-type: application/ans104\r\nidempotency-key: {key}"
    );
    let answer = node.send(&head, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

#[actix_rt::test]
async fn a_repeated_write_answers_with_its_slot_whatever_its_path() {
    let node = TestNode::start().await;
    let owner = Wallet::generate_rsa().unwrap();
    let process = spawn(&node, &owner, "p").await;
    for (expected, path) in [("1", "push"), ("2", "schedule")] {
        let message = Message::from([("type", "Message"), ("target", &process), ("data", path)]);
        let target = format!("/{process}~process@1.0/{path}");
        let first = item(&message, &owner);
        let again = item(&message, &owner);
        assert_ne!(first, again, "signed anew, with another salt");
        for body in [&first, &first, &again] {
            let slot = post(&node, &target, "one", body).await.headers["slot"].clone();
            assert_eq!(slot, expected, "{path}");
        }
    }
    let message = Message::from([("type", "Message"), ("target", &process), ("data", "push")]);
    let target = format!("/{process}~process@1.0/push");
    let other = post(&node, &target, "other", &item(&message, &owner)).await;
    assert_eq!(other.headers["slot"], "3", "another key, another slot");
}

#[actix_rt::test]
async fn a_repeated_spawn_is_the_process_that_there_is() {
    let node = TestNode::start().await;
    let owner = Wallet::generate_secp256k1().unwrap();
    let body = item(&definition(&node, "q"), &owner);
    let spawned = post(&node, "/push", "one", &body).await;
    let again = post(&node, "/push", "one", &body).await;
    assert_eq!(again.headers["process"], spawned.headers["process"]);
    assert_eq!([&*spawned.headers["slot"], &*again.headers["slot"]], ["0", "0"]);
    let slot = node.get(&format!("/{}/slot/current", spawned.headers["process"])).await;
    assert_eq!(slot.text(), "0");
}
