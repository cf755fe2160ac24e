//! Requests that never become one of the node's: what is wrong with them, or with us, in a sentence.

use std::error::Error;
use std::time::Duration;

use oxbeam_kernel::{Answer, CallError};
use oxbeam_protocol::Message;
use oxbeam_protocol::codec::DecodeError;
use oxbeam_protocol::path::PathError;

/// Why a request is turned away.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The server stops.
    #[error("the node is stopping")]
    Stopping { retry_after: Duration },
    /// Too much is under way.
    #[error("the node is busy, try again later")]
    Busy { retry_after: Duration },
    /// One client has too much under way.
    #[error("too many requests at a time from one address")]
    BusyClient { retry_after: Duration },
    /// The headers are too many or too large.
    #[error("the headers have {size} bytes, more than {limit}")]
    HeadTooLarge { size: usize, limit: usize },
    /// The body is too large.
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge { limit: usize },
    /// The body comes too slowly.
    #[error("the body did not come within {limit:?}")]
    SlowBody { limit: Duration },
    /// The body broke off, or is not in the form that its headers say.
    #[error("the body cannot be read: {reason}")]
    BrokenBody { reason: String },
    /// The request is in a form that the node does not read.
    #[error("requests in the form {name} are not understood")]
    UnknownForm { name: String },
    /// JSON, but no object.
    #[error("the body is JSON, but no object")]
    NoObject,
    /// A data item that is bytes and no message.
    #[error("the body is a data item, but no message")]
    NoMessage,
    /// `accept-bundle` is neither `true` nor `false`.
    #[error("accept-bundle is either true or false")]
    AcceptBundle,
    /// A stream is asked for from or to what is no slot.
    #[error("{name} of a stream is the number of a slot")]
    StreamSlot { name: &'static str },
    /// A target that is neither a path nor an address with one.
    #[error("the target of the request is no path")]
    Target,
    /// A path that is no text.
    #[error("the path of the request is no text")]
    Path,
    /// The query cannot be read.
    #[error("the query cannot be read")]
    Query(#[from] PathError),
    /// The message cannot be read.
    #[error("the request cannot be read")]
    Decode(#[from] DecodeError),
    /// A commitment does not hold, or could not be checked.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Refusal {
    /// The HTTP code.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Stopping { .. } | Self::Busy { .. } => 503,
            Self::BusyClient { .. } => 429,
            Self::HeadTooLarge { .. } => 431,
            Self::BodyTooLarge { .. } => 413,
            Self::SlowBody { .. } => 408,
            Self::UnknownForm { .. } => 415,
            Self::Call(error) => error.http_status(),
            Self::BrokenBody { .. }
            | Self::NoObject
            | Self::NoMessage
            | Self::AcceptBundle
            | Self::StreamSlot { .. }
            | Self::Path
            | Self::Target
            | Self::Query(_)
            | Self::Decode(_) => 400,
        }
    }

    /// When to try again, if that may help.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Stopping { retry_after }
            | Self::Busy { retry_after }
            | Self::BusyClient { retry_after } => Some(*retry_after),
            Self::Call(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether the rest of the request stays unread, so that the connection ends with the answer.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Stopping { .. }
                | Self::BodyTooLarge { .. }
                | Self::SlowBody { .. }
                | Self::BrokenBody { .. }
        )
    }

    /// The answer: a message with a sentence, which a terminal shows as it is.
    pub(super) fn into_answer(self) -> Answer {
        let status = self.status();
        let message = Message::new()
            .with("status", i64::from(status))
            .with("content-type", "text/plain; charset=utf-8")
            .with("body", sentence(&self));
        let error = match self {
            Self::Call(error) => Some(error),
            _ => None,
        };
        Answer { status, message, signed: false, error }
    }
}

/// An error with its causes.
pub(super) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
