//! An engine in memory, whose disk can lose power, fail and fill up.

mod disk;
mod tables;

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

pub use self::disk::MemoryDisk;
use self::tables::Tables;
use crate::engine::{Cached, Engine, Family, Op, Reader, Visit, WithReader};
use crate::error::{Ended, StoreError};

/// One start of a program on a [`MemoryDisk`].
#[derive(Debug)]
pub(crate) struct Memory {
    disk: MemoryDisk,
    /// Which start: after a power cut or a kill, this one is over.
    start: u64,
    tables: RwLock<Option<Arc<Tables>>>,
}

impl Memory {
    /// Starts on what the disk holds.
    pub(crate) fn open(disk: &MemoryDisk) -> Result<Self, StoreError> {
        let (start, tables) = disk.start()?;
        Ok(Self { disk: disk.clone(), start, tables: RwLock::new(Some(Arc::new(tables))) })
    }

    fn tables(&self) -> Result<Arc<Tables>, StoreError> {
        self.disk.check(self.start)?;
        self.tables.read().clone().ok_or(StoreError::Ended { ended: Ended::Closed })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.close();
    }
}

impl Reader for Memory {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.tables()?.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.tables()?.scan(family, from, to, visit)
    }

    fn last(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        self.tables()?.last(family, from, to)
    }
}

impl Engine for Memory {
    fn get_cached(&self, family: Family, key: &[u8]) -> Result<Cached, StoreError> {
        self.get(family, key).map(Cached::Known)
    }

    fn write(&self, ops: &[Op], sync: bool) -> Result<(), StoreError> {
        self.disk.work();
        let mut tables = self.tables.write();
        let tables = tables.as_mut().ok_or(StoreError::Ended { ended: Ended::Closed })?;
        self.disk.append(self.start, ops, sync)?;
        Arc::make_mut(tables).apply(ops);
        Ok(())
    }

    fn snapshot(&self, read: WithReader<'_>) -> Result<(), StoreError> {
        let tables = self.tables()?;
        read(&*tables)
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut tables = self.tables.write();
        *tables = Some(Arc::new(self.disk.reopen(self.start)?));
        Ok(())
    }

    fn close(&self) {
        if self.tables.write().take().is_some() {
            self.disk.stop(self.start);
        }
    }

    fn settle(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn compact(&self) -> Result<(), StoreError> {
        self.tables().map(drop)
    }

    fn size(&self, family: Family) -> Result<u64, StoreError> {
        Ok(self.tables()?.size(family))
    }

    fn counters(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}
