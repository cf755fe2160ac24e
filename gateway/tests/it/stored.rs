//! What is kept stays as it was signed, whatever is asked of it.

use oxbeam_protocol::commitment::{self, COMMITMENTS, CommitRequest};
use oxbeam_protocol::{Key, Message, NoContent, Value};

use crate::node::TestNode;
use crate::wire::{
    commitments, committed, over, post, post_json, post_wire, signed, stranger, wire,
};

const CACHE_CONTROLS: [&str; 6] =
    ["always", "store", "no-store", "no-cache", "only-if-cached", "always, max-age=0"];

/// What is read under an id, without what the answer says of itself.
async fn read(node: &TestNode, id: &str) -> Message {
    let answer = node.get(&format!("/{id}")).await;
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    answer.message().without(&["status"])
}

#[actix_rt::test]
async fn what_is_laid_over_a_stored_message_is_not_stored_in_its_place() {
    let node = TestNode::start().await;
    let nested = Message::from([("deep", "1")]);
    let message = Message::from([("a", "1"), ("body", "hello")]).with("nested", nested);
    let bundle = CommitRequest { bundle: true, ..CommitRequest::default() };
    for message in [signed(&message, &stranger()), committed(&message, &stranger(), bundle)] {
        assert_eq!(post(&node, "/a", &message).await.text(), "1");
        let own = commitments(&message);
        let ids: Vec<String> = own.keys().map(|id| id.to_text().into_owned()).collect();
        let before = read(&node, &ids[0]).await;
        assert_eq!(before.get("a"), Some(&"1".into()));
        for id in &ids {
            overlay(&node, id).await;
        }
        for id in &ids {
            let after = read(&node, id).await;
            assert_eq!(after, before, "by {id}");
            commitment::verify_all(&after, &NoContent).unwrap();
            assert_eq!(commitments(&after).keys().count(), ids.len(), "exactly its own");
        }
    }
}

async fn overlay(node: &TestNode, id: &str) {
    for path in [
        format!("/{id}~message@1.0&a=2/a"),
        format!("/{id}~message@1.0&a=2&body=evil/set?z=1"),
        format!("/{id}~message@1.0&a=2"),
        format!("/{id}&a=2"),
        format!("/{id}/set?a=2&nested=evil"),
        format!("/{id}/nested/set?deep=2"),
        format!("/{id}/set?commitments=none"),
        format!("/{id}/remove?item=a"),
        format!("/{id}/set-path?value=evil"),
        format!("/{id}~test-device@1.0&a=2/init"),
        format!("/{id}~message@1.0&device+atom=evil&a+integer=2/a"),
    ] {
        for control in CACHE_CONTROLS {
            for method in ["GET", "POST"] {
                let head = format!(
                    "{method} {path} HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\n\
                     cache-control: {control}"
                );
                node.send(&head, b"").await;
            }
        }
    }
}

#[actix_rt::test]
async fn the_name_of_a_message_is_not_what_its_sender_says() {
    let node = TestNode::start().await;
    let victim = signed(&Message::from([("a", "1")]), &stranger());
    assert_eq!(post(&node, "/a", &victim).await.text(), "1");
    let ids: Vec<Key> = commitments(&victim).keys().cloned().collect();
    let chosen = Key::from("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA");
    for name in ids.iter().chain([&chosen]) {
        let mac = Message::from([
            ("commitment-device", "httpsig@1.0"),
            ("type", "hmac-sha256"),
            ("keyid", "constant:ao"),
        ]);
        let keys = [Value::from("a")].into_iter().collect::<Value>();
        let text = Value::Bytes(name.to_bytes());
        let mac = mac.with("signature", text).with("committed", keys);
        let forged = Message::from([("a", "evil")]);
        // Alone, and beside a signature, with which the message would be kept.
        for forged in [forged.clone(), signed(&forged, &stranger())] {
            let claims = commitments(&forged).with(name.clone(), mac.clone());
            let forged = forged.with(COMMITMENTS, claims);
            let answer = post_json(&node, "/a", &forged).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            assert!(answer.text().contains("does not hold"), "{}", answer.text());
        }
    }
    for id in ids {
        assert_eq!(node.get(&format!("/{}/a", id.to_text())).await.text(), "1");
    }
    assert_eq!(node.get(&format!("/{}", chosen.to_text())).await.status, 404);
}

#[actix_rt::test]
async fn what_is_not_signed_is_not_kept() {
    let node = TestNode::start().await;
    let unsigned = CommitRequest { kind: Some("unsigned".into()), ..over(&["a"]) };
    let named = committed(&Message::from([("a", "1")]), &stranger(), unsigned);
    assert_eq!(post_json(&node, "/a", &named).await.text(), "1");
    for id in commitments(&named).keys() {
        assert_eq!(node.get(&format!("/{}", id.to_text())).await.status, 404);
    }
}

#[actix_rt::test]
async fn a_key_as_long_as_an_id_is_no_message_and_never_believed_unsigned() {
    let node = TestNode::start().await;
    let other = signed(&Message::from([("a", "other")]), &stranger());
    post(&node, "/a", &other).await;
    let id = commitment::signed_id(&other.into()).unwrap().to_string();
    for key in ["k".repeat(32), "k".repeat(42), "k".repeat(43), id] {
        let asked = node.get(&format!("/~message@1.0&{key}=mine/{key}")).await;
        assert_eq!(asked.text(), "mine", "{key}");

        let message = signed(&Message::from([("a", "1")]), &stranger());
        let own = commitment::signed_id(&message.clone().into()).unwrap();
        let mut more = wire(&message);
        more.headers.insert(key.to_ascii_lowercase().into(), "evil".into());
        let ids = format!("a=\"evil\", {key}=\"evil\"");
        let mut grouped = wire(&message);
        grouped.headers.insert("ao-ids".into(), ids.into());
        for forged in [more, grouped] {
            let answer = post_wire(&node, "/a", &forged).await;
            assert!(answer.status == 400 || answer.text() == "1", "{}", answer.text());
            assert_ne!(post_wire(&node, &format!("/keys/{key}"), &forged).await.text(), "evil");
        }
        let json = message.with(key.as_str(), "evil");
        assert_eq!(post_json(&node, "/a", &json).await.text(), "1", "{key}");
        let kept = read(&node, &own.to_string()).await;
        assert!(!kept.contains(key.as_str()) && kept.get("a") == Some(&"1".into()));

        // No signature carries it alone, so one that says so does not hold.
        let claims = signed(&Message::from([(key.as_str(), "mine"), ("a", "1")]), &stranger());
        assert_eq!(post(&node, "/a", &claims).await.status, 400, "{key}");
    }
}

#[actix_rt::test]
async fn a_device_is_what_the_node_has_and_nothing_else_of_that_name() {
    let node = TestNode::start().await;
    for path in [
        "/halt?device+atom=init",
        "/cmd?device+atom=os",
        "/~message@1.0&device+atom=erlang/halt",
        "/~message@1.0&device+atom=hb_message/commit",
        "/~message@1.0&device+integer=7/a",
        "/~message@1.0&device+list=%22os%22/cmd",
        "/~message@1.0&device=os/cmd",
        "/~os/cmd",
    ] {
        let answer = node.get(path).await;
        assert!(answer.status >= 400, "{path}: {}", answer.text());
        assert!(!answer.headers.contains_key("incident") || answer.text().contains("device"));
        assert_eq!(node.get("/a?a=5").await.text(), "5", "after {path}");
    }
}
