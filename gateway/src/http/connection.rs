//! A client's connection, which ends when nothing comes or an answer is not read, and on which a request
//! that is no HTTP is answered with a sentence, too.
//!
//! actix answers what it cannot read with a bare status, and asks nobody. Of every request that it can
//! read it asks the node. So what it writes after one answer is out, and before the node is asked
//! again, is such a status, and is given a body on its way.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::Protocol;
use actix_rt::net::TcpStream;
use actix_web::HttpRequest;
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{sleep, timeout};

use super::admission::{Admitted, Gate};
use super::deadlines::{Clock, Deadline, Deadlines};
use super::limits::Limits;

/// How HTTP/2 begins. Source: RFC 9113, section 3.4.
const HTTP_2: &[u8] = b"PRI * HTTP/2";
/// How long to wait for the rest of its beginning, between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// How a status without a body says so.
const BARE: &str = "content-length: 0\r\n";

/// A connection with a client.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    shared: Shared,
    clock: Clock,
    /// How long it may be idle, and how long what comes then may take: the head of a request, or what is
    /// left of one that was answered before it had come.
    times: (Duration, Duration),
    _place: Admitted,
    /// What is still to be written instead of so many bytes of actix.
    instead: Option<(Bytes, usize)>,
}

/// Whose words are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// actix's, which has a limit for the first head.
    First,
    /// actix's: all that the node answered is out. It has none for further heads.
    Server,
    /// The node's.
    Node,
    /// The last of the node's.
    Last,
}

/// What a connection and the answers on it have in common.
#[derive(Clone)]
pub(super) struct Shared {
    /// Not there in HTTP/2, where everything is in frames.
    turn: Option<Rc<Cell<Turn>>>,
    deadlines: Rc<Deadlines>,
    /// Until when there must be a next request, and whether it has begun.
    next: Rc<RefCell<Option<(Deadline, bool)>>>,
}

/// The node's turn, until all of its answer is on its way.
pub(super) struct Answering(Option<Shared>);

impl Answering {
    /// The node is asked this.
    pub(super) fn to(request: &HttpRequest) -> Self {
        let shared = request.conn_data::<Shared>().cloned();
        if let Some(shared) = &shared
            && let Some(turn) = &shared.turn
        {
            turn.set(Turn::Node);
            shared.next.take();
        }
        Self(shared)
    }

    /// Cuts the connection unless what comes back is dropped in time: so long after all that is owed on it
    /// could have been read, each at its slowest.
    pub(super) fn owed(&self, time: Duration, rest: Duration) -> Option<Deadline> {
        self.0.as_ref().map(|shared| shared.deadlines.owed(time, rest))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(turn) = self.0.as_ref().and_then(|shared| shared.turn.as_ref()) {
            turn.set(Turn::Last);
        }
    }
}

impl Connection {
    /// Looks at how a connection begins, if its client may have one more.
    pub(super) async fn accepted(
        stream: TcpStream,
        gate: &Gate,
    ) -> io::Result<(Self, Protocol, Option<SocketAddr>)> {
        let peer = stream.peer_addr().ok();
        let place = gate.admit_connection(peer.map(|peer| peer.ip()));
        let place = place.map_err(|_| io::Error::other("the client has too many connections"))?;
        let is_http_2 = timeout(gate.limits().head_time, begins_http_2(&stream));
        let (protocol, turn) = match is_http_2.await?? {
            true => (Protocol::Http2, None),
            false => (Protocol::Http1, Some(Rc::new(Cell::new(Turn::First)))),
        };
        let shared = Shared { turn, deadlines: Rc::default(), next: Rc::default() };
        let clock = Clock::of(&shared.deadlines);
        let Limits { keep_alive, head_time, write_time, .. } = *gate.limits();
        let times = (keep_alive, head_time.max(write_time));
        Ok((Self { stream, shared, clock, times, _place: place, instead: None }, protocol, peer))
    }

    pub(super) fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// What is written instead of these words of actix.
    fn instead_of(&self, bytes: &[u8]) -> Option<Bytes> {
        let turn = self.shared.turn.as_ref()?.get();
        if matches!(turn, Turn::First | Turn::Server) { completed(bytes) } else { None }
    }

    /// The node has said all that it had to say.
    fn answered(&self) {
        let Some(turn) = self.shared.turn.as_ref().filter(|turn| turn.get() == Turn::Last) else {
            return;
        };
        turn.set(Turn::Server);
        let (idle, rest) = self.times;
        // actix ends connections that are idle, unless they hold a piece of a head.
        let end = self.shared.deadlines.within(idle.saturating_add(rest));
        *self.shared.next.borrow_mut() = Some((end, false));
    }

    /// Something has come.
    fn began(&self) {
        let mut next = self.shared.next.borrow_mut();
        if next.as_ref().is_some_and(|(_, has_begun)| !has_begun) {
            *next = Some((self.shared.deadlines.within(self.times.1), true));
        }
    }
}

/// Whether a connection begins as HTTP/2 does.
async fn begins_http_2(stream: &TcpStream) -> io::Result<bool> {
    let mut begin = [0; HTTP_2.len()];
    loop {
        let length = stream.peek(&mut begin).await?;
        let is_so_far = begin.iter().zip(HTTP_2).take(length).all(|(byte, of)| byte == of);
        if !is_so_far || length == 0 || length == HTTP_2.len() {
            return Ok(is_so_far && length > 0);
        }
        // What is there stays there: the system would tell of it again at once.
        sleep(LOOK).await;
    }
}

/// A bare status with a sentence.
fn completed(bytes: &[u8]) -> Option<Bytes> {
    let head = std::str::from_utf8(bytes).ok()?;
    let sentence = match head.strip_prefix("HTTP/1.1 ")?.get(..3)? {
        "400" => {
            "the request is no HTTP: its first line or a header cannot be read; values of headers \
             hold no line breaks or control characters"
        }
        "408" => "the request did not come in time",
        "431" => "the headers have more bytes than are read",
        _ => return None,
    };
    let (before, after) = head.split_once(BARE)?;
    let after = after.strip_suffix("\r\n\r\n")?;
    let length = sentence.len();
    let kind = "content-type: text/plain; charset=utf-8";
    let whole = format!("{before}content-length: {length}\r\n{kind}\r\n{after}\r\n\r\n{sentence}");
    Some(whole.into())
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("turn", &self.turn).finish_non_exhaustive()
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.clock.check(cx)?;
        if this.instead.is_none() {
            this.instead = this.instead_of(bytes).map(|instead| (instead, bytes.len()));
        }
        let Some((rest, stands_for)) = &mut this.instead else {
            return Pin::new(&mut this.stream).poll_write(cx, bytes);
        };
        while !rest.is_empty() {
            match ready!(Pin::new(&mut this.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Ok(0)),
                written => rest.advance(written),
            }
        }
        let written = *stands_for;
        this.instead = None;
        Poll::Ready(Ok(written))
    }

    /// actix flushes when all that it had is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.answered();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.clock.check(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    /// Only HTTP/2 is written in slices.
    fn is_write_vectored(&self) -> bool {
        self.shared.turn.is_none() && self.stream.is_write_vectored()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.clock.check(cx)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.began();
        }
        read
    }
}
