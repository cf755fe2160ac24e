//! `/metrics`: what can be counted, in the text format of Prometheus and OpenMetrics.
//!
//! Labels are bounded: devices of the table, parts of the tree, families of the store, known codes.
//! No process has a label of its own. What one scrape gathers serves all that come within a second,
//! so that asking often costs nothing.

mod requests;
mod samples;
mod store;
mod system;
mod tree;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use oxbeam_kernel::Node;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;

pub(super) use requests::Requests;
use samples::Gathered;

use super::option;

/// For how long what was gathered is shown again.
const FRESH: Duration = Duration::from_secs(1);
/// The format, as Prometheus names it.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is measured of a server, and what was last shown.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) requests: Requests,
    /// The folder of which the free space is told.
    data: Option<PathBuf>,
    shown: Mutex<Option<(Instant, Bytes)>>,
}

impl Metrics {
    pub(super) fn new(node: &Node, data: Option<PathBuf>) -> Self {
        Self { requests: Requests::new(node), data, shown: Mutex::default() }
    }

    /// The answer to somebody who asks for it; none if the node has no such path.
    pub(super) async fn answer(
        &self,
        node: &Arc<Node>,
        client: Option<IpAddr>,
        under_way: usize,
    ) -> Option<HttpResponse> {
        match option::text(node, "metrics").as_deref() {
            Some("off") => return None,
            Some("local") if !client.is_some_and(|client| client.to_canonical().is_loopback()) => {
                let reason = "metrics are for this machine alone: the option `metrics` says so\n";
                return Some(HttpResponse::Forbidden().body(reason));
            }
            _ => {}
        }
        let Some(text) = self.text(node, under_way).await else {
            return Some(HttpResponse::InternalServerError().finish());
        };
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, FORMAT));
        Some(response.body(text))
    }

    /// All of it, gathered at most once at a time.
    async fn text(&self, node: &Arc<Node>, under_way: usize) -> Option<Bytes> {
        let mut shown = self.shown.lock().await;
        if let Some((since, text)) = shown.as_ref()
            && since.elapsed() < FRESH
        {
            return Some(text.clone());
        }
        let mut registry = Registry::default();
        node.metrics().register(&mut registry);
        self.requests.register(&mut registry);
        let backlog = store::backlog(node).await;
        let ready = node.ready().await.is_ok();
        let (node, data) = (node.clone(), self.data.clone());
        // Ten thousand actors and a look at the disk are too much for a thread that serves others.
        let text = web::block(move || {
            let mut gathered = Gathered::default();
            gathered.gauge("oxbeam_ready", "Whether the node is ready", f64::from(u8::from(ready)));
            let help = "Requests under way";
            gathered.gauge("oxbeam_http_requests_under_way", help, under_way as f64);
            tree::gather(&node, &mut gathered);
            store::gather(&node, backlog, &mut gathered);
            system::gather(data.as_deref(), &mut gathered);
            registry.register_collector(Box::new(gathered));
            let mut text = String::new();
            text::encode(&mut text, &registry).is_ok().then(|| Bytes::from(text))
        });
        let text = text.await.ok()??;
        *shown = Some((Instant::now(), text.clone()));
        Some(text)
    }
}
