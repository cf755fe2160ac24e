//! Collection: mark what is named, delete the rest.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::collector::Collection;
use super::memory::{hashes, read_page};
use super::{CheckpointRecord, NO_PAGES};
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::failpoint;
use crate::keys::{self, CHECKPOINT};
use crate::local::LocalStore;
use crate::page::{Limit, page};
use crate::record;
use crate::writer::How;

/// Checkpoints marked in one go.
const CHECKPOINTS_AT_ONCE: Limit = Limit { count: 64, bytes: 4 << 20 };
/// Pages looked at in one go.
const PAGES_AT_ONCE: Limit = Limit { count: 2048, bytes: 8 << 20 };
/// Pages deleted in one batch.
const DELETES_AT_ONCE: usize = 512;

/// What a collection came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// Pages and page lists looked at.
    pub seen: u64,
    /// Those that were deleted.
    pub deleted: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
}

/// Page lists that are marked. A list is told by half of its hash.
type Seen = HashSet<[u8; 16]>;

pub(super) async fn collect(store: &LocalStore) -> Result<Collected, StoreError> {
    let (collector, bytes) = (store.collector().clone(), store.config().collection_bytes);
    // In the writer, so that it begins between two batches and not within one.
    let begun = store.writer().submit(How::buffered(0), move |_| collector.begin(bytes));
    let collection = Arc::new(begun.await?);
    mark(store, &collection).await?;
    sweep(store, &collection).await
}

async fn mark(store: &LocalStore, collection: &Arc<Collection>) -> Result<(), StoreError> {
    let mut seen = Seen::new();
    let mut from = keys::key(&[&[CHECKPOINT]]);
    loop {
        let collection = Arc::clone(collection);
        let marked = store.readers().run(move |engine| {
            let next = mark_some(engine, &collection, &mut seen, &from)?;
            Ok((next, seen))
        });
        match marked.await? {
            (Some(next), back) => (from, seen) = (next, back),
            (None, _) => return Ok(()),
        }
    }
}

/// Marks what some checkpoints name, and answers where the next ones begin.
fn mark_some(
    engine: &dyn Engine,
    collection: &Collection,
    seen: &mut Seen,
    from: &[u8],
) -> Result<Option<Bytes>, StoreError> {
    let (family, end) = (Family::Checkpoints, keys::after(&[CHECKPOINT]));
    let found = page(engine, family, from, &end, CHECKPOINTS_AT_ONCE, |key, value| {
        let record: CheckpointRecord = record::unseal(family, key, value)?;
        Ok((record, Bytes::copy_from_slice(key)))
    })?;
    let memories = found.items.iter().filter_map(|record| record.memory.as_ref());
    for list in memories.flat_map(|memory| memory.lists()).filter(|list| *list != NO_PAGES) {
        collection.keep([list]);
        let half = list.first_chunk().copied().unwrap_or_default();
        if seen.insert(half)
            // Missing, it belongs to a checkpoint that has just been dropped.
            && let Some(pages) = read_page(engine, &list)?
        {
            collection.keep(hashes(&pages));
        }
    }
    Ok(found.last.map(|last| keys::just_after(&last)))
}

async fn sweep(store: &LocalStore, collection: &Arc<Collection>) -> Result<Collected, StoreError> {
    let mut collected = Collected::default();
    let mut from = Some(Bytes::new());
    while let Some(first) = from {
        let looked = Arc::clone(collection);
        let (unused, count, next) =
            store.readers().run(move |engine| unused(engine, &looked, &first)).await?;
        collected.seen += count;
        for part in unused.chunks(DELETES_AT_ONCE) {
            failpoint::pass("collection::before")?;
            let (deleted, bytes) = delete(store, collection, part.to_vec()).await?;
            collected.deleted += deleted;
            collected.bytes += bytes;
            failpoint::pass("collection::after")?;
        }
        from = next;
    }
    Ok(collected)
}

/// A page that may go, and its length.
type Unused = ([u8; 32], u64);

fn unused(
    engine: &dyn Engine,
    collection: &Collection,
    from: &[u8],
) -> Result<(Vec<Unused>, u64, Option<Bytes>), StoreError> {
    let end = keys::after(&[0xff]);
    let found = page(engine, Family::Pages, from, &end, PAGES_AT_ONCE, |key, value| {
        let hash = key.first_chunk::<32>().copied().unwrap_or_default();
        Ok(((hash, value.len() as u64), Bytes::copy_from_slice(key)))
    })?;
    let count = found.items.len() as u64;
    let unused = found.items.into_iter().filter(|(hash, _)| collection.is_unused(hash)).collect();
    Ok((unused, count, found.last.map(|last| keys::just_after(&last))))
}

async fn delete(
    store: &LocalStore,
    collection: &Arc<Collection>,
    part: Vec<Unused>,
) -> Result<(u64, u64), StoreError> {
    let collection = Arc::clone(collection);
    let how = How::buffered(part.len() * 40);
    let deleted = store.writer().submit(how, move |batch| {
        let (mut count, mut total) = (0, 0);
        // Since they were looked at, a checkpoint may have named some.
        for (hash, bytes) in part.iter().filter(|(hash, _)| collection.is_unused(hash)) {
            batch.delete(Family::Pages, Bytes::copy_from_slice(hash));
            count += 1;
            total += bytes;
        }
        Ok((count, total))
    });
    deleted.await
}
