//! Why an actor ended: OTP's exit reasons.

use std::{fmt, sync::Arc};

use crate::crash::Crash;

/// Why an incarnation of an actor ended.
///
/// | Reason | Normal end? | Who gives it |
/// |---|---|---|
/// | `Normal` | yes | the actor stopped by itself |
/// | `Shutdown`, `ShutdownWith` | yes | a supervisor, or the actor in its own words |
/// | `Killed` | no | a kill, which runs no hook and cannot be trapped |
/// | `Panic` | no | a panic in a handler, future, timer or hook |
/// | `Failed` | no | the actor, by [`crate::ContextExt::fail`] |
/// | `StartFailed`, `StartTimeout` | no | a child that did not start |
/// | `Stuck` | no | a killed actor whose thread did not come back |
/// | `NoProc` | no | there was no such actor |
/// | `Quarantined` | no | a dynamic supervisor that stopped trying |
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ExitReason {
    /// The actor ended by itself and meant to.
    Normal,
    /// The actor was asked to end.
    Shutdown,
    /// As [`ExitReason::Shutdown`], with words of its own.
    ShutdownWith(Arc<str>),
    /// The actor was killed.
    Killed,
    /// The actor panicked.
    Panic(Arc<Crash>),
    /// The actor gave up with an error of its own.
    Failed(Arc<str>),
    /// A child could not be started.
    StartFailed {
        /// The id of the child.
        child: Arc<str>,
        /// What became of it.
        reason: Arc<ExitReason>,
    },
    /// The actor did not say in time that it had started.
    StartTimeout,
    /// The actor was killed and its thread never came back to notice.
    Stuck,
    /// There is no such actor.
    NoProc,
    /// Too many failures: the actor is kept from starting until somebody resumes it.
    Quarantined(Arc<str>),
}

impl ExitReason {
    /// Whether a transient child that ends so is left alone.
    #[must_use]
    pub fn is_normal(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }

    /// The crash behind this reason, if a panic is.
    #[must_use]
    pub fn crash(&self) -> Option<&Arc<Crash>> {
        match self {
            Self::Panic(crash) => Some(crash),
            Self::StartFailed { reason, .. } => reason.crash(),
            _ => None,
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(words) => write!(f, "shutdown: {words}"),
            Self::Killed => f.write_str("killed"),
            Self::Panic(crash) => write!(f, "panic: {}", crash.text),
            Self::Failed(words) => write!(f, "failed: {words}"),
            Self::StartFailed { child, reason } => {
                write!(f, "child {child} did not start: {reason}")
            }
            Self::StartTimeout => f.write_str("start timed out"),
            Self::Stuck => f.write_str("stuck"),
            Self::NoProc => f.write_str("no such actor"),
            Self::Quarantined(words) => write!(f, "quarantined: {words}"),
        }
    }
}
