//! A child of a supervisor: what to start, and what to do when it ends.

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use actix::{Actor, Context};

use super::ActorSpec;
use crate::{
    actor_ref::ActorRef,
    exit::ExitReason,
    realm::{Origin, SpawnError},
    supervisor::{AutoShutdown, SupervisorSpec},
};

/// When a child is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// Unless it ended normally ([`crate::ExitReason::is_normal`]).
    Transient,
    /// Never; its spec is forgotten when it ends, also when a sibling's failure ended it.
    Temporary,
}

impl Restart {
    /// Whether a child that ended so is started again.
    pub(crate) fn follows(self, reason: &ExitReason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !reason.is_normal(),
            Self::Temporary => false,
        }
    }

    /// In a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Temporary => "temporary",
        }
    }
}

/// How a child is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Killed at once.
    Brutal,
    /// Asked, and killed when it has not ended in time.
    Within(Duration),
    /// Asked, and waited for. For supervisors, whose own children have limits.
    Infinity,
}

impl Shutdown {
    /// Whether a child that was asked to end so ended in another way.
    pub(crate) fn missed(self, reason: &ExitReason) -> bool {
        match self {
            Self::Brutal => *reason != ExitReason::Killed,
            Self::Within(_) | Self::Infinity => !reason.is_normal(),
        }
    }
}

/// What a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An actor that does work.
    Worker,
    /// A supervisor.
    Supervisor,
}

/// OTP's default for a worker.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(5);
/// How long a worker may take to start before it counts as failed.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a killed child may take to notice, before it is given up as stuck.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(5);

/// One child of a supervisor.
#[derive(Clone)]
pub struct ChildSpec {
    pub(crate) id: Arc<str>,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) start_limit: Option<Duration>,
    pub(crate) significant: bool,
    pub(crate) kind: Kind,
    pub(crate) start: Arc<dyn Start>,
}

/// Starts an actor of a type that only it knows.
pub(crate) trait Start: Send + Sync {
    fn start(&self, origin: Origin) -> Result<ActorRef, SpawnError>;
    fn check(&self) -> Result<(), SpecError>;
}

struct StartActor<A: Actor<Context = Context<A>>> {
    actor: Arc<ActorSpec<A>>,
    /// What is wrong with it, told when it is given to a supervisor.
    check: Result<(), SpecError>,
}

impl<A: Actor<Context = Context<A>>> Start for StartActor<A> {
    fn start(&self, origin: Origin) -> Result<ActorRef, SpawnError> {
        origin.launch(self.actor.clone()).map(|mailbox| mailbox.actor_ref())
    }

    fn check(&self) -> Result<(), SpecError> {
        self.check.clone()
    }
}

impl ChildSpec {
    /// A worker: permanent, five seconds to shut down, sixty to start.
    pub fn worker<A: Actor<Context = Context<A>>>(
        id: impl Into<Arc<str>>,
        actor: ActorSpec<A>,
    ) -> Self {
        let check = actor.check();
        Self::start(id, StartActor { actor: Arc::new(actor), check })
    }

    fn start(id: impl Into<Arc<str>>, start: impl Start + 'static) -> Self {
        Self {
            id: id.into(),
            restart: Restart::Permanent,
            shutdown: Shutdown::Within(SHUTDOWN),
            start_limit: Some(START_LIMIT),
            significant: false,
            kind: Kind::Worker,
            start: Arc::new(start),
        }
    }

    /// A supervisor: permanent, and given all the time that its own children need.
    pub fn supervisor(id: impl Into<Arc<str>>, supervisor: SupervisorSpec) -> Self {
        let check = supervisor.check();
        Self::supervising(id, supervisor.into_actor(), check)
    }

    /// A supervisor of any kind, and what is wrong with it.
    pub(crate) fn supervising<A: Actor<Context = Context<A>>>(
        id: impl Into<Arc<str>>,
        actor: ActorSpec<A>,
        check: Result<(), SpecError>,
    ) -> Self {
        Self {
            shutdown: Shutdown::Infinity,
            start_limit: None,
            kind: Kind::Supervisor,
            ..Self::start(id, StartActor { actor: Arc::new(actor), check })
        }
    }

    /// When it is started again.
    #[must_use]
    pub fn restart(self, restart: Restart) -> Self {
        Self { restart, ..self }
    }

    /// How it is stopped.
    #[must_use]
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }

    /// How long it may take to start.
    #[must_use]
    pub fn start_limit(self, limit: Duration) -> Self {
        Self { start_limit: Some(limit), ..self }
    }

    /// Makes its end count towards the supervisor's automatic shutdown.
    #[must_use]
    pub fn significant(self) -> Self {
        Self { significant: true, ..self }
    }

    /// Its id, unique among its siblings.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What is wrong with it under a supervisor that shuts down so.
    pub(crate) fn check(&self, auto_shutdown: AutoShutdown) -> Result<(), SpecError> {
        let id = || self.id.clone();
        if self.id.is_empty() || self.id.contains('/') {
            return Err(SpecError::BadId { id: id() });
        }
        if self.significant && self.restart == Restart::Permanent {
            return Err(SpecError::SignificantPermanent { id: id() });
        }
        if self.significant && auto_shutdown == AutoShutdown::Never {
            return Err(SpecError::SignificantNever { id: id() });
        }
        if self.start_limit == Some(Duration::ZERO) {
            return Err(SpecError::ZeroStartLimit { id: id() });
        }
        self.start.check()
    }
}

/// OTP's `check_childspecs`: what is wrong with these children, together and each.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_child_specs(children: &[ChildSpec], auto: AutoShutdown) -> Result<(), SpecError> {
    let mut ids = HashSet::new();
    for child in children {
        child.check(auto)?;
        if !ids.insert(&child.id) {
            return Err(SpecError::DuplicateId { id: child.id.clone() });
        }
    }
    Ok(())
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .field("significant", &self.significant)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Why a spec is refused. Found when it is given, not when it runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// An id is empty or holds a slash, which separates the names of a path.
    #[error("child id {id:?} is empty or contains a slash")]
    BadId {
        /// The id.
        id: Arc<str>,
    },
    /// Two children have one id.
    #[error("two children have the id {id}")]
    DuplicateId {
        /// The id.
        id: Arc<str>,
    },
    /// A significant child is permanent: it never ends for good.
    #[error("significant child {id} is permanent")]
    SignificantPermanent {
        /// The id.
        id: Arc<str>,
    },
    /// A significant child under a supervisor that never shuts down by itself.
    #[error("significant child {id} under a supervisor without automatic shutdown")]
    SignificantNever {
        /// The id.
        id: Arc<str>,
    },
    /// A child that has no time to start.
    #[error("child {id} has no time to start")]
    ZeroStartLimit {
        /// The id.
        id: Arc<str>,
    },
    /// The period of an intensity is zero.
    #[error("the period of the restart intensity is zero")]
    ZeroPeriod,
    /// An actor that may not have a message waiting.
    #[error("the queue limit is zero")]
    ZeroQueueLimit,
    /// A concurrent actor that may not have a call in flight.
    #[error("the limit of concurrent calls is zero")]
    ZeroCallLimit,
    /// A backoff whose numbers contradict each other.
    #[error("the backoff is out of order: {what}")]
    BadBackoff {
        /// Which number.
        what: &'static str,
    },
    /// A limit is larger than it may be.
    #[error("{what} is over {limit}")]
    OverLimit {
        /// Which one.
        what: &'static str,
        /// The largest that it may be.
        limit: usize,
    },
    /// A limit of the realm or of a supervisor is zero.
    #[error("{what} is zero")]
    ZeroLimit {
        /// Which limit.
        what: &'static str,
    },
}
