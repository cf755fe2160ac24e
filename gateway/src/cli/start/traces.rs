//! Traces for a collector, over OTLP/HTTP.
//!
//! ```text
//! spans that ended ─► a queue with a bound ─► batches, on a thread of the SDK's ─► the collector
//! ```
//!
//! Nothing of the node waits for the collector. A span that finds the queue full is dropped, and
//! counted. Source: the OpenTelemetry Protocol, OTLP/HTTP in its binary form.

mod outlet;

use std::io;
use std::thread;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Running};
use opentelemetry::KeyValue;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use oxbeam_kernel::{Node, Otlp, Startup};
use oxbeam_supervisor::{ActorSpec, ChildSpec, Shutdown};
use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use crate::cli::failure::{Failure, with_causes};

/// As what the node is known to the collector.
const SERVICE: &str = "oxbeam";
/// Where a collector takes traces.
const PATH: &str = "/v1/traces";
/// How long the collector may take for a batch.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a node that stops may take to send what is left, and which part of the time it has.
const FLUSH: (Duration, u32) = (Duration::from_secs(3), 6);
/// What is left of it to whoever ends the actor.
const MARGIN: Duration = Duration::from_millis(500);

/// The way to a collector.
#[derive(Debug)]
pub(super) struct Collector {
    exporter: SpanExporter,
    one_in: u32,
}

impl Collector {
    /// The collector that the configuration names, if any. Its client has a runtime of its own, so
    /// that this must not be called within another.
    pub(super) fn of(startup: &Startup) -> Result<Option<Self>, Failure> {
        let Some(Otlp { endpoint, one_in }) = &startup.otlp else { return Ok(None) };
        let failed = |reason| Failure::Collector { endpoint: endpoint.clone(), reason };
        let url = url(endpoint)
            .ok_or_else(|| failed("expected a URL like http://127.0.0.1:4318".into()))?;
        let exporter = exporter(&url).map_err(failed)?;
        Ok(Some(Self { exporter, one_in: *one_in }))
    }

    /// From now on it takes the traces of the node.
    pub(super) fn takes(self, node: &Node, startup: &Startup) -> Traces {
        let resource = Resource::builder()
            .with_service_name(SERVICE)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", node.address().to_owned()))
            .build();
        let share = Sampler::TraceIdRatioBased(1.0 / f64::from(self.one_in));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(outlet::to(self.exporter, node.metrics().spans()))
            .with_sampler(Sampler::ParentBased(Box::new(share)))
            .with_resource(resource)
            .build();
        node.trace_to(BoxedTracer::new(Box::new(provider.tracer(SERVICE))));
        let (most, part) = FLUSH;
        Traces { provider, limit: most.min(startup.stop_timeout / part), flushed: false }
    }
}

/// Where a collector takes traces.
fn url(endpoint: &str) -> Option<Url> {
    let mut url: Url = endpoint.parse().ok()?;
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !anonymous {
        return None;
    }
    url.set_path(&format!("{}{PATH}", url.path().trim_end_matches('/')));
    Some(url)
}

fn exporter(url: &Url) -> Result<SpanExporter, String> {
    let client = Client::builder()
        .user_agent(concat!("oxbeam/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .timeout(LIMIT);
    // A system may have no certificates where nothing is encrypted.
    let client = if url.scheme() == "http" { client.tls_certs_only([]) } else { client };
    let client = client.build().map_err(|error| with_causes(&error))?;
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
    let exporter =
        exporter.with_endpoint(url.as_str()).with_timeout(LIMIT).with_http_client(client);
    exporter.build().map_err(|error| with_causes(&error))
}

/// Traces on their way. As an actor, it sends what is left when the node stops, and does nothing else.
#[derive(Debug, Clone)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
    limit: Duration,
    flushed: bool,
}

impl Traces {
    /// A child of the node that stops after those whose spans are to be sent.
    pub(super) fn spec(&self) -> ChildSpec {
        let traces = self.clone();
        let within = Shutdown::Within(self.limit + MARGIN);
        ChildSpec::worker("traces", ActorSpec::new(move || traces.clone())).shutdown(within)
    }

    /// Ends it without waiting: what could be sent has been.
    pub(super) fn close(&self) {
        // It says that it was not waited for.
        let _ = self.provider.shutdown_with_timeout(Duration::ZERO);
    }

    /// Sends what is left, on a thread that nobody has to wait for.
    fn flush(&self) -> io::Result<oneshot::Receiver<()>> {
        let (done, flushed) = oneshot::channel();
        let provider = self.provider.clone();
        let flush = move || {
            // The exporter has said what was wrong, and whoever waits may have gone.
            let _ = provider.force_flush();
            let _ = done.send(());
        };
        thread::Builder::new().name("flush".to_owned()).spawn(flush)?;
        Ok(flushed)
    }
}

impl Actor for Traces {
    type Context = Context<Self>;

    fn stopping(&mut self, ctx: &mut Self::Context) -> Running {
        if std::mem::replace(&mut self.flushed, true) {
            return Running::Stop;
        }
        match self.flush() {
            Ok(flushed) => {
                let flushed = wrap_future::<_, Self>(timeout(self.limit, flushed));
                ctx.spawn(flushed.map(|_, _, ctx| ctx.stop()));
                Running::Continue
            }
            Err(error) => {
                warn!(%error, "the last traces are not sent");
                Running::Stop
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_to_their_path_below_the_collectors_own() {
        let at = |endpoint: &str| url(endpoint).map(String::from);
        for (endpoint, at_path) in [
            ("http://127.0.0.1:4318", Some("http://127.0.0.1:4318/v1/traces")),
            ("https://collector.example/otlp/", Some("https://collector.example/otlp/v1/traces")),
            ("127.0.0.1:4318", None),
            ("grpc://127.0.0.1:4317", None),
            ("http://me:secret@collector.example", None),
        ] {
            assert_eq!(at(endpoint).as_deref(), at_path, "{endpoint}");
        }
    }
}
