//! One request, from its head to its answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use oxbeam_kernel::{Answer, CallError, Trace};
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;

use super::admission::{Admitted, Gate};
use super::body::{self, Body};
use super::connection::Answering;
use super::probes::Probe;
use super::refusal::Refusal;
use super::request::{self, Primitive, Received, Wants};
use super::response::{self, Reply};
use super::stream::{self, Asked, Opened};
use super::written::Written;
use super::{log, option, trace, unread};

/// Where `/` leads, unless the node is told otherwise.
const DEFAULT_REQUEST: &str = "/~hyperbuddy@1.0/dashboard";

/// What came of a request.
struct Served {
    answer: Answer,
    wants: Wants,
    retry_after: Option<Duration>,
    ends_connection: bool,
    /// Held until there is an answer, and the place until that is written.
    held: Option<(Admitted, Body)>,
}

/// Answers a request. A panic answers it with 500.
pub(super) async fn serve(
    request: HttpRequest,
    mut payload: web::Payload,
    gate: web::Data<Gate>,
) -> HttpResponse {
    let answering = Answering::to(&request);
    let response = respond_to(&request, &mut payload, gate.clone()).await;
    unread::holding(response, payload, answering, gate.limits())
}

async fn respond_to(
    request: &HttpRequest,
    payload: &mut web::Payload,
    gate: web::Data<Gate>,
) -> HttpResponse {
    let since = Instant::now();
    if let Some(probe) = Probe::of(request) {
        let client = request.peer_addr().map(|address| address.ip());
        if let Some(answer) = probe.answer(&gate, client).await {
            return answer;
        }
    }
    let mut span = trace::begin(&gate, request);
    let response = respond_within(&span.trace(), request, payload, gate.clone(), since).await;
    let status = response.status().as_u16();
    gate.metrics().requests.answered(request.path(), status, since.elapsed());
    trace::answered(&mut span, status);
    response
}

/// Answers what is no probe, as a part of a trace.
async fn respond_within(
    trace: &Trace,
    request: &HttpRequest,
    payload: &mut web::Payload,
    gate: web::Data<Gate>,
    since: Instant,
) -> HttpResponse {
    if let Some(fixed) = fixed(request, &gate) {
        debug!(method = %request.method(), status = fixed.status().as_u16(), "request answered");
        return fixed;
    }
    let gate = gate.into_inner();
    let path = log::shown_path(request.path());
    let served = match Asked::of(request) {
        Some(asked) => {
            // Apart, so that requests do not take the room of streams.
            let stream = Box::pin(streamed(asked, request, &gate));
            match AssertUnwindSafe(stream).catch_unwind().await {
                Ok(Ok(stream)) => return stream,
                Ok(Err(served)) => Ok(served),
                Err(panic) => Err(panic),
            }
        }
        None => AssertUnwindSafe(served(trace, request, payload, &gate)).catch_unwind().await,
    };
    let mut served = served.unwrap_or_else(|_| Served::of_panic());
    let response = AssertUnwindSafe(respond(&gate, &path, &mut served)).catch_unwind().await;
    let response = response.unwrap_or_else(|_| HttpResponse::InternalServerError().finish());
    log::answered(request.method().as_str(), &path, &served.answer, since);
    response
}

/// What is answered without asking the node. Source: spec 20, section 2.
fn fixed(request: &HttpRequest, gate: &Gate) -> Option<HttpResponse> {
    if request.method() == Method::OPTIONS {
        let mut response = HttpResponse::NoContent();
        response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "*"));
        let methods = "GET, POST, PUT, DELETE, OPTIONS, PATCH";
        response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods));
        return Some(response.finish());
    }
    let uri = request.uri();
    if uri.path() == "/" && uri.query().is_none_or(str::is_empty) {
        let target = option::text(gate.node(), "default_request");
        let target = target.unwrap_or_else(|| DEFAULT_REQUEST.to_owned());
        // One that no header can carry fails when it is built, as a bare 500.
        return Some(HttpResponse::Found().insert_header((header::LOCATION, target)).finish());
    }
    None
}

async fn served(
    trace: &Trace,
    request: &HttpRequest,
    payload: &mut web::Payload,
    gate: &Arc<Gate>,
) -> Served {
    let received = match Received::of(request) {
        Ok(received) => received,
        Err(refusal) => return Served::of_refusal(refusal, Wants::default()),
    };
    let headers = Primitive::of_headers(&received);
    let answered = answer(trace, request, payload, gate, &received).await;
    answered.unwrap_or_else(|refusal| Served::of_refusal(refusal, Wants::of_refused(&headers)))
}

async fn answer(
    trace: &Trace,
    request: &HttpRequest,
    payload: &mut web::Payload,
    gate: &Arc<Gate>,
    received: &Received,
) -> Result<Served, Refusal> {
    let admitted = gate.admit(received.peer)?;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let body = body::read(gate, payload, length).await?;
    let primitive = Primitive::of(received)?;
    let node = gate.node();
    let request = request::read(node, received, &primitive, body.bytes.clone()).await?;
    let answer = node.answer_in(trace.clone(), request.singleton).await;
    let retry_after = answer.error.as_ref().and_then(CallError::retry_after);
    let held = Some((admitted, body));
    Ok(Served { answer, wants: request.wants, retry_after, ends_connection: false, held })
}

/// A stream of events, or what is answered instead.
async fn streamed(
    asked: Result<Asked, Refusal>,
    request: &HttpRequest,
    gate: &Arc<Gate>,
) -> Result<HttpResponse, Served> {
    let wants = Wants { bundle: true, ..Wants::default() };
    match stream::open(asked, request, gate).await {
        Ok(Opened::Stream(response)) => Ok(response),
        Ok(Opened::Answer(answer)) => Err(Served::of_answer(*answer, wants)),
        Err(refusal) => Err(Served::of_refusal(refusal, wants)),
    }
}

impl Served {
    fn of_answer(answer: Answer, wants: Wants) -> Self {
        let retry_after = answer.error.as_ref().and_then(CallError::retry_after);
        Self { answer, wants, retry_after, ends_connection: false, held: None }
    }

    fn of_refusal(refusal: Refusal, wants: Wants) -> Self {
        let retry_after = refusal.retry_after();
        let ends_connection = refusal.ends_connection();
        let answer = refusal.into_answer();
        Self { answer, wants, retry_after, ends_connection, held: None }
    }

    fn of_panic() -> Self {
        let reason = "it panicked".into();
        let error = CallError::Unavailable { what: "the gateway".into(), reason };
        let answer = Answer { status: 500, ..Answer::of_error(error) };
        let wants = Wants { bundle: true, ..Wants::default() };
        Self { answer, wants, retry_after: None, ends_connection: true, held: None }
    }
}

/// An answer, and the room that it takes.
async fn reply(gate: &Gate, served: &Served) -> Result<(Reply, OwnedSemaphorePermit), Refusal> {
    let reply = response::write(gate, &served.answer, &served.wants).await?;
    let room = gate.room_for(reply.body.len())?;
    Ok((reply, room))
}

/// Writes an answer; if that fails, an answer about the failure.
async fn respond(gate: &Gate, path: &str, served: &mut Served) -> HttpResponse {
    // Nobody reads the body of the request any more: its room is for the answer.
    let admitted = served.held.take().map(|(admitted, _)| admitted);
    let (reply, held, incident) = match reply(gate, served).await {
        Ok((reply, room)) => {
            (reply, admitted.map(|admitted| (admitted, room)), log::incident(path, &served.answer))
        }
        Err(refusal) => {
            served.retry_after = refusal.retry_after();
            let answer = match refusal {
                Refusal::Call(error) => Answer::of_error(error),
                refusal => refusal.into_answer(),
            };
            let wants = Wants { bundle: true, ..Wants::default() };
            let reply = response::write(gate, &answer, &wants).await;
            let reply = reply.unwrap_or_else(|_| Reply::empty(500));
            (reply, None, log::incident(path, &answer))
        }
    };
    let mut response = HttpResponse::build(
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    );
    for (name, value) in reply.headers {
        response.append_header((&*name, &*value));
    }
    if let Some(incident) = incident {
        response.insert_header(("incident", incident));
    }
    if let Some(retry_after) = served.retry_after {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if served.ends_connection || gate.is_closed() {
        response.force_close();
    }
    response.body(Written::new(reply.body, held)).map_into_boxed_body()
}
