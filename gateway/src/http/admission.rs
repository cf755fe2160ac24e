//! Who is let in: requests beyond the limits are turned away before anything is done for them.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use oxbeam_kernel::Node;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::Limits;
use super::metrics::Metrics;
use super::refusal::Refusal;

/// What bodies are counted in, in bytes.
pub(super) const BLOCK: usize = 4096;

/// What all requests share: the node, the limits, and how much of them is used.
pub(super) struct Gate {
    node: Arc<Node>,
    limits: Limits,
    /// A permit for each request.
    requests: Arc<Semaphore>,
    /// A permit for each [`BLOCK`] of a body.
    blocks: Arc<Semaphore>,
    /// Requests under way by address. Those without any are not listed, so that there are never
    /// more than requests.
    clients: Mutex<HashMap<IpAddr, usize>>,
    closed: AtomicBool,
    metrics: Metrics,
}

/// A request that was let in, until it is dropped.
pub(super) struct Admitted {
    gate: Arc<Gate>,
    client: Option<IpAddr>,
    _request: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new(node: Arc<Node>, limits: Limits, data: Option<PathBuf>) -> Self {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            metrics: Metrics::new(&node, data),
            node,
            requests: permits(limits.requests),
            blocks: permits(limits.bodies.div_ceil(BLOCK)),
            limits,
            clients: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Requests under way.
    pub(super) fn under_way(&self) -> usize {
        let permits = self.limits.requests.min(Semaphore::MAX_PERMITS);
        permits.saturating_sub(self.requests.available_permits())
    }

    /// Turns away whoever comes from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Waits until no request is under way, or those that are have had their time.
    pub(super) async fn drained(&self) {
        let all = u32::try_from(self.limits.requests.min(Semaphore::MAX_PERMITS));
        let idle = self.requests.acquire_many(all.unwrap_or(u32::MAX));
        let _ = timeout(self.limits.drain, idle).await;
    }

    /// Lets a request in.
    pub(super) fn admit(self: &Arc<Self>, client: Option<IpAddr>) -> Result<Admitted, Refusal> {
        let retry_after = self.limits.retry_after;
        if self.is_closed() {
            return Err(Refusal::Stopping { retry_after });
        }
        let request = self.requests.clone().try_acquire_owned();
        let request = request.map_err(|_| Refusal::Busy { retry_after })?;
        if let Some(client) = client {
            let mut clients = self.clients.lock();
            let under_way = clients.entry(client).or_default();
            if *under_way >= self.limits.requests_of_client {
                return Err(Refusal::BusyClient { retry_after });
            }
            *under_way += 1;
        }
        Ok(Admitted { gate: self.clone(), client, _request: request })
    }

    /// Room for so many blocks of a body.
    pub(super) fn room(&self, blocks: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let retry_after = self.limits.retry_after;
        let blocks = u32::try_from(blocks).map_err(|_| Refusal::Busy { retry_after })?;
        let room = self.blocks.clone().try_acquire_many_owned(blocks);
        room.map_err(|_| Refusal::Busy { retry_after })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut clients = self.gate.clients.lock();
        if let Some(under_way) = clients.get_mut(&client) {
            *under_way -= 1;
            if *under_way == 0 {
                clients.remove(&client);
            }
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("limits", &self.limits).finish_non_exhaustive()
    }
}
