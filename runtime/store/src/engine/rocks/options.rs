//! How RocksDB is tuned, family by family.
//!
//! | Family | Tables | Values apart from their keys | Why |
//! |---|---|---|---|
//! | `log`, `content` | LZ4, Zstandard at the bottom; Bloom filter | from 8 KiB, LZ4 | written once, read by key and in order; merging tables need not move long values |
//! | `results`, `outbox` | LZ4; Bloom filter | from 8 KiB, LZ4 | small records, and signed messages |
//! | `checkpoints` | LZ4 | from 8 KiB, LZ4 | few; states may be long |
//! | `pages` | LZ4; blocks of 16 KiB; Bloom filter | never | values of one page, whose space collection must give back |
//! | others | LZ4; Bloom filter | never | small |
//!
//! One block cache serves all; what is not yet in a table counts towards it.

use rocksdb::statistics::{StatsLevel, Ticker};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Options,
    WriteBufferManager,
};

use crate::config::StoreConfig;
use crate::engine::Family;

/// Values from this size on lie in blob files, apart from their keys.
const MIN_BLOB_BYTES: u64 = 8 << 10;
/// The oldest part of the blob files that merging tables rewrites without what is deleted.
pub(super) const BLOB_GC_AGE: f64 = 0.25;
/// A page and its key fill a quarter of a block.
const PAGE_BLOCK_BYTES: usize = 16 << 10;
const BLOCK_BYTES: usize = 8 << 10;
/// One key in a hundred is looked for in vain.
const BLOOM_BITS: f64 = 10.0;
/// RocksDB's own diary, in files of this size.
const DIARY_BYTES: usize = 4 << 20;
const DIARY_FILES: usize = 4;

/// Whether long values of the family lie in blob files.
pub(super) fn has_blobs(family: Family) -> bool {
    use Family::{Checkpoints, Content, Log, Outbox, Results};
    matches!(family, Log | Content | Results | Outbox | Checkpoints)
}

/// What outlives a closed database: the cache, the budget for writes, the counters.
pub(super) struct Tuning {
    cache: Cache,
    buffers: WriteBufferManager,
    config: StoreConfig,
    /// Holds the statistics; databases are opened with copies.
    base: Options,
}

impl Tuning {
    pub(super) fn new(config: &StoreConfig) -> Self {
        let cache = Cache::new_lru_cache(config.cache_bytes);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(
            config.write_buffer_bytes,
            false,
            cache.clone(),
        );
        let mut base = Options::default();
        base.enable_statistics();
        base.set_statistics_level(StatsLevel::ExceptDetailedTimers);
        Self { cache, buffers, config: config.clone(), base }
    }

    /// For the database as a whole.
    pub(super) fn database(&self, new: bool) -> Options {
        let mut options = self.base.clone();
        options.create_if_missing(new);
        options.create_missing_column_families(true);
        options.set_paranoid_checks(true);
        // A log that ends in the middle of a record is what a power cut leaves; damage before its
        // end is not, and opening fails unless the operator wants what can be saved. RocksDB does not
        // tell the two apart in a log's last block, `wal` does.
        options.set_wal_recovery_mode(if self.config.salvage {
            DBRecoveryMode::PointInTime
        } else {
            DBRecoveryMode::TolerateCorruptedTailRecords
        });
        options.set_track_and_verify_wals_in_manifest(true);
        options.set_max_total_wal_size(self.config.wal_bytes);
        options.set_write_buffer_manager(&self.buffers);
        options.set_max_open_files(self.config.max_open_files);
        options.set_max_background_jobs(2);
        options.set_bytes_per_sync(1 << 20);
        options.set_max_log_file_size(DIARY_BYTES);
        options.set_keep_log_file_num(DIARY_FILES);
        options.set_stats_dump_period_sec(0);
        options
    }

    /// Nearly the most that is in the write-ahead log and in no table.
    pub(super) fn write_buffer_bytes(&self) -> u64 {
        self.config.write_buffer_bytes as u64
    }

    pub(super) fn families(&self) -> Vec<ColumnFamilyDescriptor> {
        let of = |family: Family| ColumnFamilyDescriptor::new(family.name(), self.family(family));
        Family::ALL.into_iter().map(of).collect()
    }

    fn family(&self, family: Family) -> Options {
        let mut options = Options::default();
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&self.cache);
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table.set_bloom_filter(BLOOM_BITS, false);
        table.set_format_version(6);
        table.set_block_size(if family == Family::Pages { PAGE_BLOCK_BYTES } else { BLOCK_BYTES });
        options.set_block_based_table_factory(&table);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_level_compaction_dynamic_level_bytes(true);
        options.set_write_buffer_size(self.config.write_buffer_bytes / 2);
        if matches!(family, Family::Log | Family::Content) {
            options.set_bottommost_compression_type(DBCompressionType::Zstd);
        }
        if has_blobs(family) {
            self.separate_long_values(&mut options);
        }
        options
    }

    fn separate_long_values(&self, options: &mut Options) {
        options.set_enable_blob_files(true);
        options.set_min_blob_size(MIN_BLOB_BYTES);
        options.set_blob_compression_type(DBCompressionType::Lz4);
        options.set_enable_blob_gc(true);
        options.set_blob_gc_age_cutoff(BLOB_GC_AGE);
        options.set_blob_cache(&self.cache);
    }

    /// What RocksDB counted since the start, and the memory it holds now.
    pub(super) fn counters(&self) -> Vec<(String, u64)> {
        let ticker =
            |ticker: &Ticker| (ticker.name().to_owned(), self.base.get_ticker_count(*ticker));
        let mut counters: Vec<_> = Ticker::iter().map(ticker).collect();
        counters.push(("oxbeam.cache.bytes".into(), self.cache.get_usage() as u64));
        counters.push(("oxbeam.write_buffers.bytes".into(), self.buffers.get_usage() as u64));
        counters
    }
}
