//! What of a request nobody has read, held until its answer is on its way.
//!
//! actix closes a connection after an answer if the body of its request is still to come. Where the
//! body is in chunks it waits for the rest instead, without a limit, as soon as nobody wants it any
//! more: a client that stops half-way would keep its connection. So somebody wants it until the
//! answer is written.
//!
//! How long a client may take to read the answer is bounded, however often it reads a little.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, Payload};

use super::connection::Answering;
use super::deadlines::Deadline;
use super::limits::Limits;

/// The body of an answer, with what is left of its request.
struct Held {
    answer: BoxBody,
    _unread: Payload,
    answering: Answering,
    /// Of the whole answer, or of the last piece of one that has no end.
    deadline: Option<Deadline>,
    /// For a piece of an answer that has no end: how many bytes a second are to be read, and the rest.
    slowest: (usize, Duration),
}

/// An answer that holds the rest of its request, and the node's turn to speak, until it is written.
pub(super) fn holding(
    response: HttpResponse,
    unread: Payload,
    answering: Answering,
    limits: &Limits,
) -> HttpResponse {
    let slowest = (limits.answer_rate, limits.write_time);
    response.map_body(|_, answer| {
        let deadline = match answer.size() {
            BodySize::Sized(bytes) => answering.owed(at_rate(bytes, slowest.0), slowest.1),
            BodySize::None | BodySize::Stream => None,
        };
        BoxBody::new(Held { answer, _unread: unread, answering, deadline, slowest })
    })
}

/// How long so many bytes take that are read as slowly as may be.
fn at_rate(bytes: u64, rate: usize) -> Duration {
    Duration::from_secs(bytes / rate.max(1) as u64)
}

impl MessageBody for Held {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let is_endless = self.answer.size() == BodySize::Stream;
        if is_endless {
            // The piece before this was taken.
            self.deadline = None;
        }
        let next = Pin::new(&mut self.answer).poll_next(cx);
        if let (true, Poll::Ready(Some(Ok(piece)))) = (is_endless, &next) {
            let (rate, rest) = self.slowest;
            self.deadline = self.answering.owed(at_rate(piece.len() as u64, rate), rest);
        }
        next
    }
}
