//! What of a request nobody has read, held until its answer is on its way.
//!
//! actix closes a connection after an answer if the body of its request is still to come. Where the
//! body is in chunks it waits for the rest instead, without a limit, as soon as nobody wants it any
//! more: a client that stops half-way would keep its connection. So somebody wants it until the
//! answer is written.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, Payload};

use super::connection::Answering;

/// The body of an answer, with what is left of its request.
struct Held {
    answer: BoxBody,
    _unread: Payload,
    _answering: Answering,
}

/// An answer that holds the rest of its request, and the node's turn to speak, until it is written.
pub(super) fn holding(
    response: HttpResponse,
    unread: Payload,
    answering: Answering,
) -> HttpResponse {
    response
        .map_body(|_, answer| BoxBody::new(Held { answer, _unread: unread, _answering: answering }))
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
        Pin::new(&mut self.answer).poll_next(cx)
    }
}
