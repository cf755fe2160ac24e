//! How a script ends that does not return.

use std::fmt;

use bytes::Bytes;
use oxbeam_protocol::Value;

use crate::{ModuleError, SnapshotError, Trap};

/// Why a call into the guest gave no values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LuaError {
    /// The script raised an error and did not catch it, or a value cannot leave it.
    #[error("{0}")]
    Raised(Raised),
    /// The script asked for more memory than it may have.
    #[error("not enough memory: the limit is {limit} bytes")]
    OutOfMemory {
        /// [`Limits::memory_bytes`](crate::Limits::memory_bytes).
        limit: usize,
    },
    /// The guest was ended: out of fuel, stack overflow, an error of the host.
    #[error(transparent)]
    Trap(#[from] Trap),
    /// What the script gave back is larger than a message may be.
    #[error("values larger than {limit} bytes left the script")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// What the script gave at once are more values than a message of a script may have.
    #[error("more than {limit} values left the script at once")]
    TooManyValues {
        /// [`GUEST_VALUES`](crate::GUEST_VALUES).
        limit: usize,
    },
    /// An earlier call was ended midway, so that the guest's memory is in no state between calls.
    #[error("the script was ended midway: it is to be restored")]
    Broken,
    /// The guest does not keep to the form of the border. A bug.
    #[error("the guest broke the border: {reason}")]
    Border {
        /// What it did.
        reason: &'static str,
    },
    /// The guest could not be loaded. A bug.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The state could not be saved.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// An error that a script raised and did not catch. Source: spec 14, section 7.
#[derive(Debug, Clone, PartialEq)]
pub struct Raised {
    /// The error as text; as the reference has it, without position.
    pub message: Bytes,
    /// What ran, from the innermost function to the one that was called; at most 32.
    pub trace: Vec<Frame>,
}

/// One function that was running.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its name as text, or the atom `nil` for a function that is not there. `None` when it has none.
    pub function: Option<Value>,
    /// Its arguments, as they were when the error was raised. Large ones are cut off.
    pub parameters: Vec<Value>,
    /// `CHUNK:LINE`. `None` for functions of the libraries.
    pub line: Option<Bytes>,
}

impl Raised {
    /// `CHUNK:LINE` of the innermost function that is the script's own.
    #[must_use]
    pub fn line(&self) -> Option<&Bytes> {
        self.trace.iter().find_map(|frame| frame.line.as_ref())
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line() {
            write!(f, "{}: ", String::from_utf8_lossy(line))?;
        }
        write!(f, "{}", String::from_utf8_lossy(&self.message))
    }
}
