use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use oxbeam_gateway::http::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::TestNode;

/// Sends a request over HTTP/2, known to be understood.
async fn get(node: &TestNode, target: &str) -> (http::response::Parts, Vec<u8>) {
    let stream = TcpStream::connect(node.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let asked = async move {
        let uri = format!("http://node.test{target}");
        let request = Request::get(uri).version(Version::HTTP_2).header("accept-bundle", "true");
        let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        let (head, mut body) = answer.await.unwrap().into_parts();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk: Bytes = chunk.unwrap();
            body.flow_control().release_capacity(chunk.len()).unwrap();
            bytes.extend_from_slice(&chunk);
        }
        (head, bytes)
    };
    tokio::select! {
        answered = asked => answered,
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

#[actix_rt::test]
async fn the_same_port_speaks_http_2() {
    let node = TestNode::start().await;
    let (head, body) = get(&node, "/a?a=5").await;
    assert_eq!((head.status.as_u16(), &*body), (200, &b"5"[..]));
    assert!(head.headers.contains_key("signature"));
    let (_, host) = get(&node, "/host").await;
    assert_eq!(host, b"node.test");
}

#[actix_rt::test]
async fn keys_with_capitals_travel_in_the_body() {
    let node = TestNode::start().await;
    let (head, body) = get(&node, "/~message@1.0&Name=1/set?y=1").await;
    assert_eq!(head.status.as_u16(), 200);
    let content_type = head.headers["content-type"].to_str().unwrap();
    assert!(content_type.starts_with("multipart/form-data"), "{content_type}");
    assert!(String::from_utf8_lossy(&body).contains("name=\"Name\"\r\n\r\n1"));
}

#[actix_rt::test]
async fn a_body_that_stops_is_given_up_and_its_stream_reset() {
    let body_pause = Duration::from_millis(100);
    let node = TestNode::limited(Limits { body_pause, ..Limits::default() }).await;
    let stream = TcpStream::connect(node.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let asked = async move {
        let request = Request::post("http://node.test/a").version(Version::HTTP_2);
        let (answer, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
        body.send_data(Bytes::from_static(b"half"), false).unwrap();
        let status = answer.await.unwrap().status().as_u16();
        let reset = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
        (status, reset.is_ok())
    };
    tokio::select! {
        answered = asked => assert_eq!(answered, (408, true)),
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

#[actix_rt::test]
async fn whoever_opens_no_window_is_cut_and_gives_back_what_he_held() {
    let write_time = Duration::from_millis(200);
    let limits = Limits { write_time, requests: 1, ..Limits::default() };
    let node = TestNode::limited(limits).await;
    let stream = TcpStream::connect(node.address).await.unwrap();
    let mut settings = h2::client::Builder::new();
    settings.initial_window_size(0);
    let (mut client, connection) = settings.handshake::<_, Bytes>(stream).await.unwrap();
    let asked = async move {
        let request = Request::get("http://node.test/a?a=5").version(Version::HTTP_2);
        let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        let (head, mut body) = answer.await.unwrap().into_parts();
        assert_eq!(head.status.as_u16(), 200);
        let next = body.data().await;
        assert!(matches!(next, None | Some(Err(_))), "{next:?}");
    };
    let ((), _) = tokio::join!(asked, connection);
    // The only place of a request is free again, as soon as the node has let go of the connection.
    let mut status = 503;
    while status == 503 {
        status = node.get("/a?a=5").await.status;
    }
    assert_eq!(status, 200);
}

#[actix_rt::test]
async fn a_connection_may_begin_in_pieces() {
    let node = TestNode::start().await;
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (preface, settings) = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for piece in [&preface[..5], &preface[5..], &settings] {
        stream.write_all(piece).await.unwrap();
        assert_eq!(node.get("/a?a=5").await.text(), "5", "meanwhile");
    }
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "settings, and no status of HTTP/1.1: {frame:?}");
}
