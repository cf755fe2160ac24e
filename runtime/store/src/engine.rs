//! What the store asks of a key-value engine, and the two engines there are.
//!
//! Everything that gives the data a meaning lies above this line and is the same for both.

pub(crate) mod memory;
pub(crate) mod rocks;

use std::fmt;
use std::ops::ControlFlow;

use bytes::Bytes;

use crate::error::StoreError;

/// A space of keys with its own tuning: a column family of RocksDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Assignments, heads, and what was received from whom.
    Log,
    /// Messages by id, aliases and links.
    Content,
    /// Results, computed heads and attempts.
    Results,
    /// Checkpoints of processes.
    Checkpoints,
    /// Pages of guest memory by their hash.
    Pages,
    /// Messages to be delivered.
    Outbox,
    /// Durable timers.
    Timers,
    /// Names.
    Names,
    /// Ledgers.
    Ledgers,
    /// What the node knows of itself.
    Node,
}

impl Family {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 10] = [
        Self::Log,
        Self::Content,
        Self::Results,
        Self::Checkpoints,
        Self::Pages,
        Self::Outbox,
        Self::Timers,
        Self::Names,
        Self::Ledgers,
        Self::Node,
    ];

    /// Its name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Content => "content",
            Self::Results => "results",
            Self::Checkpoints => "checkpoints",
            Self::Pages => "pages",
            Self::Outbox => "outbox",
            Self::Timers => "timers",
            Self::Names => "names",
            Self::Ledgers => "ledgers",
            Self::Node => "node",
        }
    }

    /// Its number in exports and in the memory engine's log.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    Put {
        family: Family,
        key: Bytes,
        value: Bytes,
    },
    Delete {
        family: Family,
        key: Bytes,
    },
    /// Every key from the first up to the second, which stays.
    DeleteRange {
        family: Family,
        from: Bytes,
        to: Bytes,
    },
}

impl Op {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Put { key, value, .. } => key.len() + value.len(),
            Self::Delete { key, .. } => key.len(),
            Self::DeleteRange { from, to, .. } => from.len() + to.len(),
        }
    }
}

/// What a read without waiting found.
#[derive(Debug)]
pub(crate) enum Cached {
    /// The answer, which was in memory.
    Known(Option<Bytes>),
    /// Only the disk knows.
    OnDisk,
}

/// Called with each key and value of a scan, until it breaks.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// Called with one state of everything, however long it reads.
pub(crate) type WithReader<'a> = &'a mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>;

/// Reads of one state of the data.
pub(crate) trait Reader {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// Visits the keys from `from` up to, but without, `to`, in byte order.
    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError>;

    /// The last key and value from `from` up to, but without, `to`.
    fn last(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>, StoreError>;
}

/// What a whole engine offers beyond reads. One thread writes; all may read.
pub(crate) trait Engine: Reader + fmt::Debug + Send + Sync {
    /// A read that never waits for the disk.
    fn get_cached(&self, family: Family, key: &[u8]) -> Result<Cached, StoreError>;

    /// All of the changes or none; with `sync`, on disk when it returns, and everything written
    /// before as well.
    fn write(&self, ops: &[Op], sync: bool) -> Result<(), StoreError>;

    /// Calls `read` with one state that later writes do not touch.
    fn snapshot(&self, read: WithReader<'_>) -> Result<(), StoreError>;

    /// After [`StoreError::DiskFull`]: writes again, if there is space.
    fn reopen(&self) -> Result<(), StoreError>;

    /// Gives up the folder, once what reads it now has ended. Later calls fail.
    fn close(&self);

    /// Begins to make tables of all that is not in one yet, which gives its memory back.
    fn settle(&self) -> Result<(), StoreError>;

    /// Rewrites the data without what is deleted.
    fn compact(&self) -> Result<(), StoreError>;

    /// Bytes that a family takes up, nearly.
    fn size(&self, family: Family) -> Result<u64, StoreError>;

    /// What the engine counts, as name and value.
    fn counters(&self) -> Vec<(String, u64)>;
}
