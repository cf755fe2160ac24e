//! Why a call has no outcome.

use std::sync::Arc;
use std::time::Duration;

use crate::record::RecordError;
use oxbeam_protocol::codec::{DecodeError, EncodeError};
use oxbeam_protocol::commitment::{CommitError, SelectionError, VerifyError};
use oxbeam_protocol::hashpath::HashpathError;
use oxbeam_protocol::path::PathError;
use oxbeam_protocol::{Id, SetError};
use oxbeam_store::{Slot, StoreError};
use oxbeam_supervisor::{AskError, Crash, Refusal, SupervisorError};

/// A call that came to nothing: where the reference node raises an exception, and where this node
/// refuses or cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The request is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// A device cannot make sense of its base or request.
    #[error("{0}")]
    Raised(String),
    /// No device of this node has the name.
    #[error("device {name} is not known to this node")]
    NoDevice {
        /// The name, or what stands in its place.
        name: String,
    },
    /// The request waits for its own result.
    #[error("the request leads back to itself")]
    Recursion,
    /// Calls within calls.
    #[error("calls are nested more than {limit} deep")]
    TooDeep {
        /// How deep they may be.
        limit: u32,
    },
    /// The request took too many steps.
    #[error("the request takes more than {limit} steps")]
    TooMuchWork {
        /// How many it may take.
        limit: u64,
    },
    /// A device of a stack asks for another pass each time.
    #[error("a stack runs more than {limit} passes")]
    TooManyPasses {
        /// How many it may run.
        limit: u64,
    },
    /// Nobody waits for the answer any more.
    #[error("the client went away")]
    Cancelled,
    /// It took too long.
    #[error("no answer within {limit:?}")]
    Timeout {
        /// How long it may take.
        limit: Duration,
    },
    /// Only a stored result was wanted, and there is none.
    #[error("computed result not available in cache")]
    NotCached,
    /// A message that is needed is not kept here.
    #[error("necessary messages not found in cache: {id}")]
    Missing {
        /// Its id as it was asked for.
        id: String,
    },
    /// Too much is waiting already.
    #[error("overloaded, try again in {retry_after:?}")]
    Overloaded {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// The code of a device panicked. The crash log has the rest.
    #[error("device {device} failed: {crash}")]
    Panicked {
        /// Which device.
        device: String,
        /// The report.
        crash: Arc<Crash>,
    },
    /// What should answer does not run just now.
    #[error("{what} is not available: {reason}")]
    Unavailable {
        /// What should.
        what: String,
        /// Why it does not.
        reason: String,
    },
    /// A process that was set aside after repeated failures.
    #[error("process {process} is in quarantine: {reason}")]
    Quarantined {
        /// Which process.
        process: Id,
        /// Why.
        reason: String,
    },
    /// A process that the operator has given up.
    #[error("process {process} is abandoned at slot {slot}: no further slot is computed")]
    Abandoned {
        /// Which process.
        process: Id,
        /// The first slot that is not computed.
        slot: Slot,
    },
    /// The store cannot read or write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record of the store is no message.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A path cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A message cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A message cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A hashpath cannot be computed.
    #[error(transparent)]
    Hashpath(#[from] HashpathError),
    /// A message cannot be signed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A message must not be believed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A selection of commitments does not fit the message.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A message cannot be changed so.
    #[error(transparent)]
    Set(#[from] SetError),
}

impl CallError {
    /// What the device or program `what` did not answer.
    #[must_use]
    pub fn unanswered(what: &str, error: AskError) -> Self {
        let unavailable = |reason: String| Self::Unavailable { what: what.to_owned(), reason };
        match error {
            AskError::Refused(Refusal::Overloaded { retry_after, .. }) => {
                Self::Overloaded { retry_after }
            }
            AskError::CallPanicked { crash } => Self::Panicked { device: what.to_owned(), crash },
            AskError::Timeout { limit } => Self::Timeout { limit },
            error => unavailable(error.to_string()),
        }
    }

    /// What a supervisor could not start.
    #[must_use]
    pub fn not_started(what: &str, error: &SupervisorError) -> Self {
        match error {
            SupervisorError::Busy | SupervisorError::Full { .. } => {
                Self::Overloaded { retry_after: Duration::from_secs(1) }
            }
            error => Self::Unavailable { what: what.to_owned(), reason: error.to_string() },
        }
    }

    /// The HTTP code. Source: spec 05, section 10; what is not in it by RFC 9110.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Self::BadRequest(_) | Self::Verify(_) => 400,
            Self::Missing { .. } => 404,
            Self::Abandoned { .. } => 410,
            Self::Cancelled => 499,
            Self::Recursion
            | Self::TooDeep { .. }
            | Self::TooMuchWork { .. }
            | Self::TooManyPasses { .. } => 508,
            Self::Timeout { .. } | Self::NotCached => 504,
            Self::Overloaded { .. } | Self::Unavailable { .. } | Self::Quarantined { .. } => 503,
            Self::Store(error) => of_store(error),
            // The reference node is on record with 500 for a space alone.
            Self::Path(PathError::Space { .. }) => 500,
            Self::Path(_) => 400,
            _ => 500,
        }
    }

    /// When to try again, if that may help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after } => Some(*retry_after),
            Self::Unavailable { .. } | Self::Store(StoreError::Overloaded { .. }) => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }

    /// Whether the same may succeed later although nothing else is done: the node could not, for now.
    #[must_use]
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Cancelled
            | Self::Timeout { .. }
            | Self::Overloaded { .. }
            | Self::Unavailable { .. } => true,
            Self::Store(error) => !matches!(error, StoreError::TooLarge { .. }),
            _ => false,
        }
    }

    /// What kind of exception the reference node would call it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::NoDevice { .. } => "throw",
            Self::Panicked { .. } => "exit",
            _ => "error",
        }
    }
}

fn of_store(error: &StoreError) -> u16 {
    match error {
        StoreError::TooLarge { .. } => 413,
        StoreError::NoProcess { .. } => 404,
        StoreError::DiskFull { .. } => 507,
        StoreError::Overloaded { .. }
        | StoreError::Ended { .. }
        | StoreError::Interrupted
        | StoreError::ProcessBusy { .. } => 503,
        _ => 500,
    }
}
