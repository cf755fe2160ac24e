//! Everything that one program supervises, and what its actors share.

mod config;
mod origin;

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Context};
use parking_lot::Mutex;
use tokio::{sync::broadcast, time::Instant};

pub use config::RealmConfig;
pub use origin::SpawnError;
pub(crate) use origin::{Origin, give_up, place};

use crate::{
    actor_ref::ActorRef,
    address::Address,
    budget::Budget,
    crash::{self, Crash, CrashLog},
    event::{Event, Happening},
    group::Groups,
    inspect::{self, About, ActorId, Index, Part, Snapshot},
    owned::Owned,
    registry::Registry,
    scheduler::Schedulers,
    spec::{ActorSpec, Kind, SpecError},
    supervisor::{SupervisorRef, SupervisorSpec},
    tally::{Tallies, Tally},
};

/// The index of all actors, their names and groups, the budget of messages, events and crashes.
#[derive(Debug)]
pub struct Realm {
    config: RealmConfig,
    epoch: Instant,
    index: Index,
    registry: Registry,
    groups: Groups,
    budget: Budget,
    crashes: CrashLog,
    events: broadcast::Sender<Event>,
    sequence: Mutex<u64>,
    schedulers: Schedulers,
    tallies: Tallies,
}

impl Realm {
    /// A realm that runs every actor on the thread that starts it.
    ///
    /// # Errors
    /// When a limit is zero.
    pub fn new(config: RealmConfig) -> Result<Arc<Self>, SpecError> {
        Self::with_schedulers(config, Schedulers::none())
    }

    /// A realm with threads of its own.
    ///
    /// # Errors
    /// When a limit is zero.
    pub fn with_schedulers(
        config: RealmConfig,
        schedulers: Schedulers,
    ) -> Result<Arc<Self>, SpecError> {
        config.check()?;
        crash::install();
        let realm = Arc::new(Self {
            epoch: Instant::now(),
            index: Index::default(),
            registry: Registry::default(),
            groups: Groups::new(config.max_group_members),
            budget: Budget::new(config.max_queued),
            crashes: CrashLog::new(config.crash_groups),
            events: broadcast::Sender::new(config.event_buffer),
            sequence: Mutex::new(0),
            schedulers,
            tallies: Tallies::default(),
            config,
        });
        Ok(realm)
    }

    /// Starts an actor that nobody supervises: its first end is its last.
    ///
    /// # Errors
    /// When the spec is wrong, the name is taken, or there is no place to run.
    pub fn spawn<A: Actor<Context = Context<A>>>(
        self: &Arc<Self>,
        name: &str,
        spec: ActorSpec<A>,
    ) -> Result<Address<A>, SpawnError> {
        spec.check()?;
        let origin = Origin::root(self.clone(), name, Kind::Worker);
        origin.launch(Arc::new(spec)).map(Address::new)
    }

    /// Starts a supervisor that nobody supervises, and waits until all its children run.
    ///
    /// # Errors
    /// When the spec is wrong, or a child does not start: those before it have been stopped again.
    pub async fn start(
        self: &Arc<Self>,
        name: &str,
        spec: SupervisorSpec,
    ) -> Result<SupervisorRef, SpawnError> {
        let supervisor = self.launch(name, spec)?;
        supervisor.started().await.map_err(|reason| SpawnError::Failed { reason })?;
        Ok(supervisor)
    }

    /// Starts a supervisor that nobody supervises.
    pub(crate) fn launch(
        self: &Arc<Self>,
        name: &str,
        spec: SupervisorSpec,
    ) -> Result<SupervisorRef, SpawnError> {
        spec.check()?;
        let origin = Origin::root(self.clone(), name, Kind::Supervisor);
        let mailbox = origin.launch(Arc::new(spec.into_actor()))?;
        Ok(SupervisorRef::new(Address::new(mailbox)))
    }

    /// The whole tree, or its first `limit` actors after `after`.
    #[must_use]
    pub fn snapshot(&self, after: Option<ActorId>, limit: usize) -> Snapshot {
        self.upper(after, limit, usize::MAX)
    }

    /// The same without what has more than `depth` ancestors: 0 for the roots alone.
    #[must_use]
    pub fn upper(&self, after: Option<ActorId>, limit: usize, depth: usize) -> Snapshot {
        self.gather(limit, |limit| self.index.page(after, limit, depth))
    }

    /// The tree by its parts, each child of a root with all that is under it. Looks at every actor.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<String, Part> {
        inspect::parts(&self.snapshot(None, self.config.max_actors).rows)
    }

    /// The children of one supervisor, or the first `limit` of them after `after`.
    #[must_use]
    pub fn children(&self, of: ActorId, after: Option<ActorId>, limit: usize) -> Snapshot {
        self.gather(limit, |limit| self.index.children(Some(of), after, limit))
    }

    fn gather(&self, limit: usize, page: impl FnOnce(usize) -> Vec<ActorRef>) -> Snapshot {
        let sequence = *self.sequence.lock();
        let mut actors = page(limit.saturating_add(1));
        let more = actors.len() > limit;
        actors.truncate(limit);
        let next = actors.last().map(ActorRef::id).filter(|_| more);
        let rows = actors.iter().map(ActorRef::row).collect();
        Snapshot { sequence, rows, next, queued: self.budget.used() }
    }

    /// Actors in the realm.
    #[must_use]
    pub fn actors(&self) -> usize {
        self.index.len()
    }

    /// An actor by its number.
    #[must_use]
    pub fn find(&self, id: ActorId) -> Option<ActorRef> {
        self.index.find(id)
    }

    /// An actor by its path: the names of its ancestors from the root, and its own, with slashes
    /// between.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<ActorRef> {
        self.index.at(path)
    }

    /// Lifecycle events from now on. A reader that falls behind by more than
    /// [`RealmConfig::event_buffer`] misses the oldest, and is told so.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The latest crashes, grouped.
    #[must_use]
    pub fn crashes(&self) -> &CrashLog {
        &self.crashes
    }

    /// What has happened in each part of the tree, by its name: each child of a root, with all that
    /// is under it.
    #[must_use]
    pub fn tallies(&self) -> Vec<(String, Tally)> {
        self.tallies.all()
    }

    /// Names of actors.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Groups of actors.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The threads that actors are placed on.
    #[must_use]
    pub fn schedulers(&self) -> &Schedulers {
        &self.schedulers
    }

    /// The limits.
    #[must_use]
    pub fn config(&self) -> &RealmConfig {
        &self.config
    }

    /// Time since the realm began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn next_id() -> ActorId {
        static USED: AtomicU64 = AtomicU64::new(0);
        ActorId(NonZeroU64::MIN.saturating_add(USED.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn record(&self, crash: &Arc<Crash>) {
        tracing::error!(
            actor = %crash.path,
            kind = crash.kind,
            place = %crash.place,
            message = crash.message,
            location = %crash.location,
            text = %crash.text,
            "actor panicked"
        );
        self.crashes.record(crash.clone(), self.now());
        self.emit_for(crash.actor, &crash.path, Happening::Crashed { crash: crash.clone() });
    }

    pub(crate) fn emit_traced(&self, about: &About, message: &'static str, took: Duration) {
        self.emit(about, Happening::Handled { message, took });
    }

    pub(crate) fn emit(&self, about: &About, what: Happening) {
        self.emit_for(about.id, &about.path, what);
    }

    fn emit_for(&self, actor: ActorId, path: &Arc<str>, what: Happening) {
        let at = self.now();
        self.tallies.count(path, &what);
        // Under the lock, so that events arrive in the order of their numbers.
        let mut sequence = self.sequence.lock();
        *sequence += 1;
        if self.events.receiver_count() > 0 {
            let event = Event { sequence: *sequence, at, actor, path: path.clone(), what };
            let _ = self.events.send(event); // the last reader has just left
        }
    }

    /// The actors under a supervisor, each after its own.
    pub(crate) fn descendants(&self, of: ActorId) -> Vec<ActorRef> {
        let mut found = self.index.children(Some(of), None, usize::MAX);
        let mut next = 0;
        while let Some(actor) = found.get(next).map(ActorRef::id) {
            found.extend(self.index.children(Some(actor), None, usize::MAX));
            next += 1;
        }
        found
    }

    /// Ends what is under a supervisor that cannot do so any more.
    pub(crate) fn orphan(&self, supervisor: ActorId) {
        self.descendants(supervisor).into_iter().map(Owned).for_each(drop);
    }

    /// Takes a dead actor out of the index, its name and its groups.
    pub(crate) fn forget<A: Actor<Context = Context<A>>>(
        &self,
        actor: &ActorRef,
        spec: &ActorSpec<A>,
    ) {
        self.index.remove(actor);
        if let Some(name) = &spec.name {
            self.registry.remove(name, actor);
        }
        self.groups.leave_all(actor.id());
    }
}
