//! Who is let in: requests beyond the limits are turned away before anything is done for them.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oxbeam_kernel::Node;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use super::metrics::Metrics;
use super::refusal::Refusal;

/// What bodies are counted in, in bytes.
pub(super) const BLOCK: usize = 4096;

/// What all requests share: the node, the limits, and how much of them is used.
pub(super) struct Gate {
    node: Arc<Node>,
    limits: Limits,
    connections: Arc<Places>,
    requests: Arc<Places>,
    streams: Arc<Places>,
    /// A permit for each [`BLOCK`] of a body.
    blocks: Arc<Semaphore>,
    /// Cancelled when the server stops.
    closed: CancellationToken,
    metrics: Metrics,
}

/// What can be taken so many times at once, and by one client so many times.
struct Places {
    all: Arc<Semaphore>,
    number: usize,
    of_client: usize,
    /// How many each client has taken, as [`one_client`] names it. Those without any are not listed, so that there are never
    /// more than places.
    clients: Mutex<HashMap<IpAddr, usize>>,
}

/// A place that was taken, until it is dropped.
pub(super) struct Admitted {
    places: Arc<Places>,
    client: Option<IpAddr>,
    _place: OwnedSemaphorePermit,
}

impl Places {
    fn new(number: usize, of_client: usize) -> Arc<Self> {
        let number = number.min(Semaphore::MAX_PERMITS);
        let all = Arc::new(Semaphore::new(number));
        Arc::new(Self { all, number, of_client, clients: Mutex::default() })
    }

    fn taken(&self) -> usize {
        self.number.saturating_sub(self.all.available_permits())
    }

    fn take(
        self: &Arc<Self>,
        client: Option<IpAddr>,
        retry_after: Duration,
    ) -> Result<Admitted, Refusal> {
        let place = self.all.clone().try_acquire_owned();
        let place = place.map_err(|_| Refusal::Busy { retry_after })?;
        let client = client.map(one_client);
        if let Some(client) = client {
            let mut clients = self.clients.lock();
            let taken = clients.get(&client).copied().unwrap_or_default();
            if taken >= self.of_client {
                return Err(Refusal::BusyClient { retry_after });
            }
            clients.insert(client, taken + 1);
        }
        Ok(Admitted { places: self.clone(), client, _place: place })
    }
}

/// What stands for all addresses of one client: over IPv6 a single host has 2^64 of them, those with
/// the same first half. Source: RFC 4291, section 2.5.1.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

impl Gate {
    pub(super) fn new(node: Arc<Node>, limits: Limits, data: Option<PathBuf>) -> Self {
        let blocks = limits.bodies.div_ceil(BLOCK).min(Semaphore::MAX_PERMITS);
        Self {
            metrics: Metrics::new(&node, data),
            node,
            connections: Places::new(
                limits.connections.saturating_mul(limits.workers.max(1)),
                limits.connections_of_client,
            ),
            requests: Places::new(limits.requests, limits.requests_of_client),
            streams: Places::new(limits.streams, limits.streams_of_client),
            blocks: Arc::new(Semaphore::new(blocks)),
            limits,
            closed: CancellationToken::new(),
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
        self.requests.taken()
    }

    /// Turns away whoever comes from now on, and ends streams.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Is cancelled when the server stops.
    pub(super) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Waits until no request is under way, or those that are have had their time. Streams end by
    /// themselves, as soon as their clients have read what was sent.
    pub(super) async fn drained(&self) {
        let all = u32::try_from(self.requests.number).unwrap_or(u32::MAX);
        let idle = self.requests.all.acquire_many(all);
        let _ = timeout(self.limits.drain, idle).await;
    }

    /// Lets a client connect. One that may not is to be hung up on.
    pub(super) fn admit_connection(&self, client: Option<IpAddr>) -> Result<Admitted, Refusal> {
        self.connections.take(client, self.limits.retry_after)
    }

    /// Lets a request in.
    pub(super) fn admit(&self, client: Option<IpAddr>) -> Result<Admitted, Refusal> {
        self.take(&self.requests, client)
    }

    /// Lets a stream of events begin.
    pub(super) fn admit_stream(&self, client: Option<IpAddr>) -> Result<Admitted, Refusal> {
        self.take(&self.streams, client)
    }

    fn take(&self, places: &Arc<Places>, client: Option<IpAddr>) -> Result<Admitted, Refusal> {
        let retry_after = self.limits.retry_after;
        match self.is_closed() {
            true => Err(Refusal::Stopping { retry_after }),
            false => places.take(client, retry_after),
        }
    }

    /// Room for so many bytes.
    pub(super) fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        self.room(bytes.div_ceil(BLOCK))
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
        let mut clients = self.places.clients.lock();
        if let Some(taken) = clients.get_mut(&client) {
            *taken -= 1;
            if *taken == 0 {
                clients.remove(&client);
            }
        }
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted").field("client", &self.client).finish_non_exhaustive()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_many_addresses_is_one_client() {
        let one = |address: &str| one_client(address.parse().unwrap());
        assert_eq!(one("2001:db8:0:1::1"), one("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(one("2001:db8:0:1::1"), one("2001:db8:0:2::1"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"), "as a socket for both tells it");
        assert_ne!(one("192.0.2.1"), one("192.0.2.2"));
    }
}
