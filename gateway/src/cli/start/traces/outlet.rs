//! Where spans wait until they are sent, and what becomes of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter as Exporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};
use oxbeam_kernel::Spans;
use parking_lot::Mutex;
use tracing::{info, warn};

/// Spans that may wait; each is a few hundred bytes, and never many thousands.
const QUEUE: usize = 4096;
/// Spans in a batch.
const BATCH: usize = 512;
/// How long a span waits for others.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it is not said again that the collector takes nothing.
const QUIET: Duration = Duration::from_secs(60);

/// What spans are handed to that go to this exporter.
pub(super) fn to(exporter: Exporter, spans: Spans) -> Outlet {
    let waiting = Arc::<AtomicUsize>::default();
    let counted = Counted {
        exporter,
        waiting: waiting.clone(),
        spans: spans.clone(),
        said: Mutex::default(),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(PAUSE)
        .build();
    let batches = BatchSpanProcessor::builder(counted).with_batch_config(config).build();
    Outlet { batches, waiting, spans }
}

/// Lets in as many spans as may wait. The SDK's queue has the same bound, but tells nobody of those
/// that it drops.
#[derive(Debug)]
pub(super) struct Outlet {
    batches: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
    spans: Spans,
}

impl SpanProcessor for Outlet {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Relaxed) < QUEUE {
            self.batches.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Relaxed);
            self.spans.dropped();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Counts what is sent, and says now and then if the collector does not take it.
#[derive(Debug)]
struct Counted {
    exporter: Exporter,
    waiting: Arc<AtomicUsize>,
    spans: Spans,
    said: Mutex<Said>,
}

/// What was said of the collector.
#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    is_wrong: bool,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.waiting.fetch_sub(count, Relaxed);
        let exported = self.exporter.export(batch).await;
        self.spans.sent(count, exported.is_ok());
        self.said.lock().say(&exported);
        exported
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl Said {
    fn say(&mut self, exported: &OTelSdkResult) {
        match exported {
            Ok(()) if std::mem::take(&mut self.is_wrong) => {
                info!("the collector takes traces again");
            }
            Err(error) if self.last.is_none_or(|last| last.elapsed() >= QUIET) => {
                warn!(%error, "the collector does not take traces");
                *self = Self { last: Some(Instant::now()), is_wrong: true };
            }
            _ => {}
        }
    }
}
