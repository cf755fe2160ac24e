use oxbeam_kernel::Outcome;
use oxbeam_protocol::{Link, Message, Value, Wallet, commitment};

use crate::node::{TestNode, signed};

fn body(outcome: Outcome) -> Value {
    outcome.value.as_map().unwrap().get("body").unwrap().clone()
}

/// What a codec writes of a message.
async fn serialized(node: &TestNode, codec: &str, message: Message, bundle: bool) -> Outcome {
    let mut request = Message::from([("path", "serialize")]);
    if bundle {
        request.insert("bundle", true);
    }
    node.context().resolve(message.with("device", codec), request).await.unwrap()
}

fn nested() -> Message {
    Message::from([("a", "1")]).with("n", 2).with("m", Message::from([("x", "y")]))
}

#[actix_rt::test]
async fn json_links_what_is_nested_unless_it_is_bundled() {
    let node = TestNode::start().await;
    let linked = serialized(&node, "json@1.0", nested(), false).await;
    let kind = linked.value.as_map().unwrap().get("content-type").cloned();
    assert_eq!(kind, Some("application/json".into()));
    let id = commitment::signed_id(&Message::from([("x", "y")]).into()).unwrap();
    let text = format!(r#"{{"a":"1","device":"json@1.0","m+link":"{id}","n":2}}"#);
    assert_eq!(body(linked), text.into());
    let contents = node.node.contents().unwrap();
    assert!(contents.read(id).await.unwrap().is_some(), "what is linked can be fetched");
    let bundled = serialized(&node, "json@1.0", nested(), true).await;
    let text = r#"{"a":"1","device":"json@1.0","m":{"x":"y"},"n":2}"#;
    assert_eq!(body(bundled), text.into());
}

#[actix_rt::test]
async fn every_codec_reads_what_it_writes() {
    let node = TestNode::start().await;
    for codec in ["json@1.0", "flat@1.0", "ans104@1.0"] {
        let text = body(serialized(&node, codec, nested(), true).await);
        let base = Message::from([("device", codec)]).with("body", text);
        let read = node.context().resolve(base, Message::from([("path", "deserialize")])).await;
        let expected = nested().with("device", codec);
        assert_eq!(read.unwrap().value, expected.into(), "{codec}");
    }
}

#[actix_rt::test]
async fn what_cannot_be_read_is_refused_with_a_sentence() {
    let node = TestNode::start().await;
    for (codec, text) in [("json@1.0", "{"), ("ans104@1.0", "no item")] {
        let base = Message::from([("device", codec), ("body", text)]);
        let path = Message::from([("path", "deserialize")]);
        let read = node.context().resolve(base, path).await.unwrap();
        let refused = read.value.as_map().unwrap();
        assert_eq!(refused.get("status"), Some(&400.into()), "{codec}: {read:?}");
        assert!(refused.get("body").is_some());
    }
    let path = Message::from([("path", "deserialize")]);
    let read = node.context().resolve(Message::from([("device", "json@1.0")]), path).await;
    assert!(!read.unwrap().is_ok(), "there is nothing to read");
}

#[actix_rt::test]
async fn an_http_signature_travels_in_headers() {
    let node = TestNode::start().await;
    let wallet = Wallet::generate_secp256k1().unwrap();
    let message = signed(&Message::from([("a", "1"), ("device", "httpsig@1.0")]), &wallet);
    let ask = async |request| node.context().resolve(message.clone(), request).await.unwrap();
    let text = ask(Message::from([("path", "serialize")])).await.value;
    let text = String::from_utf8_lossy(text.as_bytes().unwrap()).into_owned();
    assert!(text.starts_with("a: 1\r\n") && text.ends_with("\r\n\r\n"), "{text}");
    let parts = ask(Message::from([("path", "serialize"), ("format", "components")])).await;
    let headers = parts.value.as_map().unwrap().get("headers").unwrap().as_map().unwrap().clone();
    assert!(headers.contains("signature-input") && headers.contains("signature"));
    let verify = Message::from([("path", "verify"), ("committers", "all")]);
    assert_eq!(ask(verify).await, Outcome::ok(true));
}

#[actix_rt::test]
async fn the_written_form_of_values_comes_and_goes() {
    let node = TestNode::start().await;
    let message = Message::from([("device", "structured@1.0")]).with("n", 7);
    let from = Message::from([("path", "from")]);
    let written = node.context().resolve(message.clone(), from).await.unwrap().value;
    assert_eq!(written.as_map().unwrap().get("n"), Some(&"7".into()));
    let read = node.context().resolve(written, Message::from([("path", "to")])).await;
    assert_eq!(read.unwrap(), Outcome::ok(message));
}

#[actix_rt::test]
async fn a_bundle_lacks_nothing() {
    let node = TestNode::start().await;
    let absent = Message::new().with("m", Link::from(oxbeam_protocol::Id::of(b"absent")));
    let base = absent.with("device", "json@1.0");
    let request = Message::from([("path", "serialize")]).with("bundle", true);
    let error = node.context().resolve(base, request).await.unwrap_err();
    assert_eq!(error.http_status(), 404);
}
