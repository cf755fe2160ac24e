//! What happens to a process, as server-sent events: `GET /PID/log` and `GET /PID/results`, if the
//! request accepts `text/event-stream`.
//!
//! | Of the request       | Meaning                                                              |
//! |----------------------|----------------------------------------------------------------------|
//! | `Last-Event-ID`      | the slot that was received last: the stream goes on behind it        |
//! | `from`, `to` (query) | the first and the last slot; without `to` the stream goes on for ever |
//!
//! | Event                | `id` | `data`, JSON                                                   |
//! |----------------------|------|----------------------------------------------------------------|
//! | of `/PID/log`        | slot | `slot` and the signed `assignment`, once it is on disk          |
//! | of `/PID/results`    | slot | `slot`, `results`, the id `result` of these, `hashpath`, `sent`, and `printed`: what guests printed |
//! | `failed`             |      | `slot`, `status`, `reason`: this slot has no result             |
//!
//! `/PID/results` has what is scheduled computed, slot after slot. After `failed` it waits for the
//! process to go on. Without that `accept` the paths are AO-Core's: keys of the definition.
//!
//! A stream begins with an ordinary request for `/PID/slot`, so that whatever guards the node's
//! requests guards it too. Pages of slots are read as the client takes them: a slow one holds one page,
//! and is cut when it does not read at all. Source: WHATWG HTML, section 9.2.

mod asked;
mod event;
mod feed;
mod page;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream;
use oxbeam_kernel::Answer;
use oxbeam_protocol::Message;

pub(super) use asked::Asked;
use feed::Feed;

use super::admission::Gate;
use super::refusal::Refusal;
use super::request::{self, Primitive, Received};

/// What a stream is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Assignments.
    Log,
    /// What slots came to.
    Results,
}

/// A stream that begins, or what the node answers instead.
pub(super) enum Opened {
    Stream(HttpResponse),
    Answer(Box<Answer>),
}

/// Opens a stream.
pub(super) async fn open(
    asked: Result<Asked, Refusal>,
    request: &HttpRequest,
    gate: &Arc<Gate>,
) -> Result<Opened, Refusal> {
    let asked = asked?;
    let received = Received::of(request)?;
    let place = gate.admit_stream(received.peer)?;
    let answer = guarded(&asked, gate, &received).await?;
    if answer.status != 200 {
        return Ok(Opened::Answer(Box::new(answer)));
    }
    let feed = Feed::new(gate, asked, place);
    let events = stream::unfold(feed, |feed| async {
        feed.next().await.map(|(event, feed)| (Ok::<Bytes, actix_web::Error>(event), feed))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "text/event-stream"));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    // Proxies that gather answers must not gather these.
    response.insert_header(("x-accel-buffering", "no"));
    Ok(Opened::Stream(response.streaming(events)))
}

/// What the node says to a request for the process's slot.
async fn guarded(asked: &Asked, gate: &Arc<Gate>, received: &Received) -> Result<Answer, Refusal> {
    let _admitted = gate.admit(received.peer)?;
    let primitive = Primitive::of(received)?;
    let request = request::read(gate.node(), received, &primitive, Bytes::new()).await?;
    let slot: Message = request.singleton.without(&["from", "to", "last-event-id"]);
    let path = format!("/{}~process@1.0/slot", asked.process);
    Ok(gate.node().answer(slot.with("path", path)).await)
}
