//! What can be asked of a supervisor, and how it refuses.

use std::sync::Arc;

use crate::{
    actor_ref::ActorRef,
    address::AskError,
    exit::ExitReason,
    spec::{ChildSpec, Kind, SpecError},
};

/// Why a supervisor refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SupervisorError {
    /// The spec is wrong.
    #[error("failed to use the spec")]
    Spec(#[from] SpecError),
    /// A child with this id runs.
    #[error("the child is already started")]
    AlreadyStarted,
    /// A child with this id is known and does not run.
    #[error("the child is already present")]
    AlreadyPresent,
    /// There is no such child.
    #[error("no such child")]
    NotFound,
    /// The child runs.
    #[error("the child is running")]
    Running,
    /// The child is being restarted.
    #[error("the child is being restarted")]
    Restarting,
    /// The child did not start.
    #[error("failed to start the child: {0}")]
    StartFailed(ExitReason),
    /// The supervisor is shutting down.
    #[error("the supervisor is shutting down")]
    ShuttingDown,
    /// Too many calls wait for the supervisor.
    #[error("too many calls wait for the supervisor")]
    Busy,
    /// A dynamic supervisor has no specs to restart or delete.
    #[error("a dynamic supervisor does not do this by id")]
    Dynamic,
    /// A dynamic supervisor is full.
    #[error("the supervisor has its {limit} children")]
    Full {
        /// How many there may be.
        limit: usize,
    },
    /// The supervisor did not answer.
    #[error("failed to ask the supervisor")]
    Ask(#[from] AskError),
}

/// What a child is doing, as its supervisor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildStatus {
    /// Being started for the first time, or by a call.
    Starting,
    /// Running.
    Running,
    /// A restart failed and is tried again.
    Restarting,
    /// Being stopped.
    Stopping,
    /// Not running: ended for good, stopped by a call, or ignored.
    Stopped,
}

/// One child, as `which_children` tells.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildRow {
    /// Its id.
    pub id: Arc<str>,
    /// What it is doing.
    pub status: ChildStatus,
    /// What it is.
    pub kind: Kind,
    /// The actor, if there is one.
    pub actor: Option<ActorRef>,
}

/// What `count_children` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChildCounts {
    /// Children known.
    pub specs: usize,
    /// Children running.
    pub active: usize,
    /// Children that are supervisors, running or not.
    pub supervisors: usize,
    /// Children that are workers, running or not.
    pub workers: usize,
}

/// Adds a child and starts it; answers with none if it was ignored.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Option<ActorRef>, SupervisorError>")]
pub(crate) struct StartChild(pub(crate) ChildSpec);

/// Starts a stopped child again; answers with none if it was ignored.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Option<ActorRef>, SupervisorError>")]
pub(crate) struct RestartChild(pub(crate) Arc<str>);

/// Stops a child and keeps its spec, unless it is temporary.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<(), SupervisorError>")]
pub(crate) struct TerminateChild(pub(crate) Arc<str>);

/// Forgets a stopped child.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<(), SupervisorError>")]
pub(crate) struct DeleteChild(pub(crate) Arc<str>);

/// Lists the children.
#[derive(Debug, actix::Message)]
#[rtype(result = "Vec<ChildRow>")]
pub(crate) struct WhichChildren;

/// Counts the children.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<ChildCounts, SupervisorError>")]
pub(crate) struct CountChildren;

/// Gives a child's spec.
#[derive(Debug, actix::Message)]
#[rtype(result = "Option<ChildSpec>")]
pub(crate) struct ChildSpecOf(pub(crate) Arc<str>);
