//! Dynamic supervisors: many children of one kind, each by its key, each on its own account.
//!
//! OTP's intensity belongs to the supervisor: one poisoned child among ten thousand would take them
//! all along. Here each child has a budget of its own, waits longer after each failure, and is put
//! into quarantine when the budget is spent, where it is visible and waits for somebody to resume
//! it. Its siblings do not notice.

mod actor;
mod children;
mod directory;
mod entry;
mod leaving;
mod policy;
mod sleeping;

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use actix::{Actor, Context};

pub use actor::DynamicSupervisor;
pub use children::{Children, Quarantined};
pub use policy::Backoff;

use crate::{
    scheduler::Placement,
    spec::{ActorSpec, ChildSpec, Restart, SHUTDOWN, START_LIMIT, Shutdown, SpecError},
};

/// What names a child of a dynamic supervisor.
pub trait Key: Clone + Eq + Hash + fmt::Display + Send + Sync + Unpin + 'static {}

impl<K: Clone + Eq + Hash + fmt::Display + Send + Sync + Unpin + 'static> Key for K {}

type MakeSpec<K, A> = Arc<dyn Fn(&K) -> ActorSpec<A> + Send + Sync>;
type Dice = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A dynamic supervisor and what its children are made of.
pub struct DynamicSpec<K: Key, A: Actor<Context = Context<A>>> {
    make: MakeSpec<K, A>,
    backoff: Backoff,
    restart: Restart,
    shutdown: Shutdown,
    start_limit: Duration,
    passivate: Option<Duration>,
    max_children: usize,
    placement: Placement,
    dice: Dice,
}

/// Children of one dynamic supervisor, unless its spec says otherwise.
const MAX_CHILDREN: usize = 1_000_000;

impl<K: Key, A: Actor<Context = Context<A>>> DynamicSpec<K, A> {
    /// Children made by `make`, restarted unless they end normally.
    pub fn new(make: impl Fn(&K) -> ActorSpec<A> + Send + Sync + 'static) -> Self {
        Self {
            make: Arc::new(make),
            backoff: Backoff::default(),
            restart: Restart::Transient,
            shutdown: Shutdown::Within(SHUTDOWN),
            start_limit: START_LIMIT,
            passivate: None,
            max_children: MAX_CHILDREN,
            placement: Placement::Here,
            dice: Arc::new(fastrand::f64),
        }
    }

    /// How often and how fast a failing child is started again.
    #[must_use]
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// When a child is started again.
    #[must_use]
    pub fn restart(self, restart: Restart) -> Self {
        Self { restart, ..self }
    }

    /// How the children are stopped, all at once.
    #[must_use]
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }

    /// How long a child may take to start; then it is killed, and that is a failure. Default 60 s.
    #[must_use]
    pub fn start_limit(self, start_limit: Duration) -> Self {
        Self { start_limit, ..self }
    }

    /// Lets a child leave that has had nothing to do for so long, and up to twice as long. It comes
    /// back with the next message; none is lost. It stays while a future, a stream or a timer of its
    /// own is left, or if it answers `Continue` in `stopping`.
    #[must_use]
    pub fn passivate_after(self, idle: Duration) -> Self {
        Self { passivate: Some(idle), ..self }
    }

    /// How many children there may be, those in quarantine included.
    #[must_use]
    pub fn max_children(self, max_children: usize) -> Self {
        Self { max_children, ..self }
    }

    /// Which threads the supervisor itself runs on; its children go where their specs say.
    #[must_use]
    pub fn placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// Where the jitter's numbers come from, each from 0 up to 1.
    #[must_use]
    pub fn dice(self, dice: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self { dice: Arc::new(dice), ..self }
    }

    /// The supervisor as a child of another, and the handle to its own children, which stays good
    /// across restarts of the supervisor.
    pub fn into_child(self, id: impl Into<Arc<str>>) -> (Children<K, A>, ChildSpec) {
        let check = self.check();
        let placement = self.placement;
        let children = Children::new(self);
        let handle = children.clone();
        let actor =
            ActorSpec::fallible(move |birth| Ok(DynamicSupervisor::new(children.clone(), birth)))
                .placement(placement)
                .acknowledged()
                .trap_exits();
        (handle, ChildSpec::supervising(id, actor, check))
    }

    fn check(&self) -> Result<(), SpecError> {
        if self.max_children == 0 {
            return Err(SpecError::ZeroLimit { what: "max_children" });
        }
        if self.passivate == Some(Duration::ZERO) {
            return Err(SpecError::ZeroLimit { what: "passivate_after" });
        }
        if self.start_limit.is_zero() {
            return Err(SpecError::ZeroLimit { what: "start_limit" });
        }
        self.backoff.check()
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> fmt::Debug for DynamicSpec<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicSpec").field("backoff", &self.backoff).finish_non_exhaustive()
    }
}
