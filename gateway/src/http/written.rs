//! The body of an answer, while it is written.
//!
//! It is given out in pieces, as the client takes them: one that reads slowly keeps its place among the
//! requests, and its room among the bodies, until it has nearly all.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::admission::Admitted;

/// What is handed over at a time: as much as actix has in hand before it waits for the client.
const PIECE: usize = 32 << 10;

/// An answer that holds what it takes until it is written.
pub(super) struct Written {
    left: Bytes,
    size: u64,
    _held: Option<(Admitted, OwnedSemaphorePermit)>,
}

impl Written {
    pub(super) fn new(bytes: Bytes, held: Option<(Admitted, OwnedSemaphorePermit)>) -> Self {
        Self { size: bytes.len() as u64, left: bytes, _held: held }
    }
}

impl MessageBody for Written {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let left = self.left.len();
        if left == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(self.left.split_to(left.min(PIECE)))))
    }
}
