//! A whole node in this process: the real tree, with its store in memory.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use oxbeam_kernel::{Boot, Context, Node, NodeMessage, StorePlace};
use oxbeam_protocol::Wallet;
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, SupervisorRef};
use tokio_util::sync::CancellationToken;

/// A node that runs until it is dropped.
#[derive(Debug)]
pub struct RunningNode {
    node: Arc<Node>,
    root: SupervisorRef,
}

impl RunningNode {
    /// A node with an empty store and the default configuration.
    ///
    /// # Errors
    /// It cannot start.
    pub async fn start(wallet: Wallet) -> Result<Self> {
        let realm = Realm::new(RealmConfig::default())?;
        let boot = Boot {
            wallet,
            configuration: NodeMessage::default(),
            devices: oxbeam_devices::table(),
            store: StorePlace::Memory(MemoryDisk::default()),
            store_config: StoreConfig::default(),
            realm: realm.clone(),
        };
        let (node, spec) = boot.build()?;
        let root = realm.start("node", spec).await.context("the node does not start")?;
        Ok(Self { node, root })
    }

    /// A request of the node itself.
    #[must_use]
    pub fn context(&self) -> Context {
        self.node.context(CancellationToken::new())
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.root.actor().kill();
    }
}
