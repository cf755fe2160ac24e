//! What an operator may choose.

/// When a write counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When the disk has it: it survives a power cut.
    #[default]
    Sync,
    /// When the operating system has it: it survives the program, not a power cut.
    Os,
}

/// Which checkpoints of a process stay. The newest always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many of the newest. At least 1.
    pub last: usize,
    /// Besides, the first one of every so many slots; 0 keeps none.
    pub every: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { last: 3, every: 10_000 }
    }
}

/// How a store works. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// When a write counts as done. Default: `Sync`.
    pub durability: Durability,
    /// Which checkpoints stay. Default: the last 3, and one every 10 000 slots.
    pub retention: Retention,
    /// Memory for blocks read and for what is not yet in a table, together. Default: 256 MiB.
    pub cache_bytes: usize,
    /// The part of `cache_bytes` for what is not yet in a table: from here on it is made into tables.
    /// Until that is done, writes go on and take more, each family at most as much as this.
    /// Default: 64 MiB.
    pub write_buffer_bytes: usize,
    /// Write-ahead log that opening may have to replay. Default: 128 MiB.
    pub wal_bytes: u64,
    /// Files kept open. Default: 1 024.
    pub max_open_files: i32,
    /// Requests and KiB, added up, that may wait for the writer. Default: 65 536.
    pub write_queue: usize,
    /// Callers that may wait for room in that queue; one more is [`crate::StoreError::Overloaded`].
    /// Default: 65 536.
    pub write_waiters: usize,
    /// Bytes of all requests that may wait for room in that queue; one more is
    /// [`crate::StoreError::Overloaded`]. Default: 256 MiB.
    pub write_waiting_bytes: usize,
    /// Bytes of one request: a larger one is [`crate::StoreError::TooLarge`]. Default: 256 MiB.
    pub write_request_bytes: usize,
    /// Requests in one batch. Default: 1 024, so that callers prepare their next requests meanwhile.
    pub batch_requests: usize,
    /// Bytes in one batch, but for a single larger request. Default: 8 MiB.
    pub batch_bytes: usize,
    /// Threads that read what is not in memory. Default: 2.
    pub reader_threads: usize,
    /// Reads that may wait for those threads; the next ones wait for room. Default: 1 024.
    pub read_queue: usize,
    /// Memory with which unused pages are told from used ones. Default: 8 MiB, for some
    /// 6 million pages at one unused page in a hundred overlooked.
    pub collection_bytes: usize,
    /// Open although the write-ahead log is damaged, and keep what lies before the damage. What lies
    /// behind it is lost, acknowledged or not. Default: off, so that damage is an error.
    pub salvage: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            retention: Retention::default(),
            cache_bytes: 256 << 20,
            write_buffer_bytes: 64 << 20,
            wal_bytes: 128 << 20,
            max_open_files: 1024,
            write_queue: 65_536,
            write_waiters: 65_536,
            write_waiting_bytes: 256 << 20,
            write_request_bytes: 256 << 20,
            batch_requests: 1024,
            batch_bytes: 8 << 20,
            reader_threads: 2,
            read_queue: 1024,
            collection_bytes: 8 << 20,
            salvage: false,
        }
    }
}
