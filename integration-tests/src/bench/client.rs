//! A connection that sends one request after another. HTTP/1.1, as little of it as a node needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use oxbeam_protocol::codec::HttpMessage;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A kept connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP code.
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(host: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(host).with_context(|| format!("failed to reach {host}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), host })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The connection breaks, or what comes is no HTTP.
    pub fn send(&mut self, method: &str, target: &str, message: &HttpMessage) -> Result<Reply> {
        let body = message.body.clone().unwrap_or_default();
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.host).into_bytes();
        for (name, value) in &message.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        head.extend_from_slice(&body);
        self.stream.get_mut().write_all(&head)?;
        self.reply(method == "HEAD")
    }

    fn reply(&mut self, bodiless: bool) -> Result<Reply> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("no status line: {first:?}"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').context("a header without a colon")?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, headers, body: Bytes::new() };
        if bodiless || matches!(status, 204 | 304) {
            return Ok(reply);
        }
        reply.body = if reply.header("transfer-encoding") == Some("chunked") {
            self.chunks()?
        } else {
            let length = reply.header("content-length").context("a body of unknown length")?;
            self.exactly(length.parse()?)?
        };
        Ok(reply)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line)? == 0 {
            bail!("the node closed the connection");
        }
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    fn exactly(&mut self, length: usize) -> Result<Bytes> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body.into())
    }

    fn chunks(&mut self) -> Result<Bytes> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let length = line.split(';').next().unwrap_or_default();
            let length = usize::from_str_radix(length.trim(), 16)?;
            body.extend_from_slice(&self.exactly(length)?);
            self.line()?;
            if length == 0 {
                return Ok(body.into());
            }
        }
    }
}
