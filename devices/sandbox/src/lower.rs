//! Rewrites a module with exceptions so that wasmi can run it.
//!
//! wasmi has no exceptions. Legacy exception handling (`try`, `catch`, `delegate`, `rethrow`) and the
//! final proposal (`try_table`, `throw_ref`, `exnref`) both become plain WebAssembly:
//!
//! | Before                      | After                                                             |
//! |-----------------------------|-------------------------------------------------------------------|
//! | `throw $t`                  | payload and tag into globals, branch to the nearest handler       |
//! | a call that may throw       | the call, then a branch to the nearest handler if a tag is pending|
//! | `try`, `try_table`          | a block for the body, then a comparison of tags per clause        |
//! | a function that may throw   | its body in a block; on the way out, zeros for its results        |
//! | an `exnref`                 | the exception itself: its tag and its payload, as plain values    |
//! | an export that may throw    | a wrapper that traps when an exception is pending                 |
//!
//! An exception has no identity that a program could see, so passing it by value is exact: no table
//! of exceptions, nothing to free and nothing to run out of.
//!
//! # For the driver
//!
//! A lowered module with exceptions exports the mutable i32 global [`THROWN`]. It is 0, or 1 + the index
//! of the tag of an exception that no frame of the guest caught. Read it whenever the guest hands back
//! control for good, and set it to 0:
//!
//! - An exported function (or the start function) that throws traps with `unreachable`.
//! - A function that the host took from a table *returns* zeros, since the guest calls it by the same
//!   table entry and must be able to catch.
//!
//! Entering an export sets it to 0 as well. Neither it nor the other added globals holds anything
//! between two calls, so a snapshot may leave them out. Imported functions are taken not to throw.
//!
//! Indices of types, functions, tables, memories, globals and segments stay as they were. Custom
//! sections other than `name` are dropped: the offsets they speak of have moved.
//!
//! Sources: the legacy and final texts of the WebAssembly exception handling proposal; spec 13, section 3.

use std::borrow::Cow;

mod facts;
mod function;
mod handler;
mod locals;
mod module;
mod payload;
mod sections;
mod survey;
mod throwing;
mod types;
mod wrapper;

use survey::Survey;

/// Name under which a lowered module exports the tag of the exception that left it.
pub const THROWN: &str = "oxbeam:thrown";

/// Why a module cannot be lowered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LowerError {
    /// The bytes are not a module, or use a proposal that guests may not use.
    #[error("the module is not valid at byte {offset}: {reason}")]
    Invalid {
        /// Where, in bytes from the start of the module.
        offset: u64,
        /// What the validator says.
        reason: String,
    },
    /// The module holds an exception where it cannot be passed by value.
    #[error("exception references are not supported in {place}")]
    ExceptionReference {
        /// Where the module has one.
        place: &'static str,
    },
    /// The module already exports a name that lowering needs.
    #[error("the export {name} is reserved")]
    ReservedExport {
        /// The name.
        name: &'static str,
    },
    /// The module is past a limit, or would be once lowered.
    #[error("{what}: {found}, at most {limit} are supported")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is, as far as it was counted.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
}

impl From<wasmparser::Error> for LowerError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid { offset: error.offset(), reason: error.message().to_owned() }
    }
}

/// Answers with the module in plain WebAssembly, borrowed if it was that already.
///
/// The time is linear in the length of `wasm` (but for sorting the call graph), the result at most
/// four times as long and 1 MiB. The caller bounds the length of `wasm`.
///
/// # Errors
///
/// [`LowerError`] says which rule the module breaks. No bytes make this panic.
pub fn lower(wasm: &[u8]) -> Result<Cow<'_, [u8]>, LowerError> {
    let survey = Survey::of(wasm)?;
    if !survey.has_exceptions() {
        return Ok(Cow::Borrowed(wasm));
    }
    module::rewrite(&survey).map(Cow::Owned)
}

/// Fails if there is more than `limit` of something.
fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), LowerError> {
    if found > limit {
        return Err(LowerError::Limit { what, found: found as u64, limit: limit as u64 });
    }
    Ok(())
}

/// The index after `len` things. What cannot be counted in 32 bits fails the limits first.
fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
