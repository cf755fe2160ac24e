//! The body of an answer, while it is written.
//!
//! It is given out in pieces, as the client takes them: one that reads slowly keeps its place among the
//! requests, and its room among the bodies, until it has nearly all. How long that may take is bounded,
//! however often it reads a little.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::admission::Admitted;
use super::limits::Limits;

/// What is handed over at a time: as much as actix has in hand before it waits for the client.
const PIECE: usize = 32 << 10;

/// An answer that holds what it takes until it is written.
pub(super) struct Written {
    left: Bytes,
    size: u64,
    end: Instant,
    _held: Option<(Admitted, OwnedSemaphorePermit)>,
}

/// The client has not read its answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the answer was not read in time, {left} bytes are left of it")]
pub(super) struct NotRead {
    left: usize,
}

impl Written {
    pub(super) fn new(
        bytes: Bytes,
        limits: &Limits,
        held: Option<(Admitted, OwnedSemaphorePermit)>,
    ) -> Self {
        let seconds = bytes.len() / limits.answer_rate.max(1);
        let time = limits.write_time.saturating_add(Duration::from_secs(seconds as u64));
        let (size, end) = (bytes.len() as u64, Instant::now() + time);
        Self { left: bytes, size, end, _held: held }
    }
}

impl MessageBody for Written {
    type Error = NotRead;

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
        if Instant::now() > self.end {
            return Poll::Ready(Some(Err(NotRead { left })));
        }
        Poll::Ready(Some(Ok(self.left.split_to(left.min(PIECE)))))
    }
}
