//! What one client, and all of them together, may take.

use std::time::Duration;

/// Largest head of a request over HTTP/1.1: request line and headers, in bytes. More is 431. A single
/// value may take nearly all of it: two signatures with their keys come close to 4 KiB.
pub const MAX_HEAD: usize = 131_072;

/// Most headers of a request over HTTP/1.1. More is 431.
pub const MAX_HEADERS: usize = 96;

/// The limits of the HTTP server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body of a request, in bytes. More is 413. Default: 64 MiB.
    pub body: usize,
    /// Bytes of bodies that are held at a time, of all requests and their answers together. A request
    /// past it is answered 503. Default: 512 MiB.
    pub bodies: usize,
    /// Requests under way at a time. One more is answered 503. Default: 4 096.
    pub requests: usize,
    /// Requests under way at a time from one address. One more is answered 429. Default: 1 024.
    pub requests_of_client: usize,
    /// Streams of events open at a time. One more is answered 503. Default: 1 024.
    pub streams: usize,
    /// Streams of events open at a time to one address. One more is answered 429. Default: 64.
    pub streams_of_client: usize,
    /// How long a stream of events is silent before it says that it is still there. Default: 15 s.
    pub stream_pause: Duration,
    /// Connections at a time on one worker thread. Further ones wait to be accepted.
    /// Default: 8 192.
    pub connections: usize,
    /// Connections at a time from one address. One more is closed at once. Default: 1 024.
    pub connections_of_client: usize,
    /// Threads that read and write. Default: one for each core.
    pub workers: usize,
    /// When to try again, said to whom is turned away. Default: 1 s.
    pub retry_after: Duration,
    /// In which the first head of a connection must have come, or is answered 408; a connection on which
    /// nothing comes is closed. A later head has [`Limits::write_time`] if that is longer, and then the
    /// connection is cut. Default: 5 s.
    pub head_time: Duration,
    /// The longest pause in a body; after it the answer is 408. Default: 10 s.
    pub body_pause: Duration,
    /// In which a whole body must have come, or is answered 408. Default: 2 min.
    pub body_time: Duration,
    /// How long a connection is kept for its next request. Default: 75 s.
    pub keep_alive: Duration,
    /// How long a client may take to read what was sent, or to close: afterwards the connection is
    /// cut. Default: 30 s.
    pub write_time: Duration,
    /// How fast a client must read a long answer, in bytes a second, once [`Limits::write_time`] is
    /// over: afterwards the connection is cut. Default: 64 KiB.
    pub answer_rate: usize,
    /// How long an index page may take to be made. Default: 5 s.
    pub index_time: Duration,
    /// For how long requests under way may go on when the server stops. Default: 10 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 << 20,
            bodies: 512 << 20,
            requests: 4096,
            requests_of_client: 1024,
            streams: 1024,
            streams_of_client: 64,
            stream_pause: Duration::from_secs(15),
            connections: 8192,
            connections_of_client: 1024,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            retry_after: Duration::from_secs(1),
            head_time: Duration::from_secs(5),
            body_pause: Duration::from_secs(10),
            body_time: Duration::from_secs(120),
            keep_alive: Duration::from_secs(75),
            write_time: Duration::from_secs(30),
            answer_rate: 64 << 10,
            index_time: Duration::from_secs(5),
            drain: Duration::from_secs(10),
        }
    }
}
