//! From changed pages to what must be written.

use std::collections::BTreeMap;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::memory::{Memory, MemoryRecord, hashes, page_key, read_page};
use super::{CheckpointRecord, NO_PAGES, PAGES_OF_LIST};
use crate::Slot;
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::keys::{self, CHECKPOINT};
use crate::record;

/// Pages and page lists, and the record that names them.
pub(super) struct Pages {
    pub(super) record: MemoryRecord,
    pub(super) puts: Vec<([u8; 32], Bytes)>,
}

/// Hashes the changed pages and lists them. Of the checkpoint before, only the lists they are in are
/// read.
pub(super) fn prepare(
    engine: &dyn Engine,
    process: &Id,
    memory: Memory,
) -> Result<Pages, StoreError> {
    let Memory { bytes, page_bytes, base, pages } = memory;
    let base = match base {
        Some(slot) => Some((slot, read_base(engine, process, slot, page_bytes)?)),
        None => None,
    };
    let mut puts = Vec::with_capacity(pages.len() + pages.len() / 8);
    let mut changed: BTreeMap<usize, Vec<(usize, [u8; 32])>> = BTreeMap::new();
    for (index, page) in pages {
        let (list, place) = (index as usize / PAGES_OF_LIST, index as usize % PAGES_OF_LIST);
        let hash = if is_zero(&page) { NO_PAGES } else { page_key(&page) };
        changed.entry(list).or_default().push((place, hash));
        if hash != NO_PAGES {
            puts.push((hash, page));
        }
    }
    let count = MemoryRecord::list_count(bytes, page_bytes);
    let mut lists: Vec<[u8; 32]> = match &base {
        Some((_, base)) => base.lists().take(count).collect(),
        None => Vec::new(),
    };
    lists.resize(count, NO_PAGES);
    if let Some((_, base)) = &base
        && base.bytes > bytes
    {
        forget_behind(&mut changed, MemoryRecord::page_count(bytes, page_bytes));
    }
    for (number, pages) in changed {
        let Some(place) = lists.get_mut(number) else { continue };
        let list = match &base {
            Some((slot, _)) => read_list(engine, place, process, *slot)?,
            None => vec![NO_PAGES; PAGES_OF_LIST],
        };
        *place = put_list(&mut puts, list, &pages);
    }
    let lists = lists.concat().into();
    Ok(Pages { record: MemoryRecord { bytes, page_bytes, lists }, puts })
}

/// A memory that has become shorter names nothing behind its end: else what lay there would be back
/// when it grows again.
fn forget_behind(changed: &mut BTreeMap<usize, Vec<(usize, [u8; 32])>>, pages: usize) {
    let (list, first) = (pages / PAGES_OF_LIST, pages % PAGES_OF_LIST);
    if first > 0 {
        let behind = (first..PAGES_OF_LIST).map(|place| (place, NO_PAGES));
        changed.entry(list).or_default().extend(behind);
    }
}

fn is_zero(page: &[u8]) -> bool {
    let (words, rest) = page.as_chunks::<16>();
    words.iter().all(|word| *word == [0; 16]) && rest.iter().all(|byte| *byte == 0)
}

fn read_base(
    engine: &dyn Engine,
    process: &Id,
    slot: Slot,
    page_bytes: u32,
) -> Result<MemoryRecord, StoreError> {
    let key = keys::of_slot(CHECKPOINT, process, slot);
    let missing = StoreError::NoCheckpoint { process: *process, slot };
    let sealed = engine.get(Family::Checkpoints, &key)?.ok_or_else(|| missing.clone())?;
    let base: CheckpointRecord = record::unseal(Family::Checkpoints, &key, &sealed)?;
    let memory = base.memory.ok_or(missing)?;
    if memory.page_bytes != page_bytes {
        let reason = "the checkpoint that the memory builds on has pages of another length";
        return Err(StoreError::WrongPage { index: 0, reason });
    }
    Ok(memory)
}

fn read_list(
    engine: &dyn Engine,
    hash: &[u8; 32],
    process: &Id,
    slot: Slot,
) -> Result<Vec<[u8; 32]>, StoreError> {
    let mut list: Vec<[u8; 32]> = match *hash {
        NO_PAGES => Vec::new(),
        // The list of a checkpoint that is dropped just now may be collected.
        _ => match read_page(engine, hash)? {
            Some(list) => hashes(&list).collect(),
            None => return Err(StoreError::NoCheckpoint { process: *process, slot }),
        },
    };
    list.resize(PAGES_OF_LIST, NO_PAGES);
    Ok(list)
}

/// Writes the changes into a list, unless it becomes one of zeros, and returns its hash.
fn put_list(
    puts: &mut Vec<([u8; 32], Bytes)>,
    mut list: Vec<[u8; 32]>,
    changes: &[(usize, [u8; 32])],
) -> [u8; 32] {
    for (place, hash) in changes {
        if let Some(entry) = list.get_mut(*place) {
            *entry = *hash;
        }
    }
    if list.iter().all(|hash| *hash == NO_PAGES) {
        return NO_PAGES;
    }
    let list = Bytes::from(list.concat());
    let hash = page_key(&list);
    puts.push((hash, list));
    hash
}
