//! A node of its own for each test: the real tree, with its store in memory.

use std::sync::Arc;

use oxbeam_kernel::{Answer, Boot, CallError, Context, Node, NodeMessage, Outcome, StorePlace};
use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Message, NoContent, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, SupervisorRef};
use tokio_util::sync::CancellationToken;

/// A node that runs until it is dropped.
pub(crate) struct TestNode {
    pub(crate) node: Arc<Node>,
    root: SupervisorRef,
}

impl TestNode {
    /// A node with an empty store and the default configuration.
    pub(crate) async fn start() -> Self {
        Self::configured(NodeMessage::default()).await
    }

    pub(crate) async fn configured(configuration: NodeMessage) -> Self {
        let boot = Boot {
            wallet: Wallet::generate_secp256k1().unwrap(),
            configuration,
            devices: oxbeam_devices::table(),
            store: StorePlace::Memory(MemoryDisk::default()),
            store_config: StoreConfig::default(),
            realm: Realm::new(RealmConfig::default()).unwrap(),
        };
        let realm = boot.realm.clone();
        let (node, spec) = boot.build().unwrap();
        let root = realm.start("node", spec).await.unwrap();
        Self { node, root }
    }

    /// A node with one more option.
    pub(crate) async fn with(options: Message) -> Self {
        Self::configured(NodeMessage { message: options, ..NodeMessage::default() }).await
    }

    /// What is answered to a request from outside.
    pub(crate) async fn answer(&self, singleton: Message) -> Answer {
        let singleton = self.node.authenticate(singleton).await.unwrap();
        self.node.answer(singleton).await
    }

    /// What is answered to a request that somebody has signed.
    pub(crate) async fn answer_signed(&self, request: Message, signer: &Wallet) -> Answer {
        self.answer(signed(&request, signer)).await
    }

    /// What is answered to a request that the node has signed itself.
    pub(crate) async fn answer_own(&self, request: Message) -> Answer {
        self.answer(self.node.sign(request, None).await.unwrap()).await
    }

    pub(crate) fn context(&self) -> Context {
        self.node.context(CancellationToken::new())
    }

    /// Evaluates a path with these keys.
    pub(crate) async fn run(&self, path: &str, message: Message) -> Result<Outcome, CallError> {
        self.context().run(&message.with("path", path)).await
    }
}

/// The message with a commitment of this signer.
pub(crate) fn signed(message: &Message, signer: &Wallet) -> Message {
    commitment::commit(message, &CommitRequest::default(), signer, &NoContent).unwrap()
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.root.actor().kill();
    }
}
