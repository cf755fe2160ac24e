//! One child, as the machine sees it.

use std::{sync::Arc, time::Duration};

use crate::{
    exit::ExitReason,
    spec::{ChildSpec, Restart, Shutdown},
    supervisor::ChildStatus,
};

/// Names a child within its supervisor, also after its id has been given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::supervisor) struct Key(pub(super) u64);

/// The part of a spec that the rules depend on.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::supervisor) struct Policy {
    pub(in crate::supervisor) id: Arc<str>,
    pub(in crate::supervisor) restart: Restart,
    pub(in crate::supervisor) shutdown: Shutdown,
    pub(in crate::supervisor) start_limit: Option<Duration>,
    pub(in crate::supervisor) significant: bool,
}

impl From<&ChildSpec> for Policy {
    fn from(spec: &ChildSpec) -> Self {
        Self {
            id: spec.id.clone(),
            restart: spec.restart,
            shutdown: spec.shutdown,
            start_limit: spec.start_limit,
            significant: spec.significant,
        }
    }
}

#[derive(Debug)]
pub(in crate::supervisor) struct Child {
    pub(in crate::supervisor) key: Key,
    pub(in crate::supervisor) policy: Policy,
    pub(super) phase: Phase,
}

/// Names one end of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::supervisor) struct Death(pub(super) u64);

/// Where a child is in its life.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::supervisor) enum Phase {
    Stopped,
    Starting {
        until: Option<Duration>,
    },
    /// It did not start in time and has been killed; what comes next waits until it is over.
    Late {
        until: Option<Duration>,
    },
    Running,
    /// It ended; what to do is not decided yet.
    Dead(ExitReason, Death),
    /// A restart failed; another try is on its way.
    Restarting,
    Stopping {
        until: Option<Duration>,
        killed: bool,
    },
}

impl Phase {
    pub(super) fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Starting { until } | Self::Late { until } | Self::Stopping { until, .. } => {
                *until
            }
            _ => None,
        }
    }

    /// Whether there is an actor, or may be one.
    pub(super) fn alive(&self) -> bool {
        matches!(
            self,
            Self::Starting { .. } | Self::Late { .. } | Self::Running | Self::Stopping { .. }
        )
    }
}

impl Child {
    pub(super) fn temporary(&self) -> bool {
        self.policy.restart == Restart::Temporary
    }

    pub(in crate::supervisor) fn status(&self) -> ChildStatus {
        match self.phase {
            Phase::Stopped => ChildStatus::Stopped,
            Phase::Starting { .. } => ChildStatus::Starting,
            Phase::Running => ChildStatus::Running,
            Phase::Dead(..) | Phase::Restarting => ChildStatus::Restarting,
            Phase::Late { .. } | Phase::Stopping { .. } => ChildStatus::Stopping,
        }
    }
}
