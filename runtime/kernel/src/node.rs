//! The node: what all of its actors share.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use oxbeam_protocol::commitment::{self, CommitRequest, Proven, has_claims};
use oxbeam_protocol::{Id, Message, NoContent, Value, Wallet};
use oxbeam_store::{LocalStore, Store};
use oxbeam_supervisor::{Children, Realm, SupervisorError};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::configuration::NodeMessage;
use crate::content::Contents;
use crate::context::Context;
use crate::devices::Devices;
use crate::error::CallError;
use crate::follow::Followers;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::process::{ProcessActor, Waits};
use crate::quarantine::Quarantine;
use crate::remote::Remote;
use crate::resolver::Sharing;
use crate::scheduler::{Assigned, Schedulers};
use crate::trace::Traces;

/// A node. What decides a result lies in messages and in the store; here are handles and the
/// configuration.
pub struct Node {
    configuration: ArcSwap<NodeMessage>,
    /// Held while the configuration is changed, so that no change is lost.
    changing: Mutex<()>,
    wallet: Arc<Wallet>,
    address: Arc<str>,
    devices: Arc<Devices>,
    /// There while the store runs.
    store: Arc<ArcSwapOption<LocalStore>>,
    pool: Pool,
    sharing: Sharing,
    realm: Arc<Realm>,
    on_demand: OnDemand,
    waits: Waits,
    courier: Notify,
    remote: Remote,
    metrics: Metrics,
    traces: Traces,
    quarantine: Quarantine,
    followers: Followers,
    assigned: Arc<Assigned>,
}

/// The actors that are started on demand.
#[derive(Debug)]
pub(crate) struct OnDemand {
    pub(crate) schedulers: Schedulers,
    pub(crate) processes: Children<Id, ProcessActor>,
    pub(crate) pasts: Children<Id, ProcessActor>,
}

impl Node {
    pub(crate) fn new(
        wallet: Wallet,
        configuration: NodeMessage,
        devices: Arc<Devices>,
        pool: Pool,
        realm: Arc<Realm>,
        on_demand: OnDemand,
        remote: Remote,
    ) -> Self {
        Self {
            metrics: Metrics::of(&devices),
            traces: Traces::default(),
            followers: Followers::default(),
            assigned: Arc::default(),
            remote,
            on_demand,
            waits: Waits::default(),
            quarantine: Quarantine::default(),
            courier: Notify::new(),
            configuration: ArcSwap::from_pointee(configuration),
            changing: Mutex::default(),
            address: wallet.address().to_string().into(),
            wallet: Arc::new(wallet),
            devices,
            store: Arc::default(),
            pool,
            sharing: Sharing::default(),
            realm,
        }
    }

    /// The configuration that is in force.
    #[must_use]
    pub fn configuration(&self) -> Arc<NodeMessage> {
        self.configuration.load_full()
    }

    /// Changes the configuration. Changes come one after another: each sees what those before it
    /// did. Requests under way keep what they began with.
    ///
    /// # Errors
    /// What `change` says; nothing is changed then.
    pub fn configure<E>(
        &self,
        change: impl FnOnce(&NodeMessage) -> Result<NodeMessage, E>,
    ) -> Result<Arc<NodeMessage>, E> {
        let _changing = self.changing.lock();
        let changed = Arc::new(change(&self.configuration.load())?);
        self.configuration.store(changed.clone());
        Ok(changed)
    }

    /// The key with which the node signs.
    #[must_use]
    pub fn wallet(&self) -> &Arc<Wallet> {
        &self.wallet
    }

    /// The wallet's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The devices.
    #[must_use]
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// What this life has put into the log.
    pub(crate) fn assigned(&self) -> &Arc<Assigned> {
        &self.assigned
    }

    /// Threads for work that takes long.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The supervision tree.
    #[must_use]
    pub fn realm(&self) -> &Arc<Realm> {
        &self.realm
    }

    /// What the node measures.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Who takes its traces.
    pub(crate) const fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Who is told when a process goes on.
    pub(crate) const fn followers(&self) -> &Followers {
        &self.followers
    }

    /// Other nodes.
    pub(crate) const fn remote(&self) -> &Remote {
        &self.remote
    }

    /// What wakes the courier.
    pub(crate) const fn courier(&self) -> &Notify {
        &self.courier
    }

    /// The schedulers of the processes that are being written to.
    pub(crate) const fn schedulers(&self) -> &Schedulers {
        &self.on_demand.schedulers
    }

    /// Starts an actor of a process again that was set aside by its supervisor, in the group
    /// `schedulers`, `processes` or `pasts`.
    ///
    /// # Errors
    /// [`SupervisorError`]; there is no such group.
    pub async fn resume_actor(&self, group: &str, process: Id) -> Result<(), SupervisorError> {
        let OnDemand { schedulers, processes, pasts } = &self.on_demand;
        match group {
            "schedulers" => schedulers.resume(&process).await.map(drop),
            "processes" => processes.resume(&process).await.map(drop),
            "pasts" => pasts.resume(&process).await.map(drop),
            _ => Err(SupervisorError::NotFound),
        }
    }

    pub(crate) fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    pub(crate) const fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    pub(crate) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// The actors of the processes that are computed.
    #[must_use]
    pub fn processes(&self) -> &Children<Id, ProcessActor> {
        &self.on_demand.processes
    }

    /// The actors of the processes of which earlier slots are read.
    #[must_use]
    pub fn pasts(&self) -> &Children<Id, ProcessActor> {
        &self.on_demand.pasts
    }

    pub(crate) fn store_place(&self) -> &Arc<ArcSwapOption<LocalStore>> {
        &self.store
    }

    /// The store, with what only one machine's store can do.
    ///
    /// # Errors
    /// [`CallError::Unavailable`] while it is restarted.
    pub fn local_store(&self) -> Result<Arc<LocalStore>, CallError> {
        self.store.load_full().ok_or_else(|| CallError::Unavailable {
            what: "the store".into(),
            reason: "it is being opened".into(),
        })
    }

    /// The store.
    ///
    /// # Errors
    /// [`CallError::Unavailable`] while it is restarted.
    pub fn store(&self) -> Result<Arc<dyn Store>, CallError> {
        Ok(self.local_store()?)
    }

    /// The messages that the node keeps.
    ///
    /// # Errors
    /// [`CallError::Unavailable`] while the store is restarted.
    pub fn contents(&self) -> Result<Contents, CallError> {
        Ok(Contents::new(self.store()?, self.pool.clone()))
    }

    /// A request of the node itself, or of somebody who is told about by `cancelled`.
    #[must_use]
    pub fn context(self: &Arc<Self>, cancelled: CancellationToken) -> Context {
        Context::new(self.clone(), cancelled)
    }

    /// Signs a message with the node's key.
    ///
    /// `device` is the form of the commitment, `httpsig@1.0` unless said otherwise. A message that
    /// carries its hashpath is signed with it as `tag`.
    ///
    /// # Errors
    /// A message that cannot be written, or a device that makes no commitments.
    pub async fn sign(
        &self,
        message: Message,
        device: Option<Bytes>,
    ) -> Result<Message, CallError> {
        let mut request = CommitRequest { device, ..CommitRequest::default() };
        if let Some(Value::Bytes(hashpath)) = message.private(crate::resolver::HASHPATH) {
            request.parameters.insert("tag", hashpath.clone());
        }
        self.commit(message, request).await
    }

    /// Adds a commitment of the node to a message.
    ///
    /// # Errors
    /// As [`commitment::commit`].
    pub async fn commit(
        &self,
        message: Message,
        request: CommitRequest,
    ) -> Result<Message, CallError> {
        let wallet = self.wallet.clone();
        let sign = move || commitment::commit(&message, &request, &wallet, &NoContent);
        Ok(self.pool.run("the signer", sign).await??)
    }

    /// What of a message from outside is vouched for. Only that may reach a device or the store.
    ///
    /// # Errors
    /// [`CallError::Verify`] if a commitment does not hold.
    pub async fn authenticate(&self, message: Message) -> Result<Proven, CallError> {
        let verify = move || Proven::new(&message, &NoContent);
        Ok(self.pool.run("the verifier", verify).await??)
    }

    /// What a device or a guest has made, without the commitments that it only claims. Only that may
    /// be named, kept or sent.
    ///
    /// # Errors
    /// The verifier does not answer.
    pub async fn prove_made(&self, message: Message) -> Result<Proven, CallError> {
        if !has_claims(&message) {
            return Ok(Proven::of_made(&message, &NoContent));
        }
        self.pool.run("the verifier", move || Proven::of_made(&message, &NoContent)).await
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("address", &self.address).finish_non_exhaustive()
    }
}
