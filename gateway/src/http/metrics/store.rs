//! The store: its writes, its sizes, what its engine counts, and what lies in outboxes.

use oxbeam_kernel::Node;
use oxbeam_kernel::assignment::milliseconds;
use oxbeam_store::Backlog;

use super::samples::Gathered;

/// Messages that are counted; of a longer backlog this is told.
const MAX_BACKLOG: u64 = 100_000;
/// Before what the store adds to the engine's counters: bytes of memory.
const OWN: &str = "oxbeam.";

/// What lies in outboxes; nothing while the store is opened, or cannot be read.
pub(super) async fn backlog(node: &Node) -> Option<Backlog> {
    node.local_store().ok()?.backlog(MAX_BACKLOG).await.ok()
}

pub(super) fn gather(node: &Node, backlog: Option<Backlog>, gathered: &mut Gathered) {
    if let Some(backlog) = backlog {
        let states =
            [("waiting", backlog.waiting), ("asleep", backlog.asleep), ("dead", backlog.dead)];
        let help = "Messages of processes that wait to be delivered, that nobody has asked to be \
                    sent, and that were given up; each counted up to 100000";
        let samples = states.map(|(state, count)| (vec![("state", state.into())], count as f64));
        gathered.gauges("oxbeam_outbox_messages", help, samples);
        let overdue = backlog.next_due.map_or(0, |due| milliseconds().saturating_sub(due));
        let help = "For how long the message has been due to be delivered that has been longest";
        gathered.gauge("oxbeam_outbox_overdue_seconds", help, overdue as f64 / 1000.0);
    }
    let Ok(store) = node.local_store() else { return };
    let seen = store.statistics();
    let counters = [
        ("oxbeam_store_requests", "Requests to write", seen.requests),
        ("oxbeam_store_batches", "Batches in which they were written", seen.batches),
        ("oxbeam_store_syncs", "Syncs of the write-ahead log", seen.syncs),
        ("oxbeam_store_written_bytes", "Bytes of keys and values written", seen.bytes),
        ("oxbeam_store_failures", "Batches that failed", seen.failures),
        ("oxbeam_store_reopened", "Times that writing went on after a full disk", seen.reopened),
    ];
    for (name, help, value) in counters {
        gathered.counter(name, help, value as f64);
    }
    let help = "Time to write a batch, by whether it was synced";
    let times = [("false", seen.buffered), ("true", seen.synced)];
    let times = times.map(|(synced, times)| (vec![("synced", synced.into())], times));
    gathered.histograms("oxbeam_store_write_seconds", help, times);
    let (own, engine): (Vec<_>, Vec<_>) =
        seen.engine.into_iter().partition(|(name, _)| name.starts_with(OWN));
    let own = own.into_iter().map(|(name, value)| {
        let part = name.trim_start_matches(OWN).trim_end_matches(".bytes").to_owned();
        (vec![("part", part)], value as f64)
    });
    gathered.gauges("oxbeam_store_memory_bytes", "Memory of the store", own);
    let engine = engine.into_iter().map(|(name, value)| {
        let name = name.trim_start_matches("rocksdb.").to_owned();
        (vec![("ticker", name)], value as f64)
    });
    gathered.counters("oxbeam_rocksdb", "What RocksDB counts, by its own names", engine);
    if let Ok(usage) = store.usage() {
        let sizes = usage.families.into_iter();
        let sizes =
            sizes.map(|(family, bytes)| (vec![("family", family.name().into())], bytes as f64));
        gathered.gauges("oxbeam_store_bytes", "Bytes that are kept, by family", sizes);
    }
}
