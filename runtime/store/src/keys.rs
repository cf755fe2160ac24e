//! Where each record lies. Numbers are big-endian, so that byte order is their order.
//!
//! | Family | Key | Value |
//! |---|---|---|
//! | `log` | 0 ‖ process, 32 B | head: last slot and its hash chain |
//! | | 1 ‖ process ‖ slot, u64 | assignment |
//! | | 2 ‖ process ‖ source, 32 B ‖ slot, u64 ‖ index, u32 | the slot that this message of another process has here |
//! | `content` | 0 ‖ id, 32 B | encoded message |
//! | | 1 ‖ alias, 32 B | id |
//! | | 2 ‖ path, its `/` written as 0 | path that it leads to |
//! | `results` | 0 ‖ process | last slot that is computed, hashpath |
//! | | 1 ‖ process ‖ slot | result id, hashpath, state, number of outbox entries |
//! | | 2 ‖ process ‖ slot | attempts |
//! | `checkpoints` | 0 ‖ process ‖ slot | hashpath, page lists |
//! | | 1 ‖ process ‖ slot | state |
//! | `pages` | SHA-256 of the value | a page, or 64 hashes of pages: without a record's header |
//! | `outbox` | 0 ‖ process ‖ slot ‖ index, u32 | target, attempts, next try, status |
//! | | 1 ‖ next try, ms, u64 ‖ process ‖ slot ‖ index | nothing: what is due, in order |
//! | | 2 ‖ process ‖ slot ‖ index | nothing: what is dead |
//! | | 3 ‖ process ‖ slot ‖ index | the signed message |
//! | | 4 ‖ process ‖ slot | attempts, next try: the slot is to be pushed |
//! | | 5 ‖ next try, ms, u64 ‖ process ‖ slot | nothing: what is to be pushed, in order |
//! | `timers` | 0 ‖ id | timer |
//! | | 1 ‖ next run, ms, u64 ‖ id | nothing: what is due, in order |
//! | `names`, `ledgers`, `node` | 0 ‖ name | version, value |
//! | `node` | 1 | format of the data |
//! | | 2 ‖ process | the process is being deleted or imported |

use bytes::Bytes;
use oxbeam_protocol::Id;

use crate::Slot;
use crate::error::StoreError;

pub(crate) const HEAD: u8 = 0;
pub(crate) const ASSIGNMENT: u8 = 1;
pub(crate) const RECEIVED: u8 = 2;

pub(crate) const MESSAGE: u8 = 0;
pub(crate) const ALIAS: u8 = 1;
pub(crate) const LINK: u8 = 2;

pub(crate) const COMPUTED: u8 = 0;
pub(crate) const RESULT: u8 = 1;
pub(crate) const ATTEMPTS: u8 = 2;

pub(crate) const CHECKPOINT: u8 = 0;
pub(crate) const STATE: u8 = 1;

pub(crate) const ENTRY: u8 = 0;
pub(crate) const DUE: u8 = 1;
pub(crate) const DEAD: u8 = 2;
pub(crate) const SIGNED: u8 = 3;
pub(crate) const PUSH: u8 = 4;
pub(crate) const PUSH_DUE: u8 = 5;

pub(crate) const TIMER: u8 = 0;
pub(crate) const NEXT_RUN: u8 = 1;

pub(crate) const VALUE: u8 = 0;
pub(crate) const FORMAT: u8 = 1;
pub(crate) const HALF_DONE: u8 = 2;

/// Longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 4096;
/// Longest name in `names`, `ledgers` and `node`, in bytes.
pub const MAX_NAME_BYTES: usize = 1024;

/// A key from its parts.
pub(crate) fn key(parts: &[&[u8]]) -> Bytes {
    parts.concat().into()
}

/// A process's record.
pub(crate) fn of_process(kind: u8, process: &Id) -> Bytes {
    key(&[&[kind], process.as_bytes()])
}

/// A slot's record.
pub(crate) fn of_slot(kind: u8, process: &Id, slot: Slot) -> Bytes {
    key(&[&[kind], process.as_bytes(), &slot.to_be_bytes()])
}

/// A record of one message of a slot.
pub(crate) fn of_index(kind: u8, process: &Id, slot: Slot, index: u32) -> Bytes {
    key(&[&[kind], process.as_bytes(), &slot.to_be_bytes(), &index.to_be_bytes()])
}

pub(crate) fn received(process: &Id, source: &Id, slot: Slot, index: u32) -> Bytes {
    let (slot, index) = (slot.to_be_bytes(), index.to_be_bytes());
    key(&[&[RECEIVED], process.as_bytes(), source.as_bytes(), &slot, &index])
}

pub(crate) fn due(at: u64, entry: &Bytes) -> Bytes {
    due_as(DUE, at, entry)
}

/// The key of an index by time for the record under `key_of_record`.
pub(crate) fn due_as(kind: u8, at: u64, key_of_record: &[u8]) -> Bytes {
    key(&[&[kind], &at.to_be_bytes(), key_of_record.get(1..).unwrap_or_default()])
}

/// The same entry's key of another kind.
pub(crate) fn with_kind(kind: u8, key_of_other: &[u8]) -> Bytes {
    key(&[&[kind], key_of_other.get(1..).unwrap_or_default()])
}

pub(crate) fn next_run(at: u64, id: &Id) -> Bytes {
    key(&[&[NEXT_RUN], &at.to_be_bytes(), id.as_bytes()])
}

pub(crate) fn name(name: &[u8]) -> Result<Bytes, StoreError> {
    if name.len() > MAX_NAME_BYTES {
        let (size, limit) = (name.len(), MAX_NAME_BYTES);
        return Err(StoreError::TooLarge { what: "a name", size, limit });
    }
    Ok(key(&[&[VALUE], name]))
}

/// A path's record. Written with 0 for `/`, a group comes right before what it holds.
pub(crate) fn path(path: &str) -> Result<Bytes, StoreError> {
    let invalid = |reason| Err(StoreError::InvalidPath { reason });
    if path.len() > MAX_PATH_BYTES {
        let (size, limit) = (path.len(), MAX_PATH_BYTES);
        return Err(StoreError::TooLarge { what: "a path", size, limit });
    }
    if path.contains('\0') {
        return invalid("it contains a zero byte");
    }
    if path.split('/').any(str::is_empty) {
        return invalid("a segment is empty");
    }
    Ok(std::iter::once(LINK).chain(path.bytes().map(|b| if b == b'/' { 0 } else { b })).collect())
}

/// The first key after all that begin with `prefix`. For one of 255s only, or none, the end of all
/// keys.
pub(crate) fn after(prefix: &[u8]) -> Bytes {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end.into();
        }
    }
    vec![0xff; MAX_PATH_BYTES + 2].into()
}

/// The key right after `key`.
pub(crate) fn just_after(key: &[u8]) -> Bytes {
    key.iter().copied().chain([0]).collect()
}

/// Reads a key's parts one after another.
#[derive(Debug)]
pub(crate) struct Parts<'a>(pub(crate) &'a [u8]);

impl Parts<'_> {
    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*number))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    pub(crate) fn id(&mut self) -> Option<Id> {
        let (id, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(Id::from(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_is_the_order_of_slots() {
        let process = Id::of(b"process");
        let keys: Vec<_> =
            [0, 1, 255, 256, u64::MAX].map(|slot| of_slot(ASSIGNMENT, &process, slot)).into();
        assert!(keys.is_sorted());
    }

    #[test]
    fn a_group_comes_right_before_what_it_holds() {
        let mut paths = ["a-b", "a/x", "a", "a/x/y", "b"].map(|text| path(text).unwrap());
        paths.sort();
        let sorted = ["a", "a/x", "a/x/y", "a-b", "b"].map(|text| path(text).unwrap());
        assert_eq!(paths, sorted);
    }

    #[test]
    fn paths_that_could_be_confused_are_refused() {
        for wrong in ["", "/", "a//b", "/a", "a/", "a\0b"] {
            assert!(path(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_after_all_its_keys() {
        assert_eq!(after(b"ab"), "ac");
        assert_eq!(after(b"a\xff"), "b");
        assert!(after(b"\xff") > Bytes::from_static(b"\xff\xff\xff"));
    }
}
