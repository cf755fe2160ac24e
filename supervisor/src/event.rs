//! What happens to actors, as a stream.

use std::{sync::Arc, time::Duration};

use crate::{crash::Crash, exit::ExitReason, inspect::ActorId, supervisor::Report};

/// One lifecycle event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Counts the realm's events. A gap means that the reader was too slow.
    pub sequence: u64,
    /// When, since the realm began.
    pub at: Duration,
    /// Whom it happened to.
    pub actor: ActorId,
    /// Its path.
    pub path: Arc<str>,
    /// What happened.
    pub what: Happening,
}

/// What can happen to an actor.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Happening {
    /// It runs: OTP's progress report.
    Started,
    /// Its factory failed, or it was told to end before it had begun.
    NotStarted {
        /// Why.
        reason: ExitReason,
    },
    /// It ended.
    Exited {
        /// How.
        reason: ExitReason,
    },
    /// It panicked.
    Crashed {
        /// The report.
        crash: Arc<Crash>,
    },
    /// It left because it was idle, and comes back with the next message.
    Slept,
    /// It is being kept from starting.
    Quarantined {
        /// Why.
        reason: ExitReason,
    },
    /// It has held its thread for too long.
    Stuck {
        /// The message that it is handling, where it is one.
        message: Option<&'static str>,
        /// For how long at least.
        held: Duration,
    },
    /// It handled a traced message.
    Handled {
        /// The type of the message.
        message: &'static str,
        /// How long it took.
        took: Duration,
    },
    /// What a supervisor reports of a child; the actor is the supervisor.
    Supervised(Report),
}
