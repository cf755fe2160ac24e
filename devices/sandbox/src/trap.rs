//! How a call ends that does not return.

use std::sync::Arc;

use wasmi::TrapCode;

use crate::{HostError, Signature, SnapshotError};

/// What the guest did that WebAssembly forbids. The texts are those of the specification's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The `unreachable` instruction: how compilers end `abort` and failed assertions.
    #[error("unreachable")]
    Unreachable,
    /// A load, store or bulk operation outside linear memory.
    #[error("out of bounds memory access")]
    MemoryOutOfBounds,
    /// A table access or indirect call past the table's end.
    #[error("undefined element")]
    TableOutOfBounds,
    /// An indirect call to an empty table element.
    #[error("uninitialized element")]
    UninitializedElement,
    /// Integer division or remainder by zero.
    #[error("integer divide by zero")]
    DivideByZero,
    /// The quotient of an integer division does not fit its type.
    #[error("integer overflow")]
    IntegerOverflow,
    /// A float that no integer of the type stands for was converted to one.
    #[error("invalid conversion to integer")]
    InvalidConversion,
    /// An indirect call to a function of another signature.
    #[error("indirect call type mismatch")]
    IndirectCallTypeMismatch,
}

/// Why a call, or the making of an instance, ended without results.
///
/// The texts are deterministic: they may become part of a process's state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trap {
    /// The guest did what WebAssembly forbids.
    #[error("{fault}")]
    Fault {
        /// What it did.
        fault: Fault,
        /// The export, by name, whose call ended.
        function: Arc<str>,
    },
    /// Calls nested deeper than a guest stack or the pile of suspended calls holds.
    #[error("stack overflow")]
    StackOverflow {
        /// The export, by name, whose call ended.
        function: Arc<str>,
    },
    /// The budget of the call is used up.
    #[error("out of fuel: the limit is {limit}")]
    OutOfFuel {
        /// [`Limits::fuel`](crate::Limits::fuel).
        limit: u64,
        /// The export, by name, whose call ended.
        function: Arc<str>,
    },
    /// The guest met its memory limit, and then ended in a fault.
    #[error("out of memory: the limit is {limit} bytes")]
    OutOfMemory {
        /// [`Limits::memory_bytes`](crate::Limits::memory_bytes).
        limit: usize,
        /// The fault it ended in; `None` when its first pages already do not fit.
        fault: Option<Fault>,
        /// The export, by name, whose call ended.
        function: Arc<str>,
    },
    /// A table of the module is larger than the limit before anything runs.
    #[error("table too large: the limit is {limit} elements")]
    TableTooLarge {
        /// [`Limits::table_elements`](crate::Limits::table_elements).
        limit: usize,
    },
    /// The module exports no function of this name.
    #[error("function not found: {function}")]
    FunctionNotFound {
        /// The name asked for.
        function: Arc<str>,
    },
    /// The arguments do not fit the function's parameters in number or type, or the function takes
    /// or gives references.
    #[error("wrong arguments for {function}: it takes {signature}")]
    WrongArguments {
        /// The function asked for.
        function: Arc<str>,
        /// What it takes and gives.
        signature: Signature,
    },
    /// The guest threw, and no `rt.try` or `invoke_*` was open to catch it.
    #[error("uncaught throw")]
    UncaughtThrow {
        /// The export, by name, whose call ended.
        function: Arc<str>,
    },
    /// The host ended the call.
    #[error("host call {import} failed: {source}")]
    Host {
        /// `MODULE.NAME` of the import.
        import: Arc<str>,
        /// The host's own error.
        source: HostError,
    },
    /// The host answered an import with values of other types than it gives.
    #[error("host call {import} answered with values of the wrong type")]
    WrongResults {
        /// `MODULE.NAME` of the import.
        import: Arc<str>,
    },
    /// More host calls open at once than [`HOST_DEPTH`](crate::HOST_DEPTH).
    #[error("host calls nested deeper than {limit}")]
    HostDepth {
        /// The limit.
        limit: usize,
    },
    /// An earlier call was dropped before it ended, so the state is that of no moment between calls.
    #[error("an earlier call was abandoned: the instance is to be restored")]
    Abandoned,
    /// The snapshot to start from does not fit.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The machine, not the guest, is at fault: out of memory, or a bug. Not a result of the guest.
    #[error("sandbox failed: {reason}")]
    Engine {
        /// What the engine says.
        reason: String,
    },
}

/// What wasmi's trap is in our words, without the limits that make some of them.
pub(crate) enum Cause {
    Fault(Fault),
    StackOverflow,
    OutOfFuel,
    Engine(String),
}

impl From<&wasmi::Error> for Cause {
    fn from(error: &wasmi::Error) -> Self {
        match error.as_trap_code() {
            Some(code) => code.into(),
            None => Self::Engine(error.to_string()),
        }
    }
}

impl From<TrapCode> for Cause {
    fn from(code: TrapCode) -> Self {
        Self::Fault(match code {
            TrapCode::UnreachableCodeReached => Fault::Unreachable,
            TrapCode::MemoryOutOfBounds => Fault::MemoryOutOfBounds,
            TrapCode::TableOutOfBounds => Fault::TableOutOfBounds,
            TrapCode::IndirectCallToNull => Fault::UninitializedElement,
            TrapCode::IntegerDivisionByZero => Fault::DivideByZero,
            TrapCode::IntegerOverflow => Fault::IntegerOverflow,
            TrapCode::BadConversionToInteger => Fault::InvalidConversion,
            TrapCode::BadSignature => Fault::IndirectCallTypeMismatch,
            TrapCode::StackOverflow => return Self::StackOverflow,
            TrapCode::OutOfFuel => return Self::OutOfFuel,
            TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory => {
                return Self::Engine(code.to_string());
            }
        })
    }
}
