//! Line breaks in values: an answer stays one answer, with the headers that it has.

use crate::client::{Client, Response};
use crate::node::TestNode;

const BREAKS: &str = "1\r\nevil: yes\r\n\r\nHTTP/1.1 200 OK\r\nevil: again\r\n\r\n";
const ENCODED: &str = "1%0D%0Aevil:%20yes%0D%0A%0D%0AHTTP%2F1.1%20200%20OK";

fn is_whole(answer: &Response, request: &str) {
    let names = answer.headers.keys().map(String::as_str);
    let evil: Vec<&str> = names.filter(|name| name.contains("evil")).collect();
    assert!(evil.is_empty(), "{request}: {}", answer.head);
    let mut lines = answer.head.lines().skip(1).take_while(|line| !line.is_empty());
    assert!(lines.all(|line| line.contains(':') && !line.starts_with("evil")), "{}", answer.head);
}

/// Asks, and asks again on the same connection: what is left of a split answer would come first.
async fn ask(node: &TestNode, head: &str, body: &[u8]) -> Response {
    let mut client = Client::connect(node.address).await;
    client.request(head, body).await;
    let answer = client.response().await;
    is_whole(&answer, head);
    if answer.headers.get("connection").is_none_or(|word| word != "close") {
        client.request("GET /a?a=5 HTTP/1.1\r\nhost: x\r\naccept-bundle: true", b"").await;
        let next = client.response().await;
        assert_eq!((next.status, next.text()), (200, "5"), "after {head}");
    }
    answer
}

#[actix_rt::test]
async fn line_breaks_in_a_query_or_a_path_do_not_split_the_answer() {
    let node = TestNode::start().await;
    for target in [
        format!("/set?x={ENCODED}"),
        format!("/x?x={ENCODED}"),
        format!("/set?x{ENCODED}=1"),
        format!("/set?content-type={ENCODED}&body=b"),
        format!("/set?location={ENCODED}&status=302"),
        format!("/set?set-cookie={ENCODED}"),
        format!("/set?access-control-allow-origin={ENCODED}"),
        format!("/~message@1.0&x={ENCODED}/set?y=1"),
        format!("/{ENCODED}"),
        format!("/~{ENCODED}@1.0/x"),
    ] {
        for form in ["", "\r\naccept-bundle: true", "\r\naccept: application/json"] {
            ask(&node, &format!("GET {target} HTTP/1.1\r\nhost: x{form}"), b"").await;
        }
    }
}

#[actix_rt::test]
async fn line_breaks_in_json_do_not_split_the_answer_at_any_depth() {
    let node = TestNode::start().await;
    let json = serde_json::json!({
        "x": BREAKS,
        BREAKS: "x",
        "nested": { "deep": BREAKS, BREAKS: { "deeper": BREAKS } },
        "list": [BREAKS, { "k": BREAKS }],
        "priv": { "cookie": BREAKS },
    });
    let json = json.to_string();
    for path in ["/set?y=1", "/x", "/nested", "/nested/set?y=1", "/list", "/keys", "/nested/deep"] {
        for form in ["", "\r\naccept-bundle: true", "\r\naccept: application/json"] {
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json{form}");
            ask(&node, &head, json.as_bytes()).await;
        }
    }
}

#[actix_rt::test]
async fn line_breaks_in_headers_do_not_come_in() {
    let node = TestNode::start().await;
    for head in [
        "GET /x HTTP/1.1\r\nhost: x\r\nx: 1\revil: yes",
        "GET /x HTTP/1.1\r\nhost: x\r\nx: 1\nevil: yes",
        "GET /set?y=1 HTTP/1.1\r\nhost: x\r\nx: 1\r\n evil: yes",
        "GET /set?y=1 HTTP/1.1\r\nhost: x\r\naccess-control-request-headers: a\rb: c",
        "GET /\rx HTTP/1.1\r\nhost: x",
        "GET /set?y=1 HTTP/1.1\r\nhost: x\r\nao-types: x=\"a\r\nevil: yes\"",
    ] {
        let mut client = Client::connect(node.address).await;
        client.request(head, b"").await;
        let answer = client.response().await;
        // A line feed ends a header: what follows it was the client's own header then.
        let echoed = answer.status == 200 && head.contains("\nevil");
        assert!(echoed || answer.status < 500, "{head:?}: {}", answer.head);
        assert!(!answer.head.replace("\r\n", "").contains('\r'), "{}", answer.head);
    }
    assert_eq!(node.get("/a?a=5").await.text(), "5");
}
