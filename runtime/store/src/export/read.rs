//! What a record of an export may be, and what belongs beside it.

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::de::DeserializeOwned;

use super::OF_NODE;
use super::frame::{Record, invalid};
use crate::Slot;
use crate::checkpoint::{CheckpointRecord, page_key};
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{
    self, ALIAS, ASSIGNMENT, ATTEMPTS, CHECKPOINT, COMPUTED, ENTRY, HEAD, LINK, MESSAGE, PUSH,
    RECEIVED, RESULT, SIGNED, STATE, TIMER, VALUE,
};
use crate::log::{AssignmentRecord, Head};
use crate::outbox::EntryRecord;
use crate::processes::process_of;
use crate::pushes::PushRecord;
use crate::record::unseal;
use crate::results::ResultRecord;
use crate::tables::ValueRecord;
use crate::timers::Timer;

/// Lengths of keys: a kind, and an id, slot, index or whom a message came from.
const OF_PROCESS_BYTES: usize = 33;
const OF_SLOT_BYTES: usize = OF_PROCESS_BYTES + 8;
const OF_INDEX_BYTES: usize = OF_SLOT_BYTES + 4;
const RECEIVED_BYTES: usize = OF_INDEX_BYTES + 32;

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
    let kind = key.first().copied().ok_or_else(|| invalid("a record has no key"))?;
    check_form(record, kind)?;
    if OF_NODE.contains(&(*family, kind)) {
        return Ok(Place::IfAbsent);
    }
    let process = process_of(*family, key)?;
    match (family, kind) {
        (Family::Log, HEAD) | (Family::Results, COMPUTED) => Ok(Place::Last(process)),
        _ => Ok(Place::OfProcess(process)),
    }
}

/// A record must be of the form that its kind has, under a key of the length that its kind has.
fn check_form(record: &Record, kind: u8) -> Result<(), StoreError> {
    match (record.family, kind) {
        (Family::Log, ASSIGNMENT) => form::<AssignmentRecord>(record, OF_SLOT_BYTES),
        (Family::Log, RECEIVED) => form::<Slot>(record, RECEIVED_BYTES),
        (Family::Log, HEAD) => form::<Head>(record, OF_PROCESS_BYTES),
        (Family::Results, RESULT) => form::<ResultRecord>(record, OF_SLOT_BYTES),
        (Family::Results, ATTEMPTS) => form::<u32>(record, OF_SLOT_BYTES),
        (Family::Results, COMPUTED) => form::<Slot>(record, OF_PROCESS_BYTES),
        (Family::Checkpoints, STATE) => form::<Bytes>(record, OF_SLOT_BYTES),
        (Family::Checkpoints, CHECKPOINT) => checkpoint(record),
        (Family::Outbox, SIGNED) => form::<Bytes>(record, OF_INDEX_BYTES),
        (Family::Outbox, ENTRY) => form::<EntryRecord>(record, OF_INDEX_BYTES),
        (Family::Outbox, PUSH) => form::<PushRecord>(record, OF_SLOT_BYTES),
        (Family::Content, MESSAGE) => form::<Bytes>(record, OF_PROCESS_BYTES),
        (Family::Content, ALIAS) => alias(record),
        (Family::Content, LINK) => form::<String>(record, record.key.len()),
        (Family::Timers, TIMER) => timer(record),
        (Family::Names | Family::Ledgers | Family::Node, VALUE) => {
            form::<ValueRecord>(record, record.key.len())
        }
        _ => Err(invalid("no export has such a record")),
    }
}

fn read<T: DeserializeOwned>(record: &Record, key_bytes: usize) -> Result<T, StoreError> {
    if record.key.len() != key_bytes {
        return Err(invalid("the key of a record has another length"));
    }
    unseal(record.family, &record.key, &record.value)
}

fn form<T: DeserializeOwned>(record: &Record, key_bytes: usize) -> Result<(), StoreError> {
    read::<T>(record, key_bytes).map(drop)
}

fn checkpoint(record: &Record) -> Result<(), StoreError> {
    let checkpoint: CheckpointRecord = read(record, OF_SLOT_BYTES)?;
    match checkpoint.memory.is_none_or(|memory| memory.is_possible()) {
        true => Ok(()),
        false => Err(invalid("the memory of a checkpoint is not as long as its page lists")),
    }
}

fn alias(record: &Record) -> Result<(), StoreError> {
    match read::<Bytes>(record, OF_PROCESS_BYTES)?.len() {
        32 => Ok(()),
        _ => Err(invalid("an alias leads to no id")),
    }
}

fn timer(record: &Record) -> Result<(), StoreError> {
    match keys::of_process(TIMER, &read::<Timer>(record, OF_PROCESS_BYTES)?.id) == record.key {
        true => Ok(()),
        false => Err(invalid("a timer lies under the id of another one")),
    }
}

/// The key in an index that a record must have.
pub(super) fn index(record: &Record) -> Result<Option<Bytes>, StoreError> {
    let Record { family, key, value } = record;
    match (family, key.first()) {
        (Family::Outbox, Some(&ENTRY)) => {
            Ok(unseal::<EntryRecord>(*family, key, value)?.index(key))
        }
        (Family::Outbox, Some(&PUSH)) => {
            Ok(Some(unseal::<PushRecord>(*family, key, value)?.index(key)))
        }
        (Family::Timers, Some(&TIMER)) => {
            let timer: Timer = unseal(*family, key, value)?;
            Ok(timer.next_run.map(|at| keys::next_run(at, &timer.id)))
        }
        _ => Ok(None),
    }
}
