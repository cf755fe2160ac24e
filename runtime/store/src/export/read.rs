//! What a record of an export may be, and what belongs beside it.

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::de::IgnoredAny;

use super::frame::{Record, invalid};
use super::{OF_NODE, OF_PROCESS};
use crate::checkpoint::page_key;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, COMPUTED, ENTRY, HEAD, TIMER};
use crate::outbox::EntryRecord;
use crate::processes::process_of;
use crate::record::unseal;
use crate::timers::Timer;

/// When and how a record is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At once, as part of a process that is marked.
    OfProcess(Id),
    /// At the end: it makes the process visible.
    Last(Id),
    /// At once, unless something is there.
    IfAbsent,
    /// At once: the same under the same key.
    Page,
}

/// Checks a record and says where it belongs.
pub(super) fn place(record: &Record) -> Result<Place, StoreError> {
    let Record { family, key, value } = record;
    if *family == Family::Pages {
        return match page_key(value) == **key {
            true => Ok(Place::Page),
            false => Err(invalid("the hash of a page does not match")),
        };
    }
    unseal::<IgnoredAny>(*family, key, value)?;
    let kind = key.first().copied().ok_or_else(|| invalid("a record has no key"))?;
    if OF_NODE.contains(&(*family, kind)) {
        return Ok(Place::IfAbsent);
    }
    if !OF_PROCESS.contains(&(*family, kind)) {
        return Err(invalid("no export has such a record"));
    }
    let process = process_of(*family, key)?;
    match (family, kind) {
        (Family::Log, HEAD) | (Family::Results, COMPUTED) => Ok(Place::Last(process)),
        _ => Ok(Place::OfProcess(process)),
    }
}

/// The key in an index that a record must have.
pub(super) fn index(record: &Record) -> Result<Option<Bytes>, StoreError> {
    let Record { family, key, value } = record;
    match (family, key.first()) {
        (Family::Outbox, Some(&ENTRY)) => {
            Ok(unseal::<EntryRecord>(*family, key, value)?.index(key))
        }
        (Family::Timers, Some(&TIMER)) => {
            let timer: Timer = unseal(*family, key, value)?;
            Ok(timer.next_run.map(|at| keys::next_run(at, &timer.id)))
        }
        _ => Ok(None),
    }
}
