use oxbeam_kernel::Outcome;
use oxbeam_protocol::commitment::{self, COMMITMENTS, committers, verify_all};
use oxbeam_protocol::{Link, List, Message, NoContent, Value, Wallet};
use oxbeam_store::Persist;

use crate::node::{TestNode, signed};

fn list(texts: &[&'static str]) -> Value {
    texts.iter().map(|text| Value::from_static(text)).collect()
}

#[actix_rt::test]
async fn a_key_is_looked_up() {
    let node = TestNode::start().await;
    let message = Message::new().with("a", Message::from([("b", "1")]));
    assert_eq!(node.run("/a/b", message.clone()).await.unwrap(), Outcome::ok("1"));
    assert_eq!(node.run("/a/c", message).await.unwrap(), Outcome::not_found());
}

#[actix_rt::test]
async fn an_answer_says_its_status() {
    let node = TestNode::start().await;
    let answer = node.node.answer(Message::from([("path", "/a"), ("a", "5")])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.message,
        Message::from([("ao-result", "body"), ("body", "5")]).with("status", 200)
    );
}

#[actix_rt::test]
async fn bare_words_of_a_path_remove_nothing() {
    let node = TestNode::start().await;
    let removed = |path: &'static str| node.run(path, Message::new());
    let bare = removed("/~message@1.0&a=1&b=2/remove&items+list=a,b/keys").await.unwrap();
    assert_eq!(bare, Outcome::ok(list(&["a", "b", "device"])));
    let quoted = r#"/~message@1.0&a=1&b=2/remove&items+list="\"a\",\"b\""/keys"#;
    assert_eq!(removed(quoted).await.unwrap(), Outcome::ok(list(&["device"])));
}

#[actix_rt::test]
async fn setting_merges_into_what_lies_elsewhere() {
    let node = TestNode::start().await;
    let nested = Message::from([("x", "1")]);
    let contents = node.node.contents().unwrap();
    let id = contents.keep(&crate::node::proven(&nested), Persist::Buffered).await.unwrap();
    let base = Message::new().with("m", Link::from(id));
    let request = Message::new().with("path", "set").with("m", Message::from([("y", "2")]));
    let set = node.context().resolve(base.clone(), request).await.unwrap();
    let merged = Message::from([("x", "1"), ("y", "2")]);
    assert_eq!(set, Outcome::ok(Message::new().with("m", merged)));
    let request = Message::from([("path", "set"), ("other", "2")]);
    let set = node.context().resolve(base.clone(), request).await.unwrap();
    assert_eq!(set, Outcome::ok(base.with("other", "2")), "the rest is not loaded");
}

#[actix_rt::test]
async fn a_changed_path_that_was_signed_drops_the_signatures() {
    let node = TestNode::start().await;
    let wallet = Wallet::generate_secp256k1().unwrap();
    let base = signed(&Message::from([("path", "a"), ("k", "v")]), &wallet);
    let to = |value: &'static str| Message::from([("path", "set-path"), ("value", value)]);
    let same = node.context().resolve(base.clone(), to("a")).await.unwrap();
    assert!(same.value.as_map().unwrap().contains(COMMITMENTS));
    let other = node.context().resolve(base, to("b")).await.unwrap();
    assert!(!other.value.as_map().unwrap().contains(COMMITMENTS));
}

#[actix_rt::test]
async fn signers_ids_and_covered_keys_are_told() {
    let node = TestNode::start().await;
    let wallet = Wallet::generate_secp256k1().unwrap();
    let message = signed(&Message::from([("a", "1"), ("b", "2")]), &wallet);
    let ask = async |request: Message| {
        node.context().resolve(message.clone(), request).await.unwrap().value
    };
    let path = |path: &'static str| Message::from([("path", path)]);
    let by = [Value::from(wallet.address().to_string())].into_iter().collect::<List>();
    assert_eq!(ask(path("committers")).await, by.clone().into());
    let value = Value::from(message.clone());
    let unsigned = commitment::unsigned_id(&value).unwrap().to_string();
    assert_eq!(ask(path("id")).await, unsigned.into());
    let id = commitment::signed_id(&value).unwrap().to_string();
    assert_eq!(ask(path("id").with("committers", "all")).await, id.into());
    assert_eq!(ask(path("committed").with("committers", by)).await, list(&["a", "b"]));
    // The commitments of the request itself select nothing.
    let own = message.get(COMMITMENTS).unwrap().clone();
    assert_eq!(ask(path("verify").with("commitments", own)).await, true.into());
}

#[actix_rt::test]
async fn a_changed_message_does_not_verify() {
    let node = TestNode::start().await;
    let wallet = Wallet::generate_secp256k1().unwrap();
    let message = signed(&Message::from([("a", "1")]), &wallet);
    let all = Message::from([("path", "verify"), ("committers", "all")]);
    let verify =
        async |message: Message| node.context().resolve(message, all.clone()).await.unwrap().value;
    assert_eq!(verify(message.clone()).await, true.into());
    assert_eq!(verify(message.with("a", "2")).await, false.into());
}

#[actix_rt::test]
async fn a_target_of_the_request_is_meant_instead_of_the_base() {
    let node = TestNode::start().await;
    let wallet = Wallet::generate_secp256k1().unwrap();
    let other = signed(&Message::from([("a", "1")]), &wallet);
    let request = |target: &'static str| {
        let request = Message::from([("path", "committers"), ("target", target)]);
        request.with("it", other.clone())
    };
    let ask = async |request: Message| node.context().resolve(Message::new(), request).await;
    let by: Value = [Value::from(wallet.address().to_string())].into_iter().collect();
    assert_eq!(ask(request("it")).await.unwrap(), Outcome::ok(by.clone()));
    assert_eq!(ask(request("self")).await.unwrap(), Outcome::ok(List::default()));
    let body = request("absent").with("body", other.clone());
    assert_eq!(ask(body).await.unwrap(), Outcome::ok(by));
    assert!(ask(request("absent")).await.is_err());
}

#[actix_rt::test]
async fn the_node_signs_for_its_operator_and_for_nobody_else() {
    let operator = Wallet::generate_secp256k1().unwrap();
    let address = operator.address().to_string();
    let node = TestNode::with(Message::from([("operator", address.as_str())])).await;
    let request = Message::from([("path", "/~message@1.0&x=1/commit"), ("z", "1")]);
    let answer = node.answer_signed(request.clone(), &operator).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    verify_all(&answer.message.clone().without(&["status"]), &NoContent).unwrap();
    assert_eq!(committers(&answer.message), [node.node.address()]);

    let stranger = Wallet::generate_secp256k1().unwrap();
    for answer in [
        node.answer(request.clone()).await,
        node.answer_signed(request.clone(), &stranger).await,
        node.answer_own(request).await,
    ] {
        assert_eq!(answer.status, 403, "{answer:?}");
        let sentence = "This node signs messages for its operator only.";
        assert_eq!(answer.message.get("body"), Some(&sentence.into()));
    }
}

#[actix_rt::test]
async fn a_signature_that_leaves_the_path_open_does_not_ask_for_another() {
    let operator = Wallet::generate_secp256k1().unwrap();
    let address = operator.address().to_string();
    let node = TestNode::with(Message::from([("operator", address.as_str())])).await;
    let seen = signed(&Message::from([("action", "transfer")]), &operator);
    let seen = node.node.authenticate(seen).await.unwrap().into_message();
    let elsewhere = seen.with("path", "/~message@1.0&x=forged/commit");
    assert_eq!(node.node.answer(elsewhere).await.status, 403);
}

#[actix_rt::test]
async fn a_claimed_signer_is_not_believed() {
    let operator = Wallet::generate_secp256k1().unwrap();
    let address = operator.address().to_string();
    let node = TestNode::with(Message::from([("operator", address.as_str())])).await;
    let claim = Message::new().with("id", Message::from([("committer", address.as_str())]));
    let contents = node.node.contents().unwrap();
    let id = contents.keep(&crate::node::proven(&claim), Persist::Buffered).await.unwrap();
    let path = format!("/~message@1.0&x=1/commit&commitments=(/{id})");
    let answer = node.answer(Message::from([("path", path.as_str())])).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    // Neither is a request of the operator's that somebody else has led to this place.
    let commit = signed(&Message::from([("path", "commit")]), &operator);
    let id = contents.keep(&crate::node::proven(&commit), Persist::Buffered).await.unwrap();
    let path = format!("/~message@1.0&x=1/(/{id}/set)");
    let answer = node.answer(Message::from([("path", path.as_str())])).await;
    assert_ne!(answer.status, 200, "{answer:?}");
}

#[actix_rt::test]
async fn an_answer_of_the_node_is_no_request_of_its_own() {
    let node = TestNode::start().await;
    let request = Message::from([("path", "/~message@1.0&x=1/commit")]);
    assert_eq!(node.answer_own(request.clone()).await.status, 200);
    assert_eq!(node.answer_own(request.clone().with("status", 200)).await.status, 403);
    assert_eq!(node.answer_own(request.with("from-process", "p")).await.status, 403);
}

#[actix_rt::test]
async fn the_index_is_a_page_of_the_node_or_of_the_configured_device() {
    let node = TestNode::start().await;
    let index = node.run("/index", Message::from([("k", "<v>")])).await.unwrap().value;
    let page = index.as_map().unwrap();
    assert_eq!(page.get("content-type"), Some(&"text/html".into()));
    let body = page.get("body").and_then(Value::as_bytes).unwrap();
    assert!(String::from_utf8_lossy(body).contains("<td>&lt;v&gt;</td>"));

    let configured = Message::from([("default_index", "test-device@1.0")]);
    let node = TestNode::with(configured).await;
    let index = node.run("/index", Message::from([("name", "dogs")])).await.unwrap().value;
    assert_eq!(index.as_map().unwrap().get("body"), Some(&"i like dogs!".into()));

    let absent = Message::from([("default_index", "absent@1.0")]);
    let node = TestNode::with(absent).await;
    assert!(node.run("/index", Message::new()).await.unwrap().is_ok());
}
