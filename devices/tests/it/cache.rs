use oxbeam_kernel::Answer;
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Atom, Id, Message, Value, Wallet};
use oxbeam_store::Persist;

use crate::node::TestNode;

fn request(path: &str, keys: &[(&str, &str)]) -> Message {
    keys.iter().copied().collect::<Message>().with("path", path)
}

async fn read(node: &TestNode, target: &str) -> Answer {
    node.answer(request("/~cache@1.0/read", &[("target", target)])).await
}

#[actix_rt::test]
async fn what_a_writer_writes_is_read_by_its_hash() {
    let node = TestNode::start().await;
    let body = "some data";
    let written = node.answer_own(request("/~cache@1.0/write", &[("body", body)])).await;
    let path = format!("data/{}", Id::of(body.as_bytes()));
    assert_eq!(written.status, 200, "{written:?}");
    assert_eq!(written.message.get("path"), Some(&path.as_str().into()));
    for device in ["cache@1.0", "lookup@1.0"] {
        let target = [("target", path.as_str())];
        let answer = node.answer(request(&format!("/~{device}/read"), &target)).await;
        assert_eq!(answer.message.get("body"), Some(&body.into()), "{device}");
    }
    assert_eq!(read(&node, "nothing-here").await.status, 404);
    assert_eq!(read(&node, "").await.status, 404);
}

#[actix_rt::test]
async fn others_do_not_write() {
    let node = TestNode::start().await;
    let stranger = Wallet::generate_secp256k1().unwrap();
    let write = request("/~cache@1.0/write", &[("body", "x")]);
    let link = request("/~cache@1.0/link", &[("source", "a"), ("destination", "b")]);
    for answer in [node.answer(write.clone()).await, node.answer_signed(write, &stranger).await] {
        assert_eq!(answer.status, 403);
        let sentence = "Not authorized to write to the cache.";
        assert_eq!(answer.message.get("body"), Some(&sentence.into()));
    }
    let answer = node.answer_signed(link, &stranger).await;
    assert_eq!(answer.status, 200);
    let word = Atom::from_static("not_authorized");
    assert_eq!(answer.message.get("body"), Some(&word.into()));
    assert_eq!(read(&node, &format!("data/{}", Id::of(b"x"))).await.status, 404);
}

#[actix_rt::test]
async fn the_configured_writers_write() {
    let writer = Wallet::generate_secp256k1().unwrap();
    let writers: Value = [Value::from(writer.address().to_string())].into_iter().collect();
    let node = TestNode::with(Message::new().with("cache_writers", writers)).await;
    let write = request("/~cache@1.0/write", &[("body", "x")]);
    assert_eq!(node.answer_signed(write.clone(), &writer).await.status, 200);
    assert_eq!(node.answer_own(write).await.status, 403);
}

#[actix_rt::test]
async fn a_malformed_write_is_refused_with_a_sentence() {
    let node = TestNode::start().await;
    let says = |answer: &Answer, sentence: &str| {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.message.get("body"), Some(&sentence.into()));
    };
    let write = |keys: &[(&str, &str)]| request("/~cache@1.0/write", keys);
    says(&node.answer_own(write(&[("nobody", "x")])).await, "No body to write.");
    let message = write(&[]).with("body", Message::from([("k", "v")]));
    says(&node.answer_own(message).await, "Invalid write type.");
    let unknown = write(&[("body", "x"), ("type", "other")]);
    says(&node.answer_own(unknown).await, "Invalid write type.");
}

#[actix_rt::test]
async fn a_batch_writes_the_body_of_each_entry() {
    let node = TestNode::start().await;
    let entries = Message::new()
        .with("1", Message::from([("body", "one")]))
        .with("2", Message::from([("body", "two")]));
    let batch = request("/~cache@1.0/write", &[("type", "batch")]).with("body", entries);
    assert_eq!(node.answer_own(batch).await.status, 200);
    for body in ["one", "two"] {
        let answer = read(&node, &format!("data/{}", Id::of(body.as_bytes()))).await;
        assert_eq!(answer.message.get("body"), Some(&body.into()));
    }
}

#[actix_rt::test]
async fn a_link_leads_to_what_it_names_and_hides_no_id() {
    let node = TestNode::start().await;
    let message = Message::from([("k", "v")]);
    let contents = node.node.contents().unwrap();
    let id =
        contents.keep(&crate::node::proven(&message), Persist::Buffered).await.unwrap().to_string();
    let link = |destination: &str| {
        request("/~cache@1.0/link", &[("source", &id), ("destination", destination)])
    };
    assert_eq!(node.answer_own(link("my/name")).await.status, 200);
    assert_eq!(read(&node, "my/name").await.message.get("k"), Some(&"v".into()));
    assert_eq!(read(&node, "my/name/k").await.message.get("body"), Some(&"v".into()));
    let other = Id::of(b"other");
    assert_eq!(node.answer_own(link(&other.to_string())).await.status, 400);
    assert_eq!(node.answer_own(link(&format!("data/{other}"))).await.status, 400);
}

#[actix_rt::test]
async fn a_key_of_a_message_is_read_as_the_store_has_it() {
    let node = TestNode::start().await;
    let message =
        Message::from([("a", "stored")]).with("n", 7).with("deep", Message::from([("x", "y")]));
    let contents = node.node.contents().unwrap();
    let id = contents.keep(&crate::node::proven(&message), Persist::Buffered).await.unwrap();
    assert_eq!(read(&node, &format!("{id}/a")).await.message.get("body"), Some(&"stored".into()));
    assert_eq!(read(&node, &format!("{id}/n")).await.message.get("body"), Some(&"7".into()));
    assert_eq!(read(&node, &format!("{id}/deep")).await.status, 404);
    assert_eq!(read(&node, &format!("{id}/absent")).await.status, 404);
    assert_eq!(read(&node, &id.to_string()).await.message.get("n"), Some(&7.into()));
}

#[actix_rt::test]
async fn a_message_is_read_in_the_legacy_form() {
    let node = TestNode::start().await;
    let message = Message::from([("data", "hello"), ("action", "Eval"), ("target", "T")]);
    let signed = node.node.sign(message, None).await.unwrap();
    let id = signed_id(&signed.clone().into()).unwrap();
    node.node
        .contents()
        .unwrap()
        .keep(&crate::node::proven(&signed), Persist::Synced)
        .await
        .unwrap();
    let request = Message::from([("accept", "application/aos-2")]).with("target", id.to_string());
    let read = request.with("path", "/~cache@1.0/read");
    let answer = node.answer(read).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.message.get("content-type"), Some(&"application/aos-2".into()));
    let body = answer.message.get("body").and_then(|body| body.as_bytes()).unwrap();
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!((&body["Data"], &body["Target"]), (&"hello".into(), &"T".into()));
    assert_eq!(body["Owner"], node.node.address());
    assert_eq!(body["Id"], id.to_string());
    let action = serde_json::json!({ "name": "Action", "value": "Eval" });
    assert!(body["Tags"].as_array().unwrap().contains(&action), "{body}");
}
