//! A node of its own for each test: the real tree, with its store in memory.

use std::sync::Arc;

use actix_rt::Arbiter;
use oxbeam_kernel::{
    Answer, Boot, CallError, Context, Node, NodeMessage, Outcome, Row, StorePlace,
};
use oxbeam_protocol::commitment::{self, CommitRequest, Proven};
use oxbeam_protocol::{Message, NoContent, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, Schedulers, State, SupervisorRef};
use tokio_util::sync::CancellationToken;

/// A node that runs until it is dropped.
pub(crate) struct TestNode {
    pub(crate) node: Arc<Node>,
    disk: MemoryDisk,
    wallet: String,
    root: SupervisorRef,
    /// Those of its own; without any, all of it runs on the test's.
    threads: Vec<Arbiter>,
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
    pub(crate) async fn on_disk(
        wallet: Wallet,
        disk: MemoryDisk,
        configuration: NodeMessage,
    ) -> Self {
        let wallet = wallet.to_text().unwrap().to_string();
        Self::boot(configuration, Vec::new(), disk, wallet).await
    }

    /// The node after it has ended and was started again on the same disk.
    pub(crate) async fn restarted(self, configuration: NodeMessage, devices: Vec<Row>) -> Self {
        let (disk, wallet) = (self.disk.clone(), self.wallet.clone());
        self.stop().await;
        Self::boot(configuration, devices, disk, wallet).await
    }

    /// A node with a control thread and a compute thread, which all its processes share.
    pub(crate) async fn on_threads(configuration: NodeMessage) -> Self {
        let wallet = Wallet::generate_secp256k1().unwrap().to_text().unwrap().to_string();
        let threads = vec![Arbiter::new(), Arbiter::new()];
        let schedulers = Schedulers::on(vec![threads[0].handle()], vec![threads[1].handle()]);
        let realm = Realm::with_schedulers(RealmConfig::default(), schedulers).unwrap();
        let disk = MemoryDisk::default();
        let mut node = Self::boot_in(realm, configuration, Vec::new(), disk, wallet).await;
        node.threads = threads;
        node
    }

    async fn boot(
        configuration: NodeMessage,
        devices: Vec<Row>,
        disk: MemoryDisk,
        wallet: String,
    ) -> Self {
        let realm = Realm::new(RealmConfig::default()).unwrap();
        Self::boot_in(realm, configuration, devices, disk, wallet).await
    }

    async fn boot_in(
        realm: Arc<Realm>,
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
            realm,
        };
        let realm = boot.realm.clone();
        let (node, spec) = boot.build().unwrap();
        let root = realm.start("node", spec).await.unwrap();
        Self { node, disk, wallet, root, threads: Vec::new() }
    }

    /// A node with one more option.
    pub(crate) async fn with(options: Message) -> Self {
        Self::configured(NodeMessage::from_message(&options).unwrap()).await
    }

    /// What is answered to a request from outside.
    pub(crate) async fn answer(&self, singleton: Message) -> Answer {
        let singleton = self.node.authenticate(singleton).await.unwrap();
        self.node.answer(singleton.into_message()).await
    }

    /// What is answered to somebody who waits for so many turns of this thread, and then goes away.
    pub(crate) async fn answer_within(&self, singleton: Message, turns: usize) -> Option<Answer> {
        let singleton = self.node.authenticate(singleton).await.unwrap().into_message();
        let patience = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            answer = self.node.answer(singleton) => Some(answer),
            () = patience => None,
        }
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

/// The message with a commitment of this signer.
pub(crate) fn signed(message: &Message, signer: &Wallet) -> Message {
    commitment::commit(message, &CommitRequest::default(), signer, &NoContent).unwrap()
}

/// The message, which this test has signed or made itself.
pub(crate) fn proven(message: &Message) -> Proven {
    Proven::of_made(message, &NoContent)
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.root.actor().kill();
        self.threads.iter().for_each(|thread| _ = thread.stop());
    }
}
