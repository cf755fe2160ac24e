//! Guest memory as pages and lists of pages.

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

use crate::Slot;
use crate::engine::{Family, Reader};
use crate::error::StoreError;
use crate::record;

/// Bytes of a page, unless the caller wants others.
pub const PAGE_BYTES: u32 = 4096;
/// Largest page: one of WebAssembly.
const MAX_PAGE_BYTES: u32 = 65_536;
/// Largest guest memory: 16 GiB.
pub const MAX_MEMORY_BYTES: u64 = 16 << 30;
/// Hashes in one page list.
pub(crate) const PAGES_OF_LIST: usize = 64;
/// Stands for a page, or a list of pages, all of whose bytes are 0.
pub(crate) const NO_PAGES: [u8; 32] = [0; 32];

/// Guest memory to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Its length: a multiple of `page_bytes`, at most [`MAX_MEMORY_BYTES`].
    pub bytes: u64,
    /// A power of two from [`PAGE_BYTES`] to 65 536.
    pub page_bytes: u32,
    /// The earlier checkpoint of the process that has the pages which are not given. Without one,
    /// they are zeros.
    pub base: Option<Slot>,
    /// Pages that differ, by their number from 0.
    pub pages: Vec<(u32, Bytes)>,
}

impl Memory {
    /// All of a memory, in pages of [`PAGE_BYTES`]. What is missing from the last page is zeros.
    #[must_use]
    pub fn whole(memory: &[u8]) -> Self {
        let size = PAGE_BYTES as usize;
        let pages = memory.chunks(size).zip(0..).map(|(chunk, index)| {
            let mut page = chunk.to_vec();
            page.resize(size, 0);
            (index, page.into())
        });
        let pages: Vec<(u32, Bytes)> = pages.collect();
        let bytes = pages.len() as u64 * u64::from(PAGE_BYTES);
        Self { bytes, page_bytes: PAGE_BYTES, base: None, pages }
    }

    /// Refuses what does not fit together.
    pub(super) fn check(&self, slot: Slot) -> Result<(), StoreError> {
        let wrong = |index, reason| Err(StoreError::WrongPage { index, reason });
        let size = self.page_bytes;
        if !(PAGE_BYTES..=MAX_PAGE_BYTES).contains(&size) || !size.is_power_of_two() {
            return wrong(0, "no power of two from 4 096 to 65 536");
        }
        if self.bytes > MAX_MEMORY_BYTES || !self.bytes.is_multiple_of(u64::from(size)) {
            return wrong(0, "the memory's length is no multiple of a page's, or too large");
        }
        if self.base.is_some_and(|base| base >= slot) {
            return wrong(0, "the memory builds on a checkpoint that is not before it");
        }
        for (index, page) in &self.pages {
            if page.len() != size as usize {
                return wrong(*index, "it has another length");
            }
            if u64::from(*index) >= self.bytes / u64::from(size) {
                return wrong(*index, "it lies behind the end of the memory");
            }
        }
        Ok(())
    }
}

/// Guest memory as a checkpoint names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemoryRecord {
    pub(crate) bytes: u64,
    pub(crate) page_bytes: u32,
    /// Hashes of page lists, 32 bytes each, in order.
    pub(crate) lists: Bytes,
}

impl MemoryRecord {
    /// How many lists a memory of this size has.
    pub(crate) fn list_count(bytes: u64, page_bytes: u32) -> usize {
        Self::page_count(bytes, page_bytes).div_ceil(PAGES_OF_LIST)
    }

    pub(super) fn page_count(bytes: u64, page_bytes: u32) -> usize {
        usize::try_from(bytes / u64::from(page_bytes.max(1))).unwrap_or(usize::MAX)
    }

    /// Whether a memory can have these lengths, and has as many lists as it needs.
    pub(crate) fn is_possible(&self) -> bool {
        let Self { bytes, page_bytes, lists } = self;
        (PAGE_BYTES..=MAX_PAGE_BYTES).contains(page_bytes)
            && page_bytes.is_power_of_two()
            && *bytes <= MAX_MEMORY_BYTES
            && bytes.is_multiple_of(u64::from(*page_bytes))
            && lists.len() == Self::list_count(*bytes, *page_bytes) * 32
    }

    /// The hashes of the lists.
    pub(crate) fn lists(&self) -> impl Iterator<Item = [u8; 32]> {
        hashes(&self.lists)
    }

    pub(crate) fn list(&self, number: usize) -> [u8; 32] {
        self.lists().nth(number).unwrap_or(NO_PAGES)
    }
}

/// Hashes that lie one after another.
pub(crate) fn hashes(bytes: &[u8]) -> impl Iterator<Item = [u8; 32]> {
    bytes.as_chunks::<32>().0.iter().copied()
}

/// The key of a page or page list: its hash.
pub(crate) fn page_key(page: &[u8]) -> [u8; 32] {
    *Id::of(page).as_bytes()
}

/// A page or page list, if it is there; held against its hash.
pub(crate) fn read_page(
    reader: &(impl Reader + ?Sized),
    hash: &[u8; 32],
) -> Result<Option<Bytes>, StoreError> {
    let Some(page) = reader.get(Family::Pages, hash)? else { return Ok(None) };
    if page_key(&page) != *hash {
        return Err(StoreError::Corrupt {
            family: Family::Pages,
            key: record::hex(hash),
            reason: "its hash is another one".into(),
        });
    }
    Ok(Some(page))
}
