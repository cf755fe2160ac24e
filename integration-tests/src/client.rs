//! An HTTP/1.1 client that sends exactly what it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use oxbeam_protocol::codec::{HttpMessage, HttpSig};
use oxbeam_protocol::{Key, Message, Value};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(120);

const TRANSPORT: [&str; 9] = [
    "connection",
    "content-length",
    "date",
    "incident",
    "retry-after",
    "server",
    "signature",
    "signature-input",
    "transfer-encoding",
];
/// How headers begin that tell browsers which other origins may read an answer.
pub const CORS: &str = "access-control-";

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Any method.
    pub method: String,
    /// What stands in the request line.
    pub target: String,
    /// Names and values in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; its length is said by a header, if there is one.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values, in the order in which they came.
    pub headers: Vec<(String, Bytes)>,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The value of a header; those of one name joined.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Bytes> {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        let values: Vec<&[u8]> = values.map(|(_, value)| &**value).collect();
        (!values.is_empty()).then(|| values.join(&b", "[..]).into())
    }

    /// The answer read as a message, headers of the connection included.
    ///
    /// # Errors
    /// It is none.
    pub fn message(&self) -> Result<Message> {
        let headers = self.headers.iter().map(|(name, value)| (Key::from(&**name), value.clone()));
        let body = Some(self.body.clone());
        match HttpSig::decode(&HttpMessage { headers: headers.collect(), body })? {
            Value::Map(message) => Ok(message),
            other => bail!("no map: {other:?}"),
        }
    }
}

/// Whether a header of an answer belongs to the connection or to the node, and to no message.
#[must_use]
pub fn is_transport(name: &str) -> bool {
    TRANSPORT.contains(&name) || name.starts_with(CORS)
}

/// Sends a request on a connection of its own and reads the answer.
///
/// # Errors
/// The connection fails, or what comes is no HTTP.
pub fn send(address: SocketAddr, request: &Request) -> Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(&written(request))?;
    let mut bytes = Vec::new();
    loop {
        if let Some(response) = read(&bytes, &request.method)? {
            return Ok(response);
        }
        let mut chunk = [0; 65_536];
        let size = stream.read(&mut chunk).context("the answer does not come")?;
        if size == 0 {
            bail!("the node broke the connection after {} bytes", bytes.len());
        }
        bytes.extend_from_slice(chunk.get(..size).unwrap_or_default());
    }
}

fn written(request: &Request) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let says_length =
        request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if !request.body.is_empty() && !says_length {
        text.push_str(&format!("content-length: {}\r\n", request.body.len()));
    }
    text.push_str("\r\n");
    [text.into_bytes(), request.body.clone()].concat()
}

/// The response, if all of it is there.
fn read(bytes: &[u8], method: &str) -> Result<Option<Response>> {
    let mut headers = [httparse::EMPTY_HEADER; 1024];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes)? else { return Ok(None) };
    let headers = head
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), Bytes::copy_from_slice(header.value)));
    let response = Response {
        status: head.code.context("no status")?,
        headers: headers.collect(),
        body: Bytes::new(),
    };
    let has_body = method != "HEAD" && !matches!(response.status, 204 | 304);
    let size = match response.header("content-length") {
        _ if !has_body => 0,
        Some(size) => std::str::from_utf8(&size)?.parse()?,
        None => bail!("an answer without a length"),
    };
    let body = bytes.get(length..length + size);
    Ok(body.map(|body| Response { body: Bytes::copy_from_slice(body), ..response }))
}
