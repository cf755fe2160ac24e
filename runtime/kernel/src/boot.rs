//! How a node starts: its supervision tree.
//!
//! ```text
//! node            rest_for_one
//! ├── store       opens the store; if it ends, all that is below is started anew
//! ├── devices     one_for_one: for each thread, an actor for each device
//! ├── schedulers  dynamic: an actor for each process that is being written to
//! ├── processes   dynamic: an actor for each process that is computed
//! ├── pasts       dynamic: an actor for each process of which earlier slots are read
//! ├── outbox      delivers what processes send and nobody pushes any more
//! ├── requests    one_for_one: for each control thread, an actor that takes requests
//! ├── start       runs the `start` hook, once
//! └── timers      makes the requests that are due
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oxbeam_protocol::Wallet;
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{
    ChildSpec, Intensity, Placement, Realm, Restart, Strategy, SupervisorSpec,
};

use crate::configuration::NodeMessage;
use crate::device::DeviceActor;
use crate::devices::{Devices, Row};
use crate::node::{Node, OnDemand};
use crate::outbox::CourierActor;
use crate::pool::Pool;
use crate::process;
use crate::remote::{Networks, Remote};
use crate::request::RequestActor;
use crate::scheduler;
use crate::start::StartActor;
use crate::store::StoreActor;
use crate::timers::TimersActor;

/// How often parts of the node may fail before it gives up: a store whose disk fails now and then
/// is opened again, one that fails all the time ends the node with a code.
const INTENSITY: Intensity = Intensity { restarts: 10, period: Duration::from_secs(60) };

/// Where the store lies.
#[derive(Debug, Clone)]
pub enum StorePlace {
    /// In a folder.
    Folder(PathBuf),
    /// In memory: for tests, and for a node that is to forget.
    Memory(MemoryDisk),
}

/// What a node is made of.
#[derive(Debug)]
pub struct Boot {
    /// With which it signs.
    pub wallet: Wallet,
    /// What it is configured to do.
    pub configuration: NodeMessage,
    /// Which devices it has; one of them is `message@1.0`.
    pub devices: Vec<Row>,
    /// Where it keeps what it keeps.
    pub store: StorePlace,
    /// How.
    pub store_config: StoreConfig,
    /// The realm of its actors, with its threads.
    pub realm: Arc<Realm>,
}

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// The table of devices lacks the one that answers everything else.
    #[error("the node has no device message@1.0")]
    NoIdentity,
    /// The system gives no threads.
    #[error("failed to start the pool's threads")]
    NoThreads(#[from] std::io::Error),
}

/// To which addresses the node sends.
fn networks(configuration: &NodeMessage) -> Networks {
    match configuration.message.get("remote_networks") {
        Some(networks) if networks.is_name("any") => Networks::Any,
        _ => Networks::Public,
    }
}

impl Boot {
    /// The node, and its tree for [`oxbeam_supervisor::run`] or [`Realm::start`]. Whoever serves it
    /// adds what comes last.
    ///
    /// # Errors
    /// A table without `message@1.0`; a system that gives no threads.
    pub fn build(self) -> Result<(Arc<Node>, SupervisorSpec), BootError> {
        let Self { wallet, configuration, devices, store, store_config, realm } = self;
        let devices = Arc::new(Devices::new(devices).ok_or(BootError::NoIdentity)?);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = Pool::new(cores)?;
        let idle = configuration.settings.passivate_after;
        let remote = Remote::new(networks(&configuration));
        let mut dynamic = Vec::new();
        let node = Arc::new_cyclic(|node| {
            let (schedulers, child) = scheduler::schedulers(node.clone(), idle);
            let (processes, present) = process::spec(node, idle, false).into_child("processes");
            let (pasts, past) = process::spec(node, idle, true).into_child("pasts");
            dynamic.extend([child, present, past]);
            let children = OnDemand { schedulers, processes, pasts };
            let (devices, realm) = (devices.clone(), realm.clone());
            Node::new(wallet, configuration, devices, pool, realm, children, remote)
        });
        let store = StoreActor::spec(store, store_config, &node);
        let threads = Threads::of(&realm);
        let devices = ChildSpec::supervisor("devices", threads.devices(&devices));
        let requests = ChildSpec::supervisor("requests", threads.requests(&node));
        let outbox = ChildSpec::worker("outbox", CourierActor::spec(&node));
        let timers = ChildSpec::worker("timers", TimersActor::spec(&node));
        let last = [outbox, requests, StartActor::spec(&node), timers];
        let after_store = [devices].into_iter().chain(dynamic).chain(last);
        let spec = SupervisorSpec::new()
            .strategy(Strategy::RestForOne)
            .intensity(INTENSITY)
            .child(ChildSpec::worker("store", store));
        let spec =
            after_store.fold(spec, |spec, child| spec.child(child.restart(Restart::Permanent)));
        Ok((node, spec))
    }
}

/// The threads of a realm, by name.
struct Threads {
    control: Vec<(String, Placement)>,
    compute: Vec<(String, Placement)>,
}

impl Threads {
    fn of(realm: &Realm) -> Self {
        let (control, compute) = realm.schedulers().loads();
        let name = |kind: &str, number| format!("{kind}-{number}");
        let mut control: Vec<_> = (0..control.len())
            .map(|number| (name("control", number), Placement::ControlThread(number)))
            .collect();
        let compute = (0..compute.len())
            .map(|number| (name("compute", number), Placement::ComputeThread(number)))
            .collect();
        if control.is_empty() {
            control.push(("here".into(), Placement::Here));
        }
        Self { control, compute }
    }

    fn devices(&self, devices: &Arc<Devices>) -> SupervisorSpec {
        let all = self.control.iter().chain(&self.compute);
        all.fold(SupervisorSpec::new(), |spec, (thread, placement)| {
            let mut actors = SupervisorSpec::new();
            for number in 0..devices.len() {
                if let Some(actor) = DeviceActor::spec(number, devices) {
                    let actor = actor.placement(*placement);
                    actors = actors.child(ChildSpec::worker(devices.name(number), actor));
                }
            }
            spec.child(ChildSpec::supervisor(thread.as_str(), actors))
        })
    }

    fn requests(&self, node: &Arc<Node>) -> SupervisorSpec {
        self.control.iter().fold(SupervisorSpec::new(), |spec, (thread, placement)| {
            let actor = RequestActor::spec(node).placement(*placement);
            spec.child(ChildSpec::worker(thread.as_str(), actor))
        })
    }
}
