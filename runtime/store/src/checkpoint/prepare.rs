//! From changed pages to what must be written, a bounded piece at a time.

use std::collections::BTreeMap;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::memory::{Memory, MemoryRecord, hashes, page_key, read_page};
use super::{CheckpointRecord, NO_PAGES, PAGES_OF_LIST};
use crate::Slot;
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::keys::{self, CHECKPOINT};
use crate::local::LocalStore;
use crate::record;

/// Bytes of pages hashed in one go: then others may read.
const PAGES_AT_ONCE: usize = 1 << 20;
/// Lists read and hashed in one go.
const LISTS_AT_ONCE: usize = 64;

/// Pages and page lists, and the record that names them.
pub(super) struct Pages {
    pub(super) record: MemoryRecord,
    pub(super) puts: Vec<([u8; 32], Bytes)>,
}

/// Hashes the changed pages and lists them. Of the checkpoint before, only the lists they are in are
/// read.
pub(super) async fn prepare(
    store: &LocalStore,
    process: Id,
    memory: Memory,
) -> Result<Pages, StoreError> {
    let begun = store.readers().run(move |engine| Preparation::begin(engine, process, memory));
    let mut work = begun.await?;
    while !work.is_done() {
        work = store.readers().run(move |engine| work.step(engine)).await?;
    }
    Ok(work.end())
}

/// The work between two jobs.
struct Preparation {
    process: Id,
    bytes: u64,
    page_bytes: u32,
    base: Option<Slot>,
    /// Not hashed yet.
    pages: std::vec::IntoIter<(u32, Bytes)>,
    /// Places and hashes of changed pages, by the numbers of lists that are not written yet.
    changed: BTreeMap<usize, Vec<(usize, [u8; 32])>>,
    lists: Vec<[u8; 32]>,
    puts: Vec<([u8; 32], Bytes)>,
}

impl Preparation {
    fn begin(engine: &dyn Engine, process: Id, memory: Memory) -> Result<Self, StoreError> {
        let Memory { bytes, page_bytes, base, pages } = memory;
        let count = MemoryRecord::list_count(bytes, page_bytes);
        let mut changed = BTreeMap::new();
        let mut lists = Vec::new();
        if let Some(slot) = base {
            let base = read_base(engine, &process, slot, page_bytes)?;
            lists = base.lists().take(count).collect();
            if base.bytes > bytes {
                forget_behind(&mut changed, MemoryRecord::page_count(bytes, page_bytes));
            }
        }
        lists.resize(count, NO_PAGES);
        let puts = Vec::with_capacity(pages.len() + pages.len() / 8);
        let pages = pages.into_iter();
        Ok(Self { process, bytes, page_bytes, base, pages, changed, lists, puts })
    }

    fn is_done(&self) -> bool {
        self.pages.len() == 0 && self.changed.is_empty()
    }

    fn step(mut self, engine: &dyn Engine) -> Result<Self, StoreError> {
        match self.pages.len() {
            0 => self.list_some(engine)?,
            _ => self.hash_some(),
        }
        Ok(self)
    }

    fn hash_some(&mut self) {
        let count = PAGES_AT_ONCE / self.page_bytes.max(1) as usize;
        for (index, page) in self.pages.by_ref().take(count.max(1)) {
            let (list, place) = (index as usize / PAGES_OF_LIST, index as usize % PAGES_OF_LIST);
            let hash = if is_zero(&page) { NO_PAGES } else { page_key(&page) };
            self.changed.entry(list).or_default().push((place, hash));
            if hash != NO_PAGES {
                self.puts.push((hash, page));
            }
        }
    }

    fn list_some(&mut self, engine: &dyn Engine) -> Result<(), StoreError> {
        for _ in 0..LISTS_AT_ONCE {
            let Some((number, pages)) = self.changed.pop_first() else { break };
            let Some(place) = self.lists.get_mut(number) else { continue };
            let list = match self.base {
                Some(slot) => read_list(engine, place, &self.process, slot)?,
                None => vec![NO_PAGES; PAGES_OF_LIST],
            };
            *place = put_list(&mut self.puts, list, &pages);
        }
        Ok(())
    }

    fn end(self) -> Pages {
        let Self { bytes, page_bytes, lists, puts, .. } = self;
        Pages { record: MemoryRecord { bytes, page_bytes, lists: lists.concat().into() }, puts }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::memory::{Memory as Engine, MemoryDisk};

    #[test]
    fn no_step_takes_more_than_its_share_of_a_large_memory() {
        let engine = Engine::open(&MemoryDisk::new()).unwrap();
        let memory = Memory::whole(&vec![1; 64 << 20]);
        let mut work = Preparation::begin(&engine, Id::of(b"process"), memory).unwrap();
        let mut steps = 0;
        while !work.is_done() {
            let (pages, lists) = (work.pages.len(), work.changed.len());
            work = work.step(&engine).unwrap();
            assert!(pages - work.pages.len() <= PAGES_AT_ONCE / 4096);
            assert!(lists <= work.changed.len() + LISTS_AT_ONCE);
            steps += 1;
        }
        assert_eq!(steps, 64 + 4, "each MiB of pages, and all 64 of the 256 lists");
    }
}
