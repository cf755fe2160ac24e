//! Requests that make no sense: each gets a sentence, and changes nothing.

use oxbeam_protocol::Message;

use crate::client::Client;
use crate::node::TestNode;
use crate::wire::{post, signed, stranger};

const JSON: &str = "content-type: application/json";
const ITEM: &str = "content-type: application/ans104";
const FORM: &str = "content-type: multipart/form-data; boundary=B";

/// Requests without a body that are the client's mistake.
const LINES: &[&str] = &[
    // Paths and queries.
    "GET /a?a+nosuchtype=1",
    "GET /a?a+integer=one",
    "GET /a?a+float=one",
    "GET /a?a+list=)(",
    "GET /a?a+map=)(",
    "GET /a?%25zz=1",
    "GET /%zz",
    "GET /)",
    "GET /(((((((a",
    "GET /a?9.a=1",
    "GET /a?99999999999999999999999.a=1",
    "GET /a?-1.a=1",
    // Ids.
    "GET /AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
    "GET /!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
    "GET /AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/a",
    // Devices.
    "POST /~scheduler@1.0/schedule",
    "GET /~scheduler@1.0/schedule?target=short",
    "GET /~scheduler@1.0/slot?target=short",
    "PUT /~scheduler@1.0/schedule",
    "DELETE /~scheduler@1.0/schedule",
    "POST /~scheduler@1.0/location",
    "GET /~cache@1.0/read",
    "GET /~json@1.0/deserialize",
    "GET /PROCESS/schedule?from=one",
    "GET /PROCESS/compute?slot=one",
    "GET /PROCESS/compute&slot=one",
    "GET /PROCESS/compute?slot=-1",
    "GET /PROCESS/compute?slot=99999999999999999999999",
    "GET /PROCESS/compute?slot=7",
    "POST /PROCESS/push?slot=one",
    "POST /PROCESS/push?slot=-1",
    "POST /PROCESS/push?slot=7",
    "POST /PROCESS/push?slot=0&result-depth=deep",
    "PUT /PROCESS/schedule",
];

/// A request line without its version, a header, a body.
type Case = (&'static str, &'static str, &'static [u8]);

const CASES: &[Case] = &[
    ("POST /a", JSON, b"{"),
    ("POST /a", JSON, b"[1]"),
    ("POST /a", JSON, br#""text""#),
    ("POST /a", JSON, br#"{"a":1,}"#),
    ("POST /a", JSON, b"\xff\xfe"),
    ("POST /a", JSON, br#"{"a+integer":"one"}"#),
    ("POST /a", JSON, br#"{"ao-types":"a=\"integer\"","a":"one"}"#),
    ("POST /a", JSON, br#"{"commitments":7}"#),
    ("POST /a", JSON, br#"{"commitments":{"x":{"commitment-device":"httpsig@1.0"}}}"#),
    ("POST /a", FORM, b"x"),
    ("POST /a", FORM, b"--B\r\ncontent-disposition: form-data\r\n\r\nx\r\n--B--"),
    ("POST /a", FORM, b"--B\r\nno colon\r\n\r\nx"),
    ("POST /a", "content-type: multipart/form-data", b"x"),
    ("POST /a", ITEM, b"x"),
    ("POST /a", ITEM, &[0; 2000]),
    ("POST /a", "codec-device: nosuch@1.0", b"x"),
    ("POST /a", "ao-types: a=", b"x"),
    ("POST /a", "signature-input: a=(", b"x"),
    ("POST /a", "signature: a=:!!:\r\nsignature-input: a=(\"b\");keyid=\"x\"", b"x"),
    ("POST /a", "content-digest: sha-256=:AAAA:", b"x"),
    ("GET /a", "accept-bundle: maybe", b""),
    ("GET /a", "accept: nosuch@1.0", b""),
    ("POST /~scheduler@1.0/schedule", JSON, br#"{"target":"short"}"#),
    ("POST /~scheduler@1.0/schedule", JSON, br#"{"type":"Process"}"#),
    ("POST /~cache@1.0/write", "", b"x"),
    ("POST /PROCESS/schedule", "", b"unsigned"),
];

/// What the reference node is recorded to answer with 500, and so this one does.
const RECORDED_500: &[&str] = &[
    "GET /~nosuch@1.0/a",
    "GET /a%20b",
    "GET /?x=1",
    "GET /~scheduler@1.0/slot",
    "GET /~scheduler@1.0/schedule",
    "GET /PROCESS/as?as=nosuch",
];

#[actix_rt::test]
async fn a_malformed_request_gets_a_sentence_and_changes_nothing() {
    let node = TestNode::start().await;
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "echo@1.0"),
        ("scheduler", node.node.address()),
    ]);
    let definition = signed(&definition, &stranger());
    assert_eq!(post(&node, "/~scheduler@1.0/schedule", &definition).await.status, 200);
    let process = oxbeam_protocol::commitment::signed_id(&definition.into()).unwrap().to_string();
    let before = node.get("/~meta@1.0/info").await.message();
    let bare = |lines: &[&'static str]| -> Vec<Case> {
        lines.iter().map(|line| (*line, "", &b""[..])).collect()
    };
    let mut wrong = Vec::new();
    for (class, cases) in [(4, [&bare(LINES), CASES].concat()), (5, bare(RECORDED_500))] {
        for (line, header, body) in cases {
            let head = format!("{} HTTP/1.1\r\nhost: x", line.replace("PROCESS", &process));
            let header = if header.is_empty() { String::new() } else { format!("\r\n{header}") };
            let answer = node.send(&format!("{head}{header}"), body).await;
            let text = String::from_utf8_lossy(&answer.body);
            if answer.status / 100 != class || !text.trim().contains(' ') {
                let body = String::from_utf8_lossy(body);
                wrong.push(format!("{line} {header:?} {body:?}: {} {text:.200}", answer.status));
            }
            assert_eq!(node.get("/a?a=5").await.text(), "5", "after {line}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let slot = node.get(&format!("/{process}/slot/current")).await;
    assert_eq!(slot.text(), "0", "nothing was scheduled");
    let after = node.get("/~meta@1.0/info").await.message();
    assert_eq!(after.without(&["commitments"]), before.without(&["commitments"]));
}

#[actix_rt::test]
async fn what_is_nested_without_end_is_refused() {
    let node = TestNode::start().await;
    let deep = 100_000;
    let json = ["{\"a\":".repeat(deep), "1".to_owned(), "}".repeat(deep)].concat();
    let lists = ["{\"a\":", &"[".repeat(deep), &"]".repeat(deep), "}"].concat();
    let key = format!("{{\"{}\":1}}", "a/".repeat(5000));
    for body in [json, lists, key] {
        let head = format!("POST /b HTTP/1.1\r\nhost: x\r\n{JSON}");
        let answer = node.send(&head, body.as_bytes()).await;
        assert!((400..500).contains(&answer.status), "{} {:.200}", answer.status, answer.text());
    }
    for path in
        [format!("/{}", "a/".repeat(5000)), "(".repeat(5000), format!("/{}a", "(".repeat(5000))]
    {
        let answer = node.send(&format!("GET {path} HTTP/1.1\r\nhost: x"), b"").await;
        assert!((400..500).contains(&answer.status), "{:.50}: {}", path, answer.status);
    }
    assert_eq!(node.get("/a?a=5").await.text(), "5");
}

#[actix_rt::test]
async fn what_is_no_http_is_answered_or_ended() {
    let node = TestNode::start().await;
    for bytes in [
        &b"\x00\x01\x02\x03\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut client = Client::connect(node.address).await;
        client.write(bytes).await;
        let rest = client.rest().await;
        assert!(
            rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"),
            "{}",
            String::from_utf8_lossy(&rest)
        );
        assert_eq!(node.get("/a?a=5").await.text(), "5");
    }
}

#[actix_rt::test]
async fn what_is_no_http_gets_a_sentence_on_any_turn_of_a_connection() {
    let node = TestNode::start().await;
    let wrong = [
        "GET /a HTTP/1.1\r\nhost: x\r\na: \0asm\r\n\r\n".to_owned(),
        "GET /a HTTP/1.1\r\nhost: x\r\na: b\nc\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        // A head that ends is the node's to refuse, if all of it came at once.
        format!("GET /a HTTP/1.1\r\nhost: x\r\na: {}", "x".repeat(200_000)),
    ];
    for (wrong, status) in wrong.iter().zip([400, 400, 400, 431]) {
        for turns in 0..3 {
            let mut client = Client::connect(node.address).await;
            for _ in 0..turns {
                client.request("GET /a?a=5 HTTP/1.1\r\nhost: x", b"").await;
                assert_eq!(client.response().await.text(), "5");
            }
            client.write(wrong.as_bytes()).await;
            let answer = client.response().await;
            assert_eq!(answer.status, status, "{wrong:.50?} after {turns}");
            assert!(answer.text().contains("header"), "{}", answer.text());
            assert_eq!(client.rest().await, b"", "the connection ends");
        }
    }
}
