//! Tells whoever started the node that it is ready, and where it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use actix::{Actor, Context};
use oxbeam_kernel::{Node, Startup};
use oxbeam_supervisor::{ActorSpec, ChildSpec};
use tracing::info;

use crate::cli::say;

/// The last child of the node: it starts when all others run, and speaks the first time.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    words: String,
    began: Instant,
    said: Arc<AtomicBool>,
}

impl Ready {
    pub(super) fn spec(node: &Arc<Node>, startup: &Startup) -> ChildSpec {
        let words = format!(
            "address  {}\nurl      http://{}\ndata     {}\n",
            node.address(),
            reachable(startup.listen),
            startup.data.display(),
        );
        let ready = Self { words, began: Instant::now(), said: Arc::default() };
        ChildSpec::worker("ready", ActorSpec::new(move || ready.clone()))
    }
}

impl Actor for Ready {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        if !self.said.swap(true, Relaxed) {
            say(&self.words);
            info!(after = ?self.began.elapsed(), "the node is ready");
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
