//! Traces: what was done for a request, as spans for whoever collects them.
//!
//! A call goes from actor to actor and from thread to thread, so its place in a trace travels with
//! its [`Context`](crate::Context), and a span ends with its work, whoever still holds a context.
//! While nobody takes traces there is no place, and nothing is made or measured.
//!
//! | Span              | Under        | Attributes                                         |
//! |-------------------|--------------|----------------------------------------------------|
//! | of a request      | its caller's | what its listener says                             |
//! | a device's name   | who asks     | `oxbeam.key`, `oxbeam.status`                      |
//! | `schedule`        | who asks     | `oxbeam.process`                                   |
//! | `compute`         | who waits    | `oxbeam.process`, `oxbeam.slot`, `oxbeam.status`   |
//!
//! A span whose status is 500 or more has failed, and `error.type` is that status.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer,
};
use opentelemetry::{Context as Caller, KeyValue, Value};

use crate::error::CallError;
use crate::node::Node;
use crate::outcome::Outcome;
use crate::request::http_status;

/// Under which a span notes what it came to.
pub(crate) const STATUS: &str = "oxbeam.status";
/// Spans below that of a request: what comes after them is left out.
const MAX_SPANS: u32 = 256;
/// Longest text that a span holds, in characters.
const MAX_TEXT: usize = 256;

/// Who takes the spans of a node.
#[derive(Debug, Default)]
pub(crate) struct Traces(OnceLock<Arc<BoxedTracer>>);

/// A place in a trace: what is begun here is a part of one span. By default there is none.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Within>>);

struct Within {
    tracer: Arc<BoxedTracer>,
    parent: SpanContext,
    /// Spans that the trace still takes.
    left: Arc<AtomicU32>,
}

/// A piece of work, from when it is begun until this is dropped.
#[derive(Debug, Default)]
pub struct Span {
    span: Option<BoxedSpan>,
    trace: Trace,
}

impl Node {
    /// From now on spans go to this tracer. A second one is not heard of.
    pub fn trace_to(&self, tracer: BoxedTracer) {
        // The first one stays.
        let _ = self.traces().0.set(Arc::new(tracer));
    }

    /// Begins the span of a request. Its name and its caller are asked for only if somebody takes it.
    #[must_use]
    pub fn begin_trace(
        &self,
        name: impl FnOnce() -> String,
        caller: impl FnOnce() -> Caller,
    ) -> Span {
        let Some(tracer) = self.traces().0.get() else { return Span::default() };
        let builder = SpanBuilder::from_name(name()).with_kind(SpanKind::Server);
        let span = tracer.build_with_context(builder, &caller());
        let parent = span.span_context().clone();
        if !parent.is_sampled() {
            return Span::default();
        }
        let left = Arc::new(AtomicU32::new(MAX_SPANS));
        let within = Within { tracer: tracer.clone(), parent, left };
        Span { span: Some(span), trace: Trace(Some(Arc::new(within))) }
    }
}

impl Trace {
    /// Begins a piece of work here.
    #[must_use]
    pub fn begin(&self, name: &'static str) -> Span {
        let Some(within) = &self.0 else { return Span::default() };
        let taken = within.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        if taken.is_err() {
            return Span { span: None, trace: self.clone() };
        }
        let caller = Caller::new().with_remote_span_context(within.parent.clone());
        let span = within.tracer.build_with_context(SpanBuilder::from_name(name), &caller);
        let (tracer, left) = (within.tracer.clone(), within.left.clone());
        let within = Within { tracer, parent: span.span_context().clone(), left };
        Span { span: Some(span), trace: Trace(Some(Arc::new(within))) }
    }
}

impl Span {
    /// The place of what is a part of this.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// Notes something. It is looked up only if somebody takes it.
    pub fn set<V: Into<Value>>(&mut self, key: &'static str, value: impl FnOnce() -> V) {
        if let Some(span) = &mut self.span {
            span.set_attribute(KeyValue::new(key, bounded(value().into())));
        }
    }

    /// Notes what a call came to.
    pub(crate) fn came_to(&mut self, outcome: &Result<Outcome, CallError>) {
        if self.span.is_some() {
            self.ended(STATUS, outcome.as_ref().map_or_else(CallError::http_status, http_status));
        }
    }

    /// Notes under `key` how it ended, as an HTTP code. From 500 on it has failed.
    pub fn ended(&mut self, key: &'static str, status: u16) {
        let Some(span) = &mut self.span else { return };
        span.set_attribute(KeyValue::new(key, i64::from(status)));
        if status >= 500 {
            span.set_attribute(KeyValue::new("error.type", status.to_string()));
            span.set_status(Status::error(""));
        }
    }
}

fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.as_str().len() > MAX_TEXT => {
            text.as_str().chars().take(MAX_TEXT).collect::<String>().into()
        }
        value => value,
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&self.0.as_ref().map(|within| &within.parent)).finish()
    }
}
