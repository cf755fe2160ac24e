//! Reads of RocksDB, of what is there now or of a snapshot.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use rocksdb::{ColumnFamily, DB, DBRawIterator, ReadOptions, Snapshot};

use super::fault::{not_open, reading};
use crate::engine::{Family, Reader, Visit};
use crate::error::StoreError;

pub(super) struct View<'a> {
    pub(super) db: &'a DB,
    pub(super) snapshot: Option<&'a Snapshot<'a>>,
    /// Scans are to end,
    pub(super) ending: &'a AtomicBool,
    /// with this.
    pub(super) ended: fn() -> StoreError,
}

pub(super) fn column(db: &DB, family: Family) -> Result<&ColumnFamily, StoreError> {
    db.cf_handle(family.name()).ok_or_else(not_open)
}

impl View<'_> {
    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        if let Some(snapshot) = self.snapshot {
            options.set_snapshot(snapshot);
        }
        options
    }

    fn range(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> Result<DBRawIterator<'_>, StoreError> {
        let mut options = self.options();
        options.set_iterate_range(from..to);
        Ok(self.db.raw_iterator_cf_opt(column(self.db, family)?, options))
    }
}

impl Reader for View<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let found = self.db.get_cf_opt(column(self.db, family)?, key, &self.options());
        found.map(|value| value.map(Bytes::from)).map_err(|error| reading(family, key, error))
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let mut at = from.to_vec();
        let mut iterator = self.range(family, from, to)?;
        iterator.seek(from);
        while let Some((key, value)) = iterator.item() {
            if self.ending.load(Relaxed) {
                return Err((self.ended)());
            }
            if let ControlFlow::Break(()) = visit(key, value) {
                return Ok(());
            }
            at.clear();
            at.extend_from_slice(key);
            iterator.next();
        }
        // An iterator that met damage looks like one at its end.
        iterator.status().map_err(|error| reading(family, &at, error))
    }

    fn last(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        let mut iterator = self.range(family, from, to)?;
        iterator.seek_to_last();
        iterator.status().map_err(|error| reading(family, from, error))?;
        Ok(iterator.item().map(|(k, v)| (Bytes::copy_from_slice(k), Bytes::copy_from_slice(v))))
    }
}
