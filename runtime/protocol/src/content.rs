//! Where messages are kept and found by their id.

use crate::{Id, Value};

/// What a codec needs of a store: to keep a nested message and to find one that a link names.
///
/// Implementations answer at once; one that must wait loads what it needs beforehand.
pub trait Content {
    /// The message with this id, or `None` when it is not kept here.
    ///
    /// # Errors
    /// The store failed, which says nothing about whether it has the message.
    fn read(&self, id: &Id) -> Result<Option<Value>, ContentError>;

    /// Keeps a message under `id`.
    ///
    /// # Errors
    /// The store failed and the message may not be kept.
    fn write(&self, id: &Id, message: &Value) -> Result<(), ContentError>;
}

/// A store that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to {action} message {id}: {reason}")]
#[non_exhaustive]
pub struct ContentError {
    /// What was tried: `read` or `write`.
    pub action: &'static str,
    /// The message that was asked for.
    pub id: Id,
    /// What the store says.
    pub reason: String,
}

/// A store that keeps nothing and has nothing: for work that must not touch one.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContent;

impl Content for NoContent {
    fn read(&self, _: &Id) -> Result<Option<Value>, ContentError> {
        Ok(None)
    }

    fn write(&self, id: &Id, _: &Value) -> Result<(), ContentError> {
        Err(ContentError { action: "write", id: *id, reason: "nothing is kept here".into() })
    }
}
