//! Reading a checkpoint back.

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::memory::{MemoryRecord, hashes, read_page};
use super::{Checkpoint, CheckpointRecord, NO_PAGES, PAGES_OF_LIST};
use crate::Slot;
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::keys::{self, CHECKPOINT, STATE};
use crate::local::LocalStore;
use crate::record::{hex, unseal};

/// Page lists read in one go, 4 MiB with small pages: then others may read.
const LISTS_AT_ONCE: usize = 16;

/// A checkpoint with all that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What it is.
    pub checkpoint: Checkpoint,
    /// All of the state that is not memory.
    pub state: Bytes,
    /// Guest memory, if there is any.
    pub memory: Option<Vec<u8>>,
}

pub(super) async fn restore(
    store: &LocalStore,
    process: Id,
    slot: Slot,
) -> Result<Restored, StoreError> {
    let read = store.readers().run(move |engine| read(engine, process, slot));
    let read = read.await;
    if store.marks().has(&process) {
        return Err(StoreError::NoCheckpoint { process, slot });
    }
    let (record, state) = read?;
    let mut memory = None;
    if let Some(named) = &record.memory {
        let length = usize::try_from(named.bytes).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let count = MemoryRecord::list_count(named.bytes, named.page_bytes);
        for first in (0..count).step_by(LISTS_AT_ONCE) {
            let named = named.clone();
            let piece = store.readers().run(move |engine| {
                let lists = first..count.min(first + LISTS_AT_ONCE);
                read_pages(engine, process, slot, &named, lists, bytes)
            });
            bytes = piece.await?;
        }
        bytes.truncate(length);
        memory = Some(bytes);
    }
    Ok(Restored { checkpoint: record.at(process, slot), state, memory })
}

fn read(
    engine: &dyn Engine,
    process: Id,
    slot: Slot,
) -> Result<(CheckpointRecord, Bytes), StoreError> {
    let family = Family::Checkpoints;
    let read = |key: &Bytes| {
        let sealed = engine.get(family, key)?;
        sealed.ok_or(StoreError::NoCheckpoint { process, slot })
    };
    let (key, state) =
        (keys::of_slot(CHECKPOINT, &process, slot), keys::of_slot(STATE, &process, slot));
    Ok((unseal(family, &key, &read(&key)?)?, unseal(family, &state, &read(&state)?)?))
}

fn read_pages(
    engine: &dyn Engine,
    process: Id,
    slot: Slot,
    memory: &MemoryRecord,
    lists: std::ops::Range<usize>,
    mut bytes: Vec<u8>,
) -> Result<Vec<u8>, StoreError> {
    let size = memory.page_bytes as usize;
    for number in lists {
        let list = memory.list(number);
        if list == NO_PAGES {
            bytes.resize(bytes.len() + PAGES_OF_LIST * size, 0);
            continue;
        }
        let hash = list;
        let list = expect_page(engine, process, slot, &list)?;
        check_length(&hash, &list, PAGES_OF_LIST * 32)?;
        for hash in hashes(&list) {
            if hash == NO_PAGES {
                bytes.resize(bytes.len() + size, 0);
            } else {
                let page = expect_page(engine, process, slot, &hash)?;
                check_length(&hash, &page, size)?;
                bytes.extend_from_slice(&page);
            }
        }
    }
    Ok(bytes)
}

/// A page of another length would put all that follows in a wrong place.
fn check_length(hash: &[u8; 32], page: &[u8], expected: usize) -> Result<(), StoreError> {
    if page.len() == expected {
        return Ok(());
    }
    let reason = format!("it has {} bytes, not {expected}", page.len());
    Err(StoreError::Corrupt { family: Family::Pages, key: hex(hash), reason })
}

/// A page must be there as long as its checkpoint is.
fn expect_page(
    engine: &dyn Engine,
    process: Id,
    slot: Slot,
    hash: &[u8; 32],
) -> Result<Bytes, StoreError> {
    if let Some(page) = read_page(engine, hash)? {
        return Ok(page);
    }
    if engine.get(Family::Checkpoints, &keys::of_slot(CHECKPOINT, &process, slot))?.is_none() {
        return Err(StoreError::NoCheckpoint { process, slot });
    }
    let reason = "a checkpoint names it and it is missing".into();
    Err(StoreError::Corrupt { family: Family::Pages, key: hex(hash), reason })
}
