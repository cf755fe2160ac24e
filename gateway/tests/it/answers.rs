use oxbeam_kernel::{NodeMessage, Settings, Signing};
use oxbeam_protocol::commitment::{authenticate, committers};
use oxbeam_protocol::{Key, Message, NoContent};

use crate::client::Client;
use crate::node::TestNode;

#[actix_rt::test]
async fn an_answer_is_signed_by_the_node() {
    let node = TestNode::start().await;
    let answer = node.get("/a?a=5").await;
    assert_eq!((answer.status, answer.text()), (200, "5"));
    let believed = authenticate(&answer.message(), &NoContent).unwrap();
    assert_eq!(committers(&believed), [Key::from(node.node.address())]);
    assert_eq!(believed.get("body"), Some(&"5".into()));
}

#[actix_rt::test]
async fn a_node_that_signs_on_request_signs_when_it_is_asked_to() {
    let settings = Settings { signing: Signing::OnRequest, ..Settings::default() };
    let configuration = NodeMessage { settings, ..NodeMessage::default() };
    let node = TestNode::with(Default::default(), configuration).await;
    assert!(!node.get("/a?a=5").await.headers.contains_key("signature"));
    let head = "GET /a?a=5 HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\naccept-signature: a=()";
    assert!(node.send(head, b"").await.headers.contains_key("signature"));
}

#[actix_rt::test]
async fn a_line_break_in_a_value_never_becomes_a_header() {
    let node = TestNode::start().await;
    let answer = node.get("/~message@1.0&a=1/set?x=1%250D%250Aevil:%2520yes").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.head.contains("evil"), "{}", answer.head);
    let believed = authenticate(&answer.message(), &NoContent).unwrap();
    assert_eq!(believed.get("x"), Some(&"1\r\nevil: yes".into()), "it is in the body, signed");
}

#[actix_rt::test]
async fn what_belongs_to_the_connection_is_not_echoed_into_it() {
    let node = TestNode::start().await;
    let head = "GET /~message@1.0&a=1&transfer-encoding=chunked&content-length=7/set?y=1 HTTP/1.1\r\n\
                host: x\r\naccept-bundle: true";
    let answer = node.send(head, b"").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.headers.contains_key("transfer-encoding"), "{}", answer.head);
    let lengths = answer.head.lines().filter(|line| line.starts_with("content-length:"));
    assert_eq!(lengths.count(), 1, "{}", answer.head);
    assert_eq!(answer.message().get("transfer-encoding"), Some(&"chunked".into()));
}

#[actix_rt::test]
async fn keys_with_capitals_keep_them() {
    let node = TestNode::start().await;
    let answer = node.get("/~message@1.0&Name=1/set?y=1").await;
    let believed = authenticate(&answer.message(), &NoContent).unwrap();
    assert_eq!(believed.get("Name"), Some(&"1".into()), "{}", answer.head);
}

#[actix_rt::test]
async fn head_has_the_headers_and_no_body() {
    let node = TestNode::start().await;
    let mut client = Client::connect(node.address).await;
    client.request("HEAD /a?a=5 HTTP/1.1\r\nhost: x\r\naccept-bundle: true", b"").await;
    let answer = client.response_to("HEAD").await;
    assert_eq!((answer.status, answer.headers["ao-result"].as_str()), (200, "body"));
    client.request("GET /a?a=6 HTTP/1.1\r\nhost: x\r\naccept-bundle: true", b"").await;
    assert_eq!(client.response().await.text(), "6", "the connection goes on");
}

#[actix_rt::test]
async fn parameters_of_a_media_type_do_not_hide_it() {
    let node = TestNode::start().await;
    let head = "POST /a/b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json; charset=utf-8\r\n\
                accept: application/json;q=0.9, text/plain";
    let answer = node.send(head, br#"{"a":{"b":7}}"#).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/json"));
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["body"], 7);
}

#[actix_rt::test]
async fn a_form_that_nobody_writes_is_not_acceptable() {
    let node = TestNode::start().await;
    let head = "GET /a?a=5 HTTP/1.1\r\nhost: x\r\naccept: nothing@1.0";
    assert_eq!(node.send(head, b"").await.status, 406);
    let head = "POST /a HTTP/1.1\r\nhost: x\r\ncodec-device: nothing@1.0";
    assert_eq!(node.send(head, b"x").await.status, 415);
}

#[actix_rt::test]
async fn a_node_learns_where_its_peer_is_reached() {
    let node = TestNode::start().await;
    let head = "GET /ao-peer HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\nao-peer-port: 4711";
    assert_eq!(node.send(head, b"").await.text(), "127.0.0.1:4711");
    let head = "GET /ao-peer HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\nao-peer-port: 4711\r\n\
                x-real-ip: ::1";
    assert_eq!(node.send(head, b"").await.text(), "[::1]:4711");
}

#[actix_rt::test]
async fn cookies_are_no_keys() {
    let node = TestNode::start().await;
    let head = "GET /keys HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\ncookie: secret-x=y";
    let answer = node.send(head, b"").await;
    assert!(!answer.message().iter().any(|(_, value)| value.is_name("cookie")));
    assert!(!answer.head.contains("secret-x"));
}

#[actix_rt::test]
async fn a_browser_gets_pages() {
    let node = TestNode::start().await;
    let missing = node.send("GET /foo HTTP/1.1\r\nhost: x", b"").await;
    assert_eq!((missing.status, missing.headers["content-type"].as_str()), (404, "text/html"));
    assert!(!missing.headers.contains_key("signature"));
    let failed = node.send("GET /~nosuch%3Cb%3E@1.0/foo HTTP/1.1\r\nhost: x", b"").await;
    assert_eq!(failed.status, 500);
    assert!(failed.text().contains("&lt;b&gt;") && !failed.text().contains("<b>"));
}

#[actix_rt::test]
async fn a_panic_is_an_incident_and_leaves_others_alone() {
    let node = TestNode::start().await;
    let answer = node.get("/~gated@1.0/panic").await;
    assert_eq!((answer.status, answer.headers["incident"].len()), (500, 8));
    assert_eq!(node.get("/a?a=5").await.text(), "5");
}

#[actix_rt::test]
async fn what_the_client_did_wrong_has_a_sentence_and_no_incident() {
    let node = TestNode::start().await;
    for (head, body) in [
        ("GET /a HTTP/1.1\r\nhost: x\r\naccept-bundle: maybe", &b""[..]),
        ("POST /a HTTP/1.1\r\nhost: x\r\ncontent-type: application/json", b"[1]"),
        ("POST /a HTTP/1.1\r\nhost: x\r\ncontent-type: application/json", b"{"),
        ("POST /a HTTP/1.1\r\nhost: x\r\ncontent-type: application/ans104", b"x"),
        ("POST /a HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=B", b"x"),
        ("GET /a?%25zz=1 HTTP/1.1\r\nhost: x", b""),
        ("GET /a HTTP/1.1\r\nhost: x\r\nao-types: a=", b""),
    ] {
        let answer = node.send(head, body).await;
        assert_eq!(answer.status, 400, "{head}");
        assert!(answer.text().contains(' ') && !answer.headers.contains_key("incident"), "{head}");
    }
}

#[actix_rt::test]
async fn the_root_leads_to_where_the_node_says() {
    let message = Message::from([("default_request", "/~meta@1.0/info")]);
    let configuration = NodeMessage { message, ..NodeMessage::default() };
    let node = TestNode::with(Default::default(), configuration).await;
    let answer = node.send("GET / HTTP/1.1\r\nhost: x", b"").await;
    assert_eq!((answer.status, answer.headers["location"].as_str()), (302, "/~meta@1.0/info"));
}
