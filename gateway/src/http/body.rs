//! The body of a request, read within its limits of size, memory and time.

use std::future::Future;
use std::pin::pin;

use actix_web::error::PayloadError;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::admission::{BLOCK, Gate};
use super::refusal::Refusal;

/// A body, and the room that it takes until it is dropped.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Reads a body. `length` is what its header says.
pub(super) async fn read(
    gate: &Gate,
    payload: &mut Payload,
    length: Option<usize>,
) -> Result<Body, Refusal> {
    let limit = gate.limits().body;
    let too_large = Refusal::BodyTooLarge { limit };
    if length.is_some_and(|length| length > limit) {
        return Err(too_large);
    }
    let end = Instant::now() + gate.limits().body_time;
    let mut room = gate.room(0)?;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = in_time(gate, end, payload.next()).await? {
        let chunk = chunk.map_err(broken)?;
        let size = bytes.len() + chunk.len();
        if size > limit {
            return Err(too_large);
        }
        let missing = size.div_ceil(BLOCK).saturating_sub(room.num_permits());
        if missing > 0 {
            room.merge(gate.room(missing)?);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { bytes: bytes.freeze(), _room: room })
}

async fn in_time<T>(
    gate: &Gate,
    end: Instant,
    next: impl Future<Output = T>,
) -> Result<T, Refusal> {
    let limits = gate.limits();
    let left = end.saturating_duration_since(Instant::now());
    let limit = if left < limits.body_pause { limits.body_time } else { limits.body_pause };
    let next = timeout(left.min(limits.body_pause), pin!(next)).await;
    next.map_err(|_| Refusal::SlowBody { limit })
}

fn broken(error: PayloadError) -> Refusal {
    Refusal::BrokenBody { reason: error.to_string() }
}
