//! A span for every request, as a part of its caller's trace. Source: W3C Trace Context, and the
//! semantic conventions of OpenTelemetry for HTTP servers.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use opentelemetry::Context as Caller;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use oxbeam_kernel::Span;

use super::admission::Gate;
use super::log;

/// Methods that are told by name; a client may make up others.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Begins the span of a request. It holds no header, no body and no value of the path.
pub(super) fn begin(gate: &Gate, request: &HttpRequest) -> Span {
    let method = || {
        let name = request.method().as_str();
        METHODS.into_iter().find(|known| *known == name).unwrap_or("_OTHER")
    };
    let route = || gate.metrics().requests.route(request.path());
    let name = || format!("{} {}", method(), route());
    let mut span = gate.node().begin_trace(name, || caller(request.headers()));
    span.set("http.request.method", method);
    span.set("http.route", route);
    span.set("url.path", || log::shown_path(request.path()));
    span
}

/// Notes how a request was answered.
pub(super) fn answered(span: &mut Span, status: u16) {
    span.ended("http.response.status_code", status);
}

/// Who calls, as `traceparent` and `tracestate` say it.
fn caller(headers: &HeaderMap) -> Caller {
    TraceContextPropagator::new().extract_with_context(&Caller::new(), &Headers(headers))
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
