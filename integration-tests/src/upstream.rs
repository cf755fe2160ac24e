//! The plain HTTP server that scenarios ask through the node. `vectors/README.md` says what it answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long a request may take to come.
const LIMIT: Duration = Duration::from_secs(10);
/// Largest request, in bytes.
const MAX_REQUEST: usize = 1 << 20;

/// A server that answers as long as the program runs: it ends with the process that runs the vectors.
#[derive(Debug, Clone, Copy)]
pub struct Upstream {
    address: SocketAddr,
}

/// A request as it came.
struct Received {
    method: String,
    target: String,
    body: Vec<u8>,
}

impl Upstream {
    /// A server on a free port of this machine.
    ///
    /// # Errors
    /// There is no port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Whoever breaks off gets no answer.
                thread::spawn(move || serve(stream));
            }
        });
        Ok(Self { address })
    }

    /// Its base URL.
    #[must_use]
    pub fn url(self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let received = receive(&mut stream)?;
    stream.write_all(&answer(&received))?;
    Ok(())
}

fn receive(stream: &mut TcpStream) -> Result<Received> {
    let mut bytes = Vec::new();
    loop {
        if let Some(received) = read(&bytes)? {
            return Ok(received);
        }
        anyhow::ensure!(bytes.len() < MAX_REQUEST, "the request is too long");
        let mut chunk = [0; 4096];
        let size = stream.read(&mut chunk)?;
        anyhow::ensure!(size > 0, "the request breaks off");
        bytes.extend_from_slice(chunk.get(..size).unwrap_or_default());
    }
}

/// The request, if all of it is there.
fn read(bytes: &[u8]) -> Result<Option<Received>> {
    let mut headers = [httparse::EMPTY_HEADER; 256];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes)? else { return Ok(None) };
    let is_length =
        |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let size = match head.headers.iter().find(is_length) {
        Some(header) => std::str::from_utf8(header.value)?.parse()?,
        None => 0,
    };
    let Some(body) = bytes.get(length..).and_then(|rest| rest.get(..size)) else {
        return Ok(None);
    };
    Ok(Some(Received {
        method: head.method.context("no method")?.to_owned(),
        target: head.path.context("no target")?.to_owned(),
        body: body.to_vec(),
    }))
}

fn answer(received: &Received) -> Vec<u8> {
    let path = received.target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match path {
        "/ok" => ("200 OK", "text/plain", b"upstream ok".to_vec()),
        "/created" => ("201 Created", "text/plain", b"made".to_vec()),
        "/broken" => ("500 Internal Server Error", "text/plain", b"bad".to_vec()),
        "/json" => ("200 OK", "application/json", br#"{"a":1}"#.to_vec()),
        "/echo" => {
            let said = format!("{} {} ", received.method, received.target).into_bytes();
            ("200 OK", "text/plain", [said, received.body.clone()].concat())
        }
        _ => ("404 Not Found", "text/plain", b"nope".to_vec()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nx-up: 1\r\n\
         connection: close\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}
