//! Processes that do not get past a slot: which slot, why, since when, how often, and what the
//! operator wants to become of them.
//!
//! | Held | The slot | Becomes |
//! |---|---|---|
//! | stopped | has no state; it is tried again whenever somebody asks | set aside, by attempts that end the program or the device |
//! | set aside | is not tried | resumed or abandoned, by the operator |
//! | resumed | is tried, with more fuel if that was given | stopped or set aside again, or forgotten with its first state |
//! | abandoned | and all later ones are not tried | resumed, by the operator |
//!
//! A process that is held goes on taking messages, and what it has computed stays readable. The
//! record is written as attempts are counted, without a sync: it survives the program, and after a
//! power cut is made anew.
//!
//! | Name in the node's table | Value |
//! |---|---|
//! | `quarantine/` and the process's id | [`Aside`], MessagePack |

mod records;

use std::collections::HashMap;

use oxbeam_protocol::{Id, Value};
use oxbeam_store::{Slot, StoreError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::assignment::milliseconds;
use crate::error::CallError;
use crate::outcome::Outcome;

/// Why a process does not get past a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// A device panicked.
    Panic,
    /// The program ended while it computed.
    Program,
    /// The slot came to an error instead of a state: by its guest, or past the guest's limits.
    Outcome,
    /// A device could not make anything of it.
    Error,
    /// The operator wanted it.
    Operator,
}

/// What becomes of the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Held {
    /// It is tried whenever somebody asks.
    Stopped,
    /// It is not tried until the operator says so.
    SetAside,
    /// The operator has said so.
    Resumed,
    /// Neither it nor any later one is tried.
    Abandoned,
}

/// What is known of a process that does not get past a slot. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// The slot.
    pub slot: Slot,
    /// Why the last attempt came to nothing.
    pub cause: Cause,
    /// The same in words, of at most [`oxbeam_store::MAX_NOTE_BYTES`].
    pub reason: String,
    /// When the first attempt came to nothing.
    pub since: u64,
    /// When the last one did.
    pub last: u64,
    /// How many did.
    pub times: u32,
    /// What becomes of it.
    pub held: Held,
    /// Fuel of one call of a guest in this slot, if it is not that of the configuration.
    pub fuel: Option<u64>,
}

/// What the records of the processes in memory say.
#[derive(Debug, Default)]
pub(crate) struct Quarantine(Mutex<HashMap<Id, Aside>>);

impl Quarantine {
    /// Lets a slot be tried, with the fuel that it is given beyond the configuration.
    ///
    /// # Errors
    /// [`CallError::Abandoned`], [`CallError::Quarantined`].
    pub(crate) fn admit(&self, process: Id, slot: Slot) -> Result<Option<u64>, CallError> {
        let known = self.0.lock();
        let Some(aside) = known.get(&process) else { return Ok(None) };
        match aside.held {
            Held::Abandoned => Err(CallError::Abandoned { process, slot: aside.slot }),
            Held::SetAside if aside.slot == slot => {
                Err(CallError::Quarantined { process, reason: aside.told() })
            }
            _ => Ok(aside.fuel.filter(|_| aside.slot == slot)),
        }
    }

    /// Forgets a process that leaves memory. Its record stays.
    pub(crate) fn unload(&self, process: Id) {
        self.0.lock().remove(&process);
    }

    fn set(&self, process: Id, aside: Option<Aside>) {
        let mut known = self.0.lock();
        match aside {
            Some(aside) => known.insert(process, aside),
            None => known.remove(&process),
        };
    }
}

impl Aside {
    /// What callers are told.
    fn told(&self) -> String {
        let Self { slot, times, .. } = self;
        format!("slot {slot} ended its program or its device {times} times")
    }
}

/// What an attempt at a slot came to, if that is to be remembered: what passes by itself is not.
pub(crate) fn cause_of(error: &CallError) -> Option<Cause> {
    match error {
        CallError::Panicked { .. } => Some(Cause::Panic),
        CallError::Store(StoreError::TooLarge { .. } | StoreError::ResultDiffers { .. }) => {
            Some(Cause::Error)
        }
        CallError::Cancelled
        | CallError::Timeout { .. }
        | CallError::Quarantined { .. }
        | CallError::Abandoned { .. }
        | CallError::Store(_) => None,
        error => error.retry_after().is_none().then_some(Cause::Error),
    }
}

/// What an outcome that is no state says of itself.
pub(crate) fn words_of(outcome: &Outcome) -> String {
    let named = |value: &Value| value.as_name().map(|name| String::from_utf8_lossy(name).into());
    let message = outcome.value.as_map();
    let keys = ["reason", "body", "error", "details"];
    let said = keys.iter().find_map(|key| named(message?.get(key)?));
    said.or_else(|| named(&outcome.value)).unwrap_or_else(|| "the slot has no state".into())
}

impl Aside {
    /// What is known of a process that the operator has something done to.
    fn asked(slot: Slot) -> Self {
        let now = milliseconds();
        Self {
            slot,
            cause: Cause::Operator,
            reason: "asked for by the operator".into(),
            since: now,
            last: now,
            times: 0,
            held: Held::Stopped,
            fuel: None,
        }
    }
}
