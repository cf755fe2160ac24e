//! Requests that the node passes on, to real servers of this machine.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use actix_rt::time::timeout;
use oxbeam_kernel::Answer;
use oxbeam_protocol::commitment::committers;
use oxbeam_protocol::{List, Message, Value, Wallet};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::node::{TestNode, signed};

/// A server that answers every connection with the same bytes, and shows what it was sent.
struct Server {
    url: String,
    requests: UnboundedReceiver<String>,
}

impl Server {
    fn new(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = unbounded_channel();
        let answer = answer.into();
        thread::spawn(move || {
            // Those that are never answered stay open.
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = vec![0; 65_536];
                let size = stream.read(&mut request).unwrap();
                let _ = sender.send(String::from_utf8_lossy(&request[..size]).into_owned());
                stream.write_all(&answer).unwrap();
                if answer.is_empty() {
                    silent.push(stream);
                }
            }
        });
        Self { url, requests }
    }

    fn saying(head: &str, body: &str) -> Self {
        let length = body.len();
        let text =
            format!("HTTP/1.1 {head}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        Self::new(text)
    }

    async fn request(&mut self) -> String {
        timeout(Duration::from_secs(10), self.requests.recv()).await.expect("no request").unwrap()
    }
}

async fn open() -> TestNode {
    TestNode::with(Message::from([("relay_networks", "any")])).await
}

async fn relay(node: &TestNode, path: &str) -> Answer {
    let request = Message::from([("path", "/~relay@1.0/call"), ("method", "GET")]);
    node.answer(request.with("relay-path", path.to_owned())).await
}

fn said(answer: &Answer) -> String {
    let body = answer.message.get("body").and_then(Value::as_name);
    String::from_utf8_lossy(body.map_or(&[][..], |body| body)).into_owned()
}

#[actix_rt::test]
async fn the_answer_of_a_server_is_the_nodes_with_its_code() {
    let node = open().await;
    let ok = Server::saying("200 OK\r\nx-up: 1\r\nset-cookie: a=b\r\nserver: x\r\n", "hello");
    let answer = relay(&node, &format!("{}/a?b=c", ok.url)).await;
    assert_eq!((answer.status, said(&answer).as_str()), (200, "hello"), "{answer:?}");
    assert!(answer.message.get("x-up").unwrap().is_name("1"));
    assert!(answer.message.get("content-length").unwrap().is_name("5"));
    assert!(!answer.message.contains("set-cookie"), "of this node nobody else sets cookies");
    assert!(!answer.message.contains("server"));
    for (head, code) in [("201 Created\r\n", 201), ("404 No\r\n", 404), ("503 No\r\n", 503)] {
        let server = Server::saying(head, "x");
        assert_eq!(relay(&node, &server.url).await.status, code);
    }
}

#[actix_rt::test]
async fn keys_of_the_request_are_headers_and_those_of_the_connection_are_not() {
    let node = open().await;
    let mut server = Server::saying("200 OK\r\n", "");
    let request = Message::from([
        ("path", "/~relay@1.0/call"),
        ("method", "POST"),
        ("body", "given"),
        ("x-mine", "1"),
        ("transfer-encoding", "chunked"),
        ("host", "another.example"),
        ("connection", "upgrade"),
    ]);
    let answer = node.answer(request.with("relay-path", format!("{}/p", server.url))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let request = server.request().await.to_lowercase();
    assert!(request.starts_with("post /p http/1.1\r\n"), "{request}");
    assert!(
        request.contains("\r\nx-mine: 1\r\n") && request.ends_with("\r\n\r\ngiven"),
        "{request}"
    );
    assert!(request.contains("\r\ncontent-length: 5\r\n"), "{request}");
    for not in ["another.example", "transfer-encoding", "upgrade"] {
        assert!(!request.contains(not), "{not} in {request}");
    }
}

#[actix_rt::test]
async fn nothing_is_sent_to_addresses_that_are_not_public() {
    let node = TestNode::start().await;
    let mut server = Server::saying("200 OK\r\n", "secret");
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "me@127.0.0.1",
    ] {
        let answer = relay(&node, &format!("http://{host}:{port}/")).await;
        let literal = host != "localhost";
        assert_eq!(answer.status, if literal { 403 } else { 500 }, "{host}: {answer:?}");
    }
    assert_eq!(relay(&node, "ftp://example.org/").await.status, 500, "no route leads there");
    assert!(server.requests.try_recv().is_err(), "something was sent");
}

#[actix_rt::test]
async fn a_redirect_is_shown_and_not_followed() {
    let mut inner = Server::saying("200 OK\r\n", "secret");
    let head = format!("302 Found\r\nlocation: {}/\r\n", inner.url);
    let outer = Server::saying(&head, "");
    let route = Message::from([("template", "/out")]).with("node", outer.url.clone());
    let node =
        TestNode::with(Message::new().with("routes", List::from_iter([Value::from(route)]))).await;
    let answer = relay(&node, "/out").await;
    assert_eq!(answer.status, 302, "{answer:?}");
    assert!(answer.message.get("location").unwrap().is_name(&format!("{}/", inner.url)));
    assert!(inner.requests.try_recv().is_err(), "the redirect was followed");
}

#[actix_rt::test]
async fn a_route_of_the_operator_leads_where_a_url_of_a_stranger_does_not() {
    let mut server = Server::saying("200 OK\r\n", "routed");
    let rule = Message::from([("match", "^/up")]).with("with", server.url.clone());
    let route = Message::from([("template", "^/up/.*")]).with("node", rule);
    let node =
        TestNode::with(Message::new().with("routes", List::from_iter([Value::from(route)]))).await;
    let answer = relay(&node, "/up/a?b").await;
    assert_eq!((answer.status, said(&answer).as_str()), (200, "routed"), "{answer:?}");
    assert!(server.request().await.starts_with("GET /a?b "));
    assert_eq!(relay(&node, &format!("{}/a", server.url)).await.status, 403);
    assert_eq!(relay(&node, "/elsewhere").await.status, 500);
    let escaping = relay(&node, "/up/../..//@127.0.0.1/").await;
    assert_eq!(escaping.status, 200, "whatever the path says, the server is the route's");
}

#[actix_rt::test]
async fn size_time_and_number_are_bounded() {
    let limits = Message::from([("relay_networks", "any")]).with("relay_max_bytes", 4);
    let node = TestNode::with(limits.with("relay_timeout", 300)).await;
    let large = Server::saying("200 OK\r\n", "12345");
    let answer = relay(&node, &large.url).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(said(&answer).contains("more than 4 bytes"), "{answer:?}");
    let silent = Server::new("");
    assert_eq!(relay(&node, &silent.url).await.status, 504);

    let none = Message::from([("relay_networks", "any")]).with("relay_max_requests", 0);
    let node = TestNode::with(none).await;
    assert_eq!(relay(&node, &large.url).await.status, 503);
}

#[actix_rt::test]
async fn a_cast_is_answered_before_the_server_answers() {
    let node = open().await;
    let mut silent = Server::new("");
    let request = Message::from([("path", "/~relay@1.0/cast"), ("method", "GET")]);
    let answer = node.answer(request.with("relay-path", silent.url.clone())).await;
    assert_eq!((answer.status, said(&answer).as_str()), (200, "OK"));
    assert!(silent.request().await.starts_with("GET / "));
}

#[actix_rt::test]
async fn the_node_signs_for_others_only_if_its_operator_says_so() {
    let mut server = Server::saying("200 OK\r\n", "");
    let wants = |path: &str| {
        let request = Message::from([("path", "/~relay@1.0/call"), ("method", "GET")]);
        request.with("relay-path", path.to_owned()).with("relay-commit-request", true)
    };
    let node = open().await;
    assert_eq!(node.answer(wants(&server.url)).await.status, 500);
    let options =
        Message::from([("relay_networks", "any"), ("relay_allow_commit_request", "true")]);
    let node = TestNode::with(options).await;
    assert_eq!(node.answer(wants(&server.url)).await.status, 200);
    let request = server.request().await.to_lowercase();
    assert!(request.contains("\r\nsignature: ") && request.contains("\"relayed\""), "{request}");
}

#[actix_rt::test]
async fn what_the_node_has_signed_for_others_is_no_order_of_its_own() {
    let node = TestNode::start().await;
    let change =
        Message::from([("path", "/~meta@1.0/info"), ("method", "POST"), ("custom-x", "1")]);
    let answer = node.answer_own(change.clone().with("relayed", "true")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(node.answer_own(change).await.status, 200);
}

#[actix_rt::test]
async fn a_signature_of_the_server_stays() {
    let node = open().await;
    let somebody = Wallet::generate_secp256k1().unwrap();
    let message = signed(&Message::from([("a", "1")]), &somebody);
    let links = oxbeam_protocol::codec::Links::Embed(&oxbeam_protocol::NoContent);
    let wire = oxbeam_protocol::codec::HttpSig { links }.encode(&message.into()).unwrap();
    let mut head = "200 OK\r\n".to_owned();
    for (name, value) in &wire.headers {
        let value = String::from_utf8_lossy(value);
        head.push_str(&format!("{}: {value}\r\n", name.to_text()));
    }
    let forged = head.replace("a: 1", "a: 2");
    let server = Server::saying(&head, "");
    let answer = relay(&node, &server.url).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let by: Vec<_> =
        committers(&answer.message).iter().map(|by| by.to_text().into_owned()).collect();
    assert_eq!(by, [somebody.address().to_string()]);
    let server = Server::saying(&forged, "");
    let answer = relay(&node, &server.url).await;
    assert_eq!(answer.status, 500, "{answer:?}");
}
