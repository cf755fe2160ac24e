//! Many clients at once, and how long each of their requests took.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use oxbeam_protocol::codec::HttpMessage;

use super::Client;

/// Requests that are sent by so many clients, each one after another.
#[derive(Debug, Clone)]
pub struct Load {
    /// Clients, each with its own connection.
    pub clients: usize,
    /// The method of all requests.
    pub method: &'static str,
    /// Target and message of each request.
    pub requests: Arc<Vec<(String, HttpMessage)>>,
}

/// What a load came to.
#[derive(Debug, Clone)]
pub struct Measured {
    /// From the first request to the last answer.
    pub took: Duration,
    /// Of each request, shortest first.
    pub times: Vec<Duration>,
}

impl Measured {
    /// Requests a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    /// What this share of the requests took at most.
    #[must_use]
    pub fn within(&self, share: f64) -> Duration {
        let last = self.times.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.times.get(at).copied().unwrap_or_default()
    }
}

impl Load {
    /// Sends everything.
    ///
    /// # Errors
    /// A request that fails, or is answered with anything but 200.
    pub fn run(&self, host: SocketAddr) -> Result<Measured> {
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let clients: Vec<_> = (0..self.clients)
            .map(|_| {
                let (load, next) = (self.clone(), next.clone());
                thread::spawn(move || load.client(host, &next))
            })
            .collect();
        let mut times = Vec::with_capacity(self.requests.len());
        for client in clients {
            times.extend(client.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        let took = begun.elapsed();
        times.sort_unstable();
        Ok(Measured { took, times })
    }

    fn client(&self, host: SocketAddr, next: &AtomicUsize) -> Result<Vec<Duration>> {
        let mut client = Client::connect(host)?;
        let mut times = Vec::new();
        while let Some((target, message)) = self.requests.get(next.fetch_add(1, Relaxed)) {
            let begun = Instant::now();
            let reply = client.send(self.method, target, message)?;
            times.push(begun.elapsed());
            let text = String::from_utf8_lossy(&reply.body);
            ensure!(reply.status == 200, "{target} answers {}: {text}", reply.status);
        }
        Ok(times)
    }
}
