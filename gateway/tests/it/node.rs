//! A node of its own for each test, with its store in memory and a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use oxbeam_gateway::http::{Bound, Limits, Listen, spec};
use oxbeam_kernel::{
    Boot, Call, CallError, Device, Node, NodeMessage, Outcome, Reply, Row, StorePlace,
};
use oxbeam_protocol::{Message, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, SpawnError, SupervisorRef};
use tokio::sync::Notify;

use crate::client::{Client, Response};
use crate::hooks::Hooked;
use crate::processes::Echo;

/// A device that tells how many of its calls are under way, answers when it is told to or nobody
/// waits any more, and panics when it is asked to, or to compute.
#[derive(Debug, Default)]
pub(crate) struct Gated {
    pub(crate) under_way: AtomicUsize,
    /// Told each time that a call begins or ends.
    pub(crate) changed: Notify,
    pub(crate) open: Notify,
}

struct Under(Arc<Gated>);

impl Drop for Under {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
        self.0.changed.notify_one();
    }
}

impl Device for Gated {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "wait" | "panic" | "compute")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            assert_eq!(call.function(), "wait", "asked to panic");
            self.under_way.fetch_add(1, SeqCst);
            let _under = Under(self.clone());
            self.changed.notify_one();
            tokio::select! {
                () = self.open.notified() => Ok(Outcome::ok("opened")),
                () = call.context.cancelled() => Err(CallError::Cancelled),
            }
        })
    }
}

impl Gated {
    /// Waits until so many calls are under way.
    pub(crate) async fn reaches(&self, count: usize) {
        while self.under_way.load(SeqCst) != count {
            self.changed.notified().await;
        }
    }
}

/// A node that runs until it is dropped.
pub(crate) struct TestNode {
    pub(crate) node: Arc<Node>,
    pub(crate) address: SocketAddr,
    pub(crate) gated: Arc<Gated>,
    pub(crate) root: SupervisorRef,
    pub(crate) disk: MemoryDisk,
}

impl TestNode {
    pub(crate) async fn start() -> Self {
        Self::limited(Limits::default()).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        Self::with(limits, NodeMessage::default()).await
    }

    pub(crate) async fn with(limits: Limits, configuration: NodeMessage) -> Self {
        let gated = Arc::new(Gated::default());
        let limits = Limits { workers: 1, ..limits };
        let listen = Listen::new((Ipv4Addr::LOCALHOST, 0).into()).limits(limits);
        let bound = listen.bound();
        let disk = MemoryDisk::default();
        let launched = launch(gated.clone(), listen, configuration, disk.clone()).await;
        let (node, root) = launched.unwrap();
        Self { node, address: bound.address().unwrap(), gated, root, disk }
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn send(&self, head: &str, body: &[u8]) -> Response {
        let mut client = Client::connect(self.address).await;
        client.request(head, body).await;
        client.response().await
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: test\r\naccept-bundle: true"), b"").await
    }
}

/// Starts a node that listens so.
pub(crate) async fn launch(
    gated: Arc<Gated>,
    listen: Listen,
    configuration: NodeMessage,
    disk: MemoryDisk,
) -> Result<(Arc<Node>, SupervisorRef), SpawnError> {
    let mut devices = oxbeam_devices::table();
    devices.push(Row { names: &["gated@1.0"], device: gated });
    devices.push(Row { names: &["echo@1.0"], device: Arc::new(Echo) });
    devices.push(Row { names: &["hooked@1.0"], device: Arc::new(Hooked) });
    let realm = Realm::new(RealmConfig::default()).unwrap();
    let boot = Boot {
        wallet: Wallet::generate_secp256k1().unwrap(),
        configuration,
        devices,
        store: StorePlace::Memory(disk),
        store_config: StoreConfig::default(),
        realm: realm.clone(),
    };
    let (node, tree) = boot.build().unwrap();
    listen.attend(&realm, &node)?;
    let root = realm.start("node", tree.child(spec(node.clone(), listen))).await?;
    Ok((node, root))
}

/// Where a server listens that was told to listen here.
pub(crate) fn listening(address: SocketAddr) -> (Listen, Bound) {
    let listen = Listen::new(address);
    let bound = listen.bound();
    (listen, bound)
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.root.actor().kill();
    }
}
