//! Tells whoever started the node that it is ready, and where it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use actix::{Actor, Context};
use oxbeam_gateway::http::Bound;
use oxbeam_kernel::{Node, Startup};
use oxbeam_supervisor::{ActorSpec, ChildSpec};
use tracing::info;

use crate::cli::say;

/// The last child of the node: it starts when all others run, and speaks the first time.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    address: String,
    listen: SocketAddr,
    bound: Bound,
    data: String,
    began: Instant,
    said: Arc<AtomicBool>,
}

impl Ready {
    pub(super) fn spec(node: &Arc<Node>, startup: &Startup, bound: Bound) -> ChildSpec {
        let ready = Self {
            address: node.address().to_owned(),
            listen: startup.listen,
            bound,
            data: startup.data.display().to_string(),
            began: Instant::now(),
            said: Arc::default(),
        };
        ChildSpec::worker("ready", ActorSpec::new(move || ready.clone()))
    }

    fn words(&self) -> String {
        let Self { address, data, .. } = self;
        let url = reachable(self.bound.address().unwrap_or(self.listen));
        format!("address  {address}\nurl      http://{url}\ndata     {data}\n")
    }
}

impl Actor for Ready {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        if !self.said.swap(true, Relaxed) {
            say(&self.words());
            info!(after = ?self.began.elapsed(), "the node is ready");
            // Whoever asks first does not wait for it. If it fails, he is told.
            let _ = thread::Builder::new().name("warm-up".into()).spawn(oxbeam_devices::warm_up);
        }
    }
}

/// The address under which this machine reaches a listener of all addresses.
pub(crate) fn reachable(listen: SocketAddr) -> String {
    match listen.ip().is_unspecified() {
        true => format!("localhost:{}", listen.port()),
        false => listen.to_string(),
    }
}
