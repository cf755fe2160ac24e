//! Why a message was refused, or stayed without an answer.

use std::{fmt, sync::Arc, time::Duration};

use crate::{crash::Crash, exit::ExitReason};

/// Why a message was not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The actor's queue, its unanswered asks or the realm's budget are at their limit.
    #[error("overloaded: {queued} messages wait, try again in {retry_after:?}")]
    Overloaded {
        /// Messages that wait for the actor, or asks that it has not answered, whichever are too many.
        queued: usize,
        /// How long it takes to handle them, judged by those before.
        retry_after: Duration,
    },
    /// The actor is gone.
    #[error("no such actor: it ended, {reason}")]
    NoProc {
        /// How it ended.
        reason: ExitReason,
    },
}

/// A message that was not accepted, given back.
#[derive(thiserror::Error)]
#[error("failed to send a message")]
pub struct Unsent<M> {
    pub(crate) message: Option<M>,
    /// Why.
    #[source]
    pub refusal: Refusal,
}

impl<M> Unsent<M> {
    /// The message.
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        self.message
    }
}

impl<M> fmt::Debug for Unsent<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

/// Why an ask has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The message was not accepted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The actor ended with the message queued or in its hands.
    #[error("the actor ended: {reason}")]
    Down {
        /// How it ended.
        reason: ExitReason,
    },
    /// This call of a concurrent actor panicked; the actor lives and other calls go on.
    #[error("the call panicked: {crash}")]
    CallPanicked {
        /// The report.
        crash: Arc<Crash>,
    },
    /// The actor dropped the reply without an answer, and lives.
    #[error("the actor dropped the reply")]
    Unanswered,
    /// No answer in time. The message may still be handled.
    #[error("no answer within {limit:?}")]
    Timeout {
        /// The time that was allowed.
        limit: Duration,
    },
}

/// What became of a message whose reply was dropped.
#[derive(Debug)]
pub(crate) enum Fate {
    CallPanicked { crash: Arc<Crash> },
    Down { reason: ExitReason },
    Unanswered,
}

impl From<Fate> for AskError {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::CallPanicked { crash } => Self::CallPanicked { crash },
            Fate::Down { reason } => Self::Down { reason },
            Fate::Unanswered => Self::Unanswered,
        }
    }
}
