//! What a call comes to. Source: spec 05, section 10, and spec 15, section 1.

use std::fmt;

use oxbeam_protocol::{Atom, Message, Value};

/// The word that comes with a value. HTTP codes are in spec 20, section 5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It went well; the value is the result.
    Ok,
    /// The value says what was wrong.
    Error,
    /// The value says what went wrong.
    Failure,
    /// A stack leaves out its other devices.
    Skip,
    /// A stack begins again.
    Pass,
    /// Any other word.
    Other(Atom),
}

impl Status {
    /// The word.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Ok => b"ok",
            Self::Error => b"error",
            Self::Failure => b"failure",
            Self::Skip => b"skip",
            Self::Pass => b"pass",
            Self::Other(atom) => atom.name(),
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn named(name: &[u8]) -> Self {
        match name {
            b"ok" => Self::Ok,
            b"error" => Self::Error,
            b"failure" => Self::Failure,
            b"skip" => Self::Skip,
            b"pass" => Self::Pass,
            other => Self::Other(Atom::new(other.to_vec())),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.name()))
    }
}

/// A value and its status.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it went.
    pub status: Status,
    /// The result, or what is said about why there is none.
    pub value: Value,
}

impl Outcome {
    /// A result.
    #[must_use]
    pub fn ok(value: impl Into<Value>) -> Self {
        Self { status: Status::Ok, value: value.into() }
    }

    /// An error of the caller's making.
    #[must_use]
    pub fn error(value: impl Into<Value>) -> Self {
        Self { status: Status::Error, value: value.into() }
    }

    /// An error whose message carries its HTTP code and a sentence.
    #[must_use]
    pub fn refused(status: u16, sentence: impl Into<Value>) -> Self {
        Self::error(Message::new().with("status", i64::from(status)).with("body", sentence))
    }

    /// There is nothing under this key.
    #[must_use]
    pub fn not_found() -> Self {
        Self::error(Atom::from_static("not_found"))
    }

    /// Whether there is a result.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// Whether there is nothing under the key that was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status == Status::Error
            && matches!(&self.value, Value::Atom(atom) if atom.name() == "not_found")
    }

    /// The result; any other outcome as the error.
    ///
    /// # Errors
    /// The outcome, if its status is not ok.
    pub fn into_result(self) -> Result<Value, Self> {
        match self.status {
            Status::Ok => Ok(self.value),
            _ => Err(self),
        }
    }
}

impl<V: Into<Value>> From<V> for Outcome {
    fn from(value: V) -> Self {
        Self::ok(value)
    }
}
