//! What a panic leaves behind: where, in what, with which words.

mod hook;
mod log;

use std::{
    backtrace::Backtrace,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

pub(crate) use hook::{Caught, catch, install};
pub use log::{CrashGroup, CrashLog};

use crate::inspect::ActorId;

/// Which code of the actor was running when it panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// The factory that builds the state.
    Factory,
    /// `Actor::started`.
    Started,
    /// The synchronous part of a message handler.
    Handler,
    /// A future, stream or timer of the actor's context.
    Future,
    /// One call of a concurrent actor ([`crate::Concurrent`]).
    Call,
    /// `Actor::stopping` or `Actor::stopped`.
    Stopping,
    /// `Drop` of the actor's state.
    Drop,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Factory => "factory",
            Self::Started => "started",
            Self::Handler => "handler",
            Self::Future => "future",
            Self::Call => "call",
            Self::Stopping => "stopping",
            Self::Drop => "drop",
        })
    }
}

/// The report of one panic, with what an Erlang crash report has.
#[derive(Debug)]
pub struct Crash {
    /// The actor.
    pub actor: ActorId,
    /// Its path: its ancestors from the root, and its own name.
    pub path: Arc<str>,
    /// The Rust type of its state.
    pub kind: &'static str,
    /// Which life of the actor this was, from 1.
    pub incarnation: u64,
    /// Which code panicked.
    pub place: Place,
    /// The type of the message that was being handled, where one was.
    pub message: Option<&'static str>,
    /// The panic's words.
    pub text: String,
    /// File, line and column.
    pub location: String,
    /// The stack; its symbols are looked up when it is shown, not when the panic happens.
    pub backtrace: Backtrace,
    /// Messages waiting at that moment.
    pub queued: usize,
    /// Actors it was linked to.
    pub links: Vec<ActorId>,
}

impl Crash {
    /// Equal for crashes that are the same bug: same type, same line, same words but for numbers.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.kind.hash(&mut hasher);
        self.location.hash(&mut hasher);
        for word in self.text.split(|c: char| c.is_ascii_digit()).filter(|word| !word.is_empty()) {
            word.hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl PartialEq for Crash {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} panicked in {}", self.path, self.place)?;
        if let Some(message) = self.message {
            write!(f, " of {message}")?;
        }
        write!(f, " at {}: {}", self.location, self.text)
    }
}
