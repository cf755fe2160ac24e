//! A client that writes bytes and reads them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use oxbeam_protocol::codec::{HttpMessage, HttpSig};
use oxbeam_protocol::{Key, Message, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// After which a test gives up.
const LIMIT: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// All that came before the body.
    pub(crate) head: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The other end may have had enough of it.
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends a head without its last line, and a body.
    pub(crate) async fn request(&mut self, head: &str, body: &[u8]) {
        let length = match body.is_empty() || head.contains("content-length") {
            true => String::new(),
            false => format!("content-length: {}\r\n", body.len()),
        };
        self.write(format!("{head}\r\n{length}\r\n").as_bytes()).await;
        self.write(body).await;
    }

    /// Posts a message. None if the node goes away before it has answered.
    pub(crate) async fn post(&mut self, target: &str, message: &HttpMessage) -> Option<Response> {
        let mut head = format!("POST {target} HTTP/1.1\r\nhost: x\r\naccept-bundle: true");
        for (name, value) in &message.headers {
            let value = std::str::from_utf8(value).unwrap();
            head.push_str(&format!("\r\n{}: {value}", name.to_text()));
        }
        self.request(&head, message.body.as_deref().unwrap_or_default()).await;
        loop {
            if let Some((response, length)) = parsed(&self.read, "POST") {
                self.read.drain(..length);
                return Some(response);
            }
            if self.more().await == 0 {
                return None;
            }
        }
    }

    /// Reads what comes up to the end of an answer. One to `HEAD` has no body.
    pub(crate) async fn response(&mut self) -> Response {
        self.response_to("").await
    }

    pub(crate) async fn response_to(&mut self, method: &str) -> Response {
        loop {
            if let Some((response, length)) = parsed(&self.read, method) {
                self.read.drain(..length);
                return response;
            }
            assert!(
                self.more().await > 0,
                "closed after {:?}",
                String::from_utf8_lossy(&self.read)
            );
        }
    }

    /// Reads until the other end closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        std::mem::take(&mut self.read)
    }

    /// The same, but no longer than this.
    pub(crate) async fn rest_within(&mut self, time: Duration) -> Vec<u8> {
        let _ = timeout(time, async { while self.more().await > 0 {} }).await;
        std::mem::take(&mut self.read)
    }

    /// Reads a little, time after time.
    pub(crate) async fn trickle(&mut self, times: usize, pause: Duration) {
        for _ in 0..times {
            self.more().await;
            actix_rt::time::sleep(pause).await;
        }
    }

    /// Reads up to a text, and that as well.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        loop {
            let found = self.read.windows(text.len()).position(|part| part == text.as_bytes());
            if let Some(at) = found {
                let read: Vec<u8> = self.read.drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&read).into_owned();
            }
            let read = String::from_utf8_lossy(&self.read).into_owned();
            assert!(self.more().await > 0, "closed after {read:?}");
        }
    }

    async fn more(&mut self) -> usize {
        let mut chunk = [0; 65_536];
        let size = timeout(LIMIT, self.stream.read(&mut chunk)).await.expect("nothing comes");
        let size = size.unwrap_or(0);
        self.read.extend_from_slice(&chunk[..size]);
        size
    }
}

fn parsed(bytes: &[u8], method: &str) -> Option<(Response, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let length = if method == "HEAD" { 0 } else { length };
    let body = Bytes::copy_from_slice(bytes.get(end..end + length)?);
    Some((Response { status, head, headers, body }, end + length))
}

impl Response {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The answer as a message.
    pub(crate) fn message(&self) -> Message {
        let of_transport = ["content-length", "date"];
        let headers = self.headers.iter().filter(|(name, _)| {
            !of_transport.contains(&name.as_str()) && !name.starts_with("access-control")
        });
        let headers =
            headers.map(|(name, value)| (Key::from(name.as_str()), value.clone().into())).collect();
        let wire = HttpMessage { headers, body: Some(self.body.clone()) };
        match HttpSig::decode(&wire).unwrap() {
            Value::Map(message) => message,
            other => panic!("no message: {other:?}"),
        }
    }
}
