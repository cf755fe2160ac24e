//! Where the server listens, and how it is supervised.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oxbeam_kernel::Node;
use oxbeam_supervisor::{ActorSpec, ChildSpec, Realm, Shutdown, SpawnError, StartError};

use super::doorway::Entrance;
use super::limits::Limits;
use super::server::{Server, listener};

/// What the server may take to end once requests under way are done or given up.
pub(super) const CLOSING_TIME: Duration = Duration::from_secs(2);
/// What is left of it to whoever ends the server.
const MARGIN: Duration = Duration::from_secs(1);

/// Where to listen, and within which limits.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address; with port 0 the system chooses one, which [`Listen::bound`] tells.
    pub address: SocketAddr,
    /// What clients may take.
    pub limits: Limits,
    /// The folder of which `/metrics` tells the free space.
    pub data: Option<PathBuf>,
    bound: Bound,
    pub(super) entrance: Entrance,
}

impl Listen {
    /// Listens here, within the default limits.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            limits: Limits::default(),
            data: None,
            bound: Bound::default(),
            entrance: Entrance::default(),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Takes the address now, before the server starts there.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self) -> io::Result<()> {
        let listener = listener(self.address, &self.limits)?;
        self.bound.set(listener.local_addr()?);
        self.entrance.open(listener);
        Ok(())
    }

    /// Answers on the address that [`Listen::open`] took that the node is starting, until the server
    /// takes it over.
    ///
    /// # Errors
    /// There is no place to run.
    pub fn attend(&self, realm: &Arc<Realm>, node: &Arc<Node>) -> Result<(), SpawnError> {
        self.entrance.attend(realm, node)
    }

    /// Tells where the server listens once it does.
    #[must_use]
    pub fn bound(&self) -> Bound {
        self.bound.clone()
    }
}

/// The address on which a server listens. It stays the same when the server is restarted.
#[derive(Debug, Clone, Default)]
pub struct Bound(Arc<OnceLock<SocketAddr>>);

impl Bound {
    /// The address, with the port that the system chose. `None` before the first start.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.get().copied()
    }

    pub(super) fn set(&self, address: SocketAddr) {
        // The first start decides; later ones listen there.
        let _ = self.0.set(address);
    }
}

/// The HTTP server of a node, as the last child of the node's supervisor: it is the first to stop,
/// and lets requests under way end.
///
/// An address that cannot be listened on is an error of its start.
#[must_use]
pub fn spec(node: Arc<Node>, listen: Listen) -> ChildSpec {
    let end = listen.limits.drain.saturating_add(CLOSING_TIME + MARGIN);
    let make = move |_: &_| Server::bind(&node, &listen).map_err(StartError::failed);
    ChildSpec::worker("gateway", ActorSpec::fallible(make)).shutdown(Shutdown::Within(end))
}
