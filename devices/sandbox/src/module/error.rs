//! Why a module is not accepted.

use crate::lower::LowerError;

/// Why a module is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// It has more of something than [`bounds`](crate::bounds) allow.
    #[error("module has too many {what}: {count}, the limit is {limit}")]
    TooMany {
        /// Of what, in the plural.
        what: &'static str,
        /// How many it has.
        count: u64,
        /// How many it may have.
        limit: u64,
    },
    /// It is malformed, cut off, or does not pass validation.
    #[error("module is invalid: {reason}")]
    Invalid {
        /// What is wrong, with the offset in bytes where it is known.
        reason: String,
    },
    /// It imports a memory, table, global or tag; a host offers functions only.
    #[error("import {module}.{name} is not a function of numbers")]
    Import {
        /// Name of the module it is expected in.
        module: String,
        /// Its name.
        name: String,
    },
    /// Its exceptions cannot be lowered, or it is malformed in the first place.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// It uses something that the sandbox leaves out on purpose.
    #[error("module uses {what}, which is not supported")]
    Unsupported {
        /// What it uses.
        what: &'static str,
    },
}

impl From<wasmparser::BinaryReaderError> for ModuleError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid { reason: error.to_string() }
    }
}

/// Fails when there is more of something than its bound.
pub(super) fn bounded(
    what: &'static str,
    count: impl Into<u64>,
    limit: impl Into<u64>,
) -> Result<(), ModuleError> {
    let (count, limit) = (count.into(), limit.into());
    if count > limit { Err(ModuleError::TooMany { what, count, limit }) } else { Ok(()) }
}
