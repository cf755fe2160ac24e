//! A node of its own for each test: the real tree, with its store in memory.

use std::sync::Arc;

use oxbeam_kernel::{Boot, CallError, Context, Node, NodeMessage, Outcome, Row, StorePlace};
use oxbeam_protocol::{Message, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, State, SupervisorRef};
use tokio_util::sync::CancellationToken;

/// A node that runs until it is dropped.
pub(crate) struct TestNode {
    pub(crate) node: Arc<Node>,
    disk: MemoryDisk,
    wallet: String,
    root: SupervisorRef,
}

impl TestNode {
    /// A node with an empty store and the default configuration.
    pub(crate) async fn start() -> Self {
        Self::configured(NodeMessage::default()).await
    }

    pub(crate) async fn configured(configuration: NodeMessage) -> Self {
        Self::with_devices(configuration, Vec::new()).await
    }

    /// A node that has devices of the test besides its own.
    pub(crate) async fn with_devices(configuration: NodeMessage, devices: Vec<Row>) -> Self {
        let wallet = Wallet::generate_secp256k1().unwrap().to_text().unwrap().to_string();
        Self::boot(configuration, devices, MemoryDisk::default(), wallet).await
    }

    /// A node that goes on from what lies on a disk.
    pub(crate) async fn with(wallet: Wallet, disk: MemoryDisk, configuration: NodeMessage) -> Self {
        let wallet = wallet.to_text().unwrap().to_string();
        Self::boot(configuration, Vec::new(), disk, wallet).await
    }

    /// The node after it has ended and was started again on the same disk.
    pub(crate) async fn restarted(self, configuration: NodeMessage, devices: Vec<Row>) -> Self {
        let (disk, wallet) = (self.disk.clone(), self.wallet.clone());
        self.stop().await;
        Self::boot(configuration, devices, disk, wallet).await
    }

    async fn boot(
        configuration: NodeMessage,
        devices: Vec<Row>,
        disk: MemoryDisk,
        wallet: String,
    ) -> Self {
        let boot = Boot {
            wallet: Wallet::from_text(&wallet).unwrap(),
            configuration,
            devices: oxbeam_devices::table().into_iter().chain(devices).collect(),
            store: StorePlace::Memory(disk.clone()),
            store_config: StoreConfig::default(),
            realm: Realm::new(RealmConfig::default()).unwrap(),
        };
        let realm = boot.realm.clone();
        let (node, spec) = boot.build().unwrap();
        let root = realm.start("node", spec).await.unwrap();
        Self { node, disk, wallet, root }
    }

    pub(crate) fn context(&self) -> Context {
        self.node.context(CancellationToken::new())
    }

    /// Ends the node in order.
    pub(crate) async fn stop(self) {
        self.root.actor().shutdown();
        self.root.actor().reaches(|state| state == State::Gone).await;
    }

    /// Evaluates a path with these keys.
    pub(crate) async fn run(&self, path: &str, message: Message) -> Result<Outcome, CallError> {
        self.context().run(&message.with("path", path)).await
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.root.actor().kill();
    }
}
