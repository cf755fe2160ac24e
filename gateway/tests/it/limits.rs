use std::time::Duration;

use oxbeam_gateway::http::Limits;

use crate::client::Client;
use crate::node::TestNode;

const WAIT: &str = "GET /~gated@1.0/wait HTTP/1.1\r\nhost: x\r\naccept-bundle: true";

#[actix_rt::test]
async fn a_value_of_64_kib_fits_into_a_header() {
    let node = TestNode::start().await;
    let value = "x".repeat(65_536);
    let head = format!("GET /big HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\nbig: {value}");
    let answer = node.send(&head, b"").await;
    assert_eq!((answer.status, answer.body.len()), (200, 65_536));
}

#[actix_rt::test]
async fn a_head_past_its_limit_is_refused() {
    let node = TestNode::start().await;
    let value = "x".repeat(140_000);
    let head = format!("GET /big HTTP/1.1\r\nhost: x\r\nbig: {value}");
    assert_eq!(node.send(&head, b"").await.status, 431);
    let many: String = (0..200).map(|number| format!("\r\nh{number}: 1")).collect();
    assert_eq!(node.send(&format!("GET /x HTTP/1.1\r\nhost: x{many}"), b"").await.status, 431);
}

#[actix_rt::test]
async fn a_body_past_its_limit_is_refused_before_and_while_it_comes() {
    let node = TestNode::limited(Limits { body: 1000, ..Limits::default() }).await;
    let mut client = Client::connect(node.address).await;
    client.request("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1001", b"").await;
    assert_eq!(client.response().await.status, 413, "nothing of it has come");

    let mut client = Client::connect(node.address).await;
    client.request("POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked", b"").await;
    client.write(format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001)).as_bytes()).await;
    assert_eq!(client.response().await.status, 413);
    let fitting = node.send("POST /body HTTP/1.1\r\nhost: x", &[b'x'; 1000]).await;
    assert_eq!(fitting.body.len(), 1000);
}

#[actix_rt::test]
async fn a_connection_on_which_nothing_comes_is_closed() {
    let head_time = Duration::from_millis(100);
    let node = TestNode::limited(Limits { head_time, ..Limits::default() }).await;
    for begin in ["", "PRI * HT"] {
        let mut client = Client::connect(node.address).await;
        client.write(begin.as_bytes()).await;
        assert_eq!(client.rest().await, b"", "after {begin:?}");
    }
}

#[actix_rt::test]
async fn one_client_leaves_connections_to_others() {
    let node = TestNode::limited(Limits { connections_of_client: 2, ..Limits::default() }).await;
    let ask = "GET /a?a=5 HTTP/1.1\r\nhost: x";
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(node.address).await;
        client.request(ask, b"").await;
        assert_eq!(client.response().await.text(), "5");
        clients.push(client);
    }
    let mut third = Client::connect(node.address).await;
    third.request(ask, b"").await;
    assert_eq!(third.rest().await, b"", "it is hung up on");
    drop(clients.pop());
    // The node learns of it soon.
    loop {
        let mut next = Client::connect(node.address).await;
        next.request(ask, b"").await;
        if next.rest_within(Duration::from_millis(50)).await.starts_with(b"HTTP/1.1 200") {
            break;
        }
    }
}

#[actix_rt::test]
async fn bodies_that_take_too_much_memory_together_are_refused() {
    let node = TestNode::limited(Limits { bodies: 4096, ..Limits::default() }).await;
    let answer = node.send("POST /body HTTP/1.1\r\nhost: x", &[b'x'; 5000]).await;
    assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (503, "1"));
    assert!(answer.headers.contains_key("incident"));
    assert_eq!(node.send("POST /body HTTP/1.1\r\nhost: x", &[b'x'; 4000]).await.status, 200);
}

/// Sends half a request. Answers with all that came until the node closed the connection.
async fn stalled(node: &TestNode, head: &str, half: &[u8]) -> String {
    let mut client = Client::connect(node.address).await;
    client.write(format!("{head}\r\n\r\n").as_bytes()).await;
    client.write(half).await;
    String::from_utf8(client.rest().await).unwrap()
}

#[actix_rt::test]
async fn a_body_that_stops_is_given_up_and_its_connection_closed() {
    let limits = Limits {
        body_pause: Duration::from_millis(100),
        write_time: Duration::from_millis(500),
        ..Limits::default()
    };
    let node = TestNode::limited(limits).await;
    let with_length = stalled(&node, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10", b"half");
    let chunked = "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
    let in_chunks = stalled(&node, chunked, b"a\r\nhalf");
    for answer in [with_length.await, in_chunks.await] {
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[actix_rt::test]
async fn who_is_turned_away_in_the_middle_of_a_body_cannot_keep_the_connection() {
    let write_time = Duration::from_millis(500);
    let limits = Limits { requests: 0, write_time, ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let chunked = "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
    let answer = stalled(&node, chunked, b"a\r\nhalf").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[actix_rt::test]
async fn a_head_that_does_not_end_is_given_up() {
    let limits = Limits { head_time: Duration::from_millis(200), ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let mut client = Client::connect(node.address).await;
    client.write(b"GET /a HTTP/1.1\r\nhost: ").await;
    let answer = client.response().await;
    assert_eq!(answer.status, 408);
    assert_eq!(answer.text(), "the request did not come in time");
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert!(client.rest().await.is_empty(), "the connection is closed");
}

#[actix_rt::test]
async fn a_head_that_does_not_end_is_given_up_behind_one_that_was_answered() {
    let time = Duration::from_millis(200);
    let limits = Limits { head_time: time, write_time: time, ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let mut client = Client::connect(node.address).await;
    client.request("GET /a?a=5 HTTP/1.1\r\nhost: x", b"").await;
    assert_eq!(client.response().await.text(), "5");
    client.write(b"GET /a HTTP/1.1\r\nhost: ").await;
    assert_eq!(client.rest().await, b"", "the connection is cut");
    // A piece that came before the answer to the request before it was out.
    let limits =
        Limits { keep_alive: time, head_time: time, write_time: time, ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let mut client = Client::connect(node.address).await;
    client.write(b"GET /a?a=5 HTTP/1.1\r\nhost: x\r\n\r\nGET /a HTTP/1.1\r\nhost: ").await;
    assert_eq!(client.response().await.text(), "5");
    assert_eq!(client.rest().await, b"", "the connection is cut");
}

#[actix_rt::test]
async fn requests_past_the_limit_are_told_to_come_again() {
    let node = TestNode::limited(Limits { requests: 1, ..Limits::default() }).await;
    let mut client = Client::connect(node.address).await;
    client.request(WAIT, b"").await;
    node.gated.reaches(1).await;
    let answer = node.get("/a?a=5").await;
    assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (503, "1"));
    node.gated.open.notify_one();
    assert_eq!(client.response().await.text(), "opened");
    assert_eq!(node.get("/a?a=5").await.text(), "5");
}

#[actix_rt::test]
async fn one_client_cannot_take_all() {
    let node = TestNode::limited(Limits { requests_of_client: 1, ..Limits::default() }).await;
    let mut client = Client::connect(node.address).await;
    client.request(WAIT, b"").await;
    node.gated.reaches(1).await;
    let answer = node.get("/a?a=5").await;
    assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (429, "1"));
    node.gated.open.notify_one();
    assert_eq!(client.response().await.text(), "opened");
    assert_eq!(node.get("/a?a=5").await.text(), "5");
}

#[actix_rt::test]
async fn what_is_computed_for_a_client_ends_when_it_goes_away() {
    let node = TestNode::start().await;
    let mut client = Client::connect(node.address).await;
    client.request(WAIT, b"").await;
    node.gated.reaches(1).await;
    drop(client);
    node.gated.reaches(0).await;
}

/// More than lies between a server that has written and a client that has not read.
const LONG: usize = 32 << 20;

/// Asks for a long answer, and reads its head.
async fn asked_for_long(node: &TestNode) -> Client {
    let mut client = Client::connect(node.address).await;
    let head = "POST /body HTTP/1.1\r\nhost: x\r\naccept-bundle: true\r\nconnection: close";
    client.request(head, &vec![b'x'; LONG]).await;
    let head = client.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    client
}

#[actix_rt::test]
async fn who_does_not_read_an_answer_keeps_a_place_and_its_room() {
    for limits in [
        Limits { requests: 1, ..Limits::default() },
        Limits { bodies: LONG + 4096, ..Limits::default() },
    ] {
        let node = TestNode::limited(limits).await;
        let mut client = asked_for_long(&node).await;
        let body = [b'x'; 10_000];
        assert_eq!(node.send("POST /body HTTP/1.1\r\nhost: x", &body).await.status, 503);
        assert_eq!(client.rest().await.len(), LONG);
        assert_eq!(node.send("POST /body HTTP/1.1\r\nhost: x", &body).await.status, 200);
    }
}

#[actix_rt::test]
async fn who_reads_an_answer_too_slowly_is_cut() {
    let write_time = Duration::from_secs(1);
    let limits = Limits { write_time, answer_rate: usize::MAX, ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let mut client = asked_for_long(&node).await;
    client.trickle(15, Duration::from_millis(100)).await;
    assert!(client.rest().await.len() < LONG);
}
