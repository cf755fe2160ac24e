//! Durable timers: requests that the node makes by itself, at a time and perhaps again.
//!
//! ```text
//! asked for ─► on disk ─► answered        due ─► begun, recorded ─► made ─► ended, recorded
//! ```
//!
//! A run is a request as one from outside, signed by nobody. Before it is made the store has that it
//! has begun, and what the request does comes behind that in the store's log; after a crash a run that
//! has begun and not ended is made again. Each run has an `idempotency-key` of its own, the same at every
//! attempt, by which a message that it schedules gets one slot: with `schedule` and `push` a run takes
//! effect exactly once, with any other target at least once.
//!
//! The rules are in `plan` (one timer) and `agenda` (all of them), which know no clock; the actor only
//! carries out what they say. Source: spec 12, part B.

mod actor;
mod agenda;
mod plan;
mod run;
#[cfg(test)]
mod year;

use bytes::Bytes;
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{CatchUp, Change, Limit, Listed, Page, Timer};

pub(crate) use self::actor::TimersActor;
use crate::assignment::milliseconds;
use crate::error::CallError;
use crate::node::Node;
use crate::record;

/// Longest request of a timer, encoded: it is written with every run.
const MAX_REQUEST_BYTES: usize = 256 << 10;

/// A timer that somebody asks for.
#[derive(Debug, Clone)]
pub struct NewTimer {
    /// Its name; that of what it runs, so that the same request names the same timer.
    pub id: Id,
    /// What it runs: a request with its path, without commitments of its own.
    pub request: Message,
    /// Milliseconds until its first run.
    pub delay: u64,
    /// Milliseconds from run to run; `None` runs once.
    pub interval: Option<u64>,
    /// What becomes of runs that were due while none could be made. A single run is always made.
    pub catch_up: CatchUp,
    /// Who asks for it: the addresses of those who have signed, as far as that was verified.
    pub owners: Vec<String>,
    /// What is noted in [`oxbeam_store::Table::Node`] when it is taken: both or neither is on disk.
    pub noted: Vec<Change>,
}

/// Why a timer is not taken.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// The node has as many as it may.
    #[error("this node has {limit} timers, and takes no more")]
    Full {
        /// How many it may have.
        limit: usize,
    },
    /// Whoever asks has as many as they may.
    #[error("you have {limit} timers, and may have no more")]
    FullOfClient {
        /// How many they may have.
        limit: usize,
    },
    /// A timer of this name does something else.
    #[error("timer {id} exists, and does something else")]
    Other {
        /// The name.
        id: Id,
    },
    /// The request is too long to be kept.
    #[error("the request is {size} bytes long, of which a timer keeps {limit} at most")]
    TooLarge {
        /// How long it is.
        size: usize,
        /// How long it may be.
        limit: usize,
    },
    /// It cannot be kept just now.
    #[error(transparent)]
    Failed(#[from] CallError),
}

impl NewTimer {
    /// Its record, as of now.
    fn record(self) -> Result<Timer, NotTaken> {
        let request = encoded(&self.request)?;
        let (size, limit) = (request.len(), MAX_REQUEST_BYTES);
        if size > limit {
            return Err(NotTaken::TooLarge { size, limit });
        }
        Ok(Timer {
            id: self.id,
            request,
            next_run: Some(milliseconds().saturating_add(self.delay)),
            interval: self.interval,
            last_run: None,
            runs: 0,
            missed: 0,
            began: None,
            catch_up: self.catch_up,
            owners: self.owners,
            failure: None,
        })
    }
}

fn encoded(request: &Message) -> Result<Bytes, CallError> {
    Ok(record::encode(&Value::Map(request.clone()))?)
}

/// What a timer runs.
///
/// # Errors
/// A record that is no message.
pub fn request_of(timer: &Timer) -> Result<Message, CallError> {
    match record::decode(&timer.request)? {
        Value::Map(request) => Ok(request),
        _ => Err(CallError::Raised("a timer holds what is no request".into())),
    }
}

impl Node {
    /// Takes a timer. Answers when it is on disk. A timer that is there already goes on as it is, and
    /// nothing is noted.
    ///
    /// # Errors
    /// [`NotTaken`]. After [`CallError::Timeout`] it may have been taken.
    pub async fn start_timer(&self, mut timer: NewTimer) -> Result<(), NotTaken> {
        let noted = std::mem::take(&mut timer.noted);
        TimersActor::start_timer(self, timer.record()?, noted).await
    }

    /// Ends a timer and the run that it is at, and forgets it. Answers whether there was one.
    ///
    /// # Errors
    /// [`CallError::Unavailable`], [`CallError::Overloaded`]; errors of the store.
    pub async fn stop_timer(&self, id: Id) -> Result<bool, CallError> {
        TimersActor::stop_timer(self, id).await
    }

    /// A timer, as of its last record.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn timer(&self, id: Id) -> Result<Option<Timer>, CallError> {
        Ok(self.store()?.timer(id).await?)
    }

    /// Timers in order of their ids, from behind `after` on; those whose record is damaged as errors.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn timers(
        &self,
        after: Option<Id>,
        limit: Limit,
    ) -> Result<Page<Listed, Id>, CallError> {
        Ok(self.store()?.timers(after, limit).await?)
    }
}
