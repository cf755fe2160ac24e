//! The figures of `docs/benchmarks.md`, each beside RocksDB called directly in one run.
//!
//! `cargo bench -p oxbeam-store`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench has no users, and fails loudly"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use oxbeam_protocol::Id;
use oxbeam_store::{
    Append, Checkpoints, Commit, ContentBatch, Durability, Limit, LocalStore, Log, Memory,
    NewCheckpoint, PAGE_BYTES, Results, StoreConfig,
};
use rocksdb::{DB, Options, WriteBatch, WriteOptions};
use tokio::runtime::Runtime;

/// How long each rate is measured, so many times; the disk's mood changes from second to second.
const MEASURED: Duration = Duration::from_millis(700);
const ROUNDS: usize = 7;
/// Bytes of an assignment.
const ASSIGNMENT: usize = 1024;
/// Tells a second run of this program which folder to fill.
const FILL: &str = "OXBEAM_STORE_BENCH_FILL";
/// Bytes of the guest memory that is checkpointed.
const MEMORY: usize = 64 << 20;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    // First, while this program holds nothing else.
    at_rest(&runtime);
    appends(&runtime);
    checkpoints(&runtime);
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    reads(&mut criterion, &runtime);
    restore(&mut criterion, &runtime);
    criterion.final_summary();
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut noise);
    noise
}

fn append(process: Id, slot: u64, assignment: Bytes) -> Append {
    let (chain, content) = (process, ContentBatch::default());
    Append { process, slot, assignment, chain, body: None, origin: None, content }
}

fn process(number: usize) -> Id {
    Id::of(&number.to_be_bytes())
}

fn open(folder: &Path, durability: Durability) -> LocalStore {
    let config = StoreConfig { durability, ..StoreConfig::default() };
    LocalStore::open(folder, &config).unwrap().0
}

/// Durable appends a second, beside as many puts with a sync each, and beside batches of the same
/// size in RocksDB alone.
fn appends(runtime: &Runtime) {
    println!("durable appends of {ASSIGNMENT} bytes");
    println!("writers | store/s | mean batch | one sync each/s | ratio | raw batches/s | ratio");
    for writers in [1, 16, 256, 4096] {
        let mut rates = [const { Vec::new() }; 6];
        for _ in 0..ROUNDS {
            let (rate, batch) = store_rate(runtime, writers);
            let serial = raw_rate(1);
            let raw = raw_rate(batch.round().max(1.0) as usize);
            for (all, one) in
                rates.iter_mut().zip([rate, batch, serial, rate / serial, raw, rate / raw])
            {
                all.push(one);
            }
        }
        let [rate, batch, serial, to_serial, raw, to_raw] = rates.map(median);
        println!(
            "{writers} | {rate:.0} | {batch:.1} | {serial:.0} | {to_serial:.1} | {raw:.0} | {to_raw:.2}"
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn store_rate(runtime: &Runtime, writers: usize) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Durability::Sync);
    let done = Arc::new(AtomicU64::new(0));
    let assignment = Bytes::from(noise(1, ASSIGNMENT));
    let began = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..writers)
            .map(|number| {
                let (store, done, assignment) = (store.clone(), done.clone(), assignment.clone());
                tokio::spawn(async move {
                    let mut slot = 0;
                    while began.elapsed() < MEASURED {
                        let append = append(process(number), slot, assignment.clone());
                        store.append(append).await.unwrap();
                        done.fetch_add(1, Relaxed);
                        slot += 1;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let rate = done.load(Relaxed) as f64 / began.elapsed().as_secs_f64();
    let statistics = store.statistics();
    (rate, statistics.requests as f64 / statistics.batches as f64)
}

/// Puts a second in RocksDB alone, `batch` to a batch and a sync: an assignment and a head each.
fn raw_rate(batch: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.create_if_missing(true);
    let db = DB::open(&options, folder.path()).unwrap();
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    let assignment = noise(1, ASSIGNMENT + 44);
    let (mut done, mut slot) = (0_u64, 0_u64);
    let began = Instant::now();
    while began.elapsed() < MEASURED {
        let mut writes = WriteBatch::default();
        for number in 0..batch {
            let process = process(number);
            let head = [&[0], process.as_bytes().as_slice()].concat();
            let key = [&[1], process.as_bytes().as_slice(), &slot.to_be_bytes()].concat();
            writes.put(key, &assignment);
            writes.put(head, [0; 48]);
        }
        db.write_opt(writes, &synced).unwrap();
        slot += 1;
        done += batch as u64;
    }
    done as f64 / began.elapsed().as_secs_f64()
}

/// A checkpoint of a memory in which a hundredth of the small pages changed, wherever.
fn checkpoints(runtime: &Runtime) {
    println!("\ncheckpoint of {} MiB, 1 % of its 4 KiB pages changed", MEMORY >> 20);
    println!("page | first, ms | then, ms | pages | bytes | of the memory | in the log of writes");
    for page_bytes in [PAGE_BYTES, 65_536] {
        for scattered in [true, false] {
            checkpoint(runtime, page_bytes as usize, scattered);
        }
    }
}

fn checkpoint(runtime: &Runtime, page_bytes: usize, scattered: bool) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Durability::Sync);
    let mut memory = noise(1, MEMORY);
    computed(runtime, &store, 2);
    let all = (0..MEMORY / page_bytes).collect::<Vec<_>>();
    let (_, first) = write(runtime, &store, 0, &memory, page_bytes, &all);
    let small = PAGE_BYTES as usize;
    let count = MEMORY / small / 100;
    let mut rng = fastrand::Rng::with_seed(2);
    let changed: Vec<usize> = match scattered {
        true => rng.choose_multiple(0..MEMORY / small, count),
        false => (1000..1000 + count).collect(),
    };
    for page in &changed {
        memory[page * small..page * small + 64].copy_from_slice(&noise(*page as u64 + 9, 64));
    }
    let mut pages: Vec<usize> = changed.iter().map(|page| page * small / page_bytes).collect();
    pages.sort_unstable();
    pages.dedup();
    let before = wal_bytes(&store);
    let (written, then) = write(runtime, &store, 1, &memory, page_bytes, &pages);
    let wal = wal_bytes(&store) - before;
    println!(
        "{} KiB {} | {:.0} | {:.1} | {} | {} | {:.2} % | {:.2} %",
        page_bytes >> 10,
        if scattered { "scattered" } else { "together" },
        first.as_secs_f64() * 1e3,
        then.as_secs_f64() * 1e3,
        written.pages,
        written.bytes,
        written.bytes as f64 * 100.0 / MEMORY as f64,
        wal as f64 * 100.0 / MEMORY as f64,
    );
}

fn write(
    runtime: &Runtime,
    store: &LocalStore,
    slot: u64,
    memory: &[u8],
    page_bytes: usize,
    pages: &[usize],
) -> (oxbeam_store::CheckpointWritten, Duration) {
    let page = |page: &usize| {
        let bytes = &memory[page * page_bytes..(page + 1) * page_bytes];
        (*page as u32, Bytes::copy_from_slice(bytes))
    };
    let memory = Memory {
        bytes: memory.len() as u64,
        page_bytes: page_bytes as u32,
        base: slot.checked_sub(1),
        pages: pages.iter().map(page).collect(),
    };
    let (hashpath, state) = (String::new(), Bytes::new());
    let new = NewCheckpoint { process: process(0), slot, hashpath, state, memory: Some(memory) };
    let began = Instant::now();
    let written = runtime.block_on(store.put_checkpoint(new)).unwrap();
    (written, began.elapsed())
}

fn computed(runtime: &Runtime, store: &LocalStore, slots: u64) {
    for slot in 0..slots {
        let process = process(0);
        runtime.block_on(store.append(append(process, slot, Bytes::new()))).unwrap();
        let (result, hashpath, state, outbox) = (process, String::new(), None, Vec::new());
        let content = ContentBatch::default();
        let (allowance, printed, begins) = (None, String::new(), 0);
        let commit = Commit {
            process,
            slot,
            result,
            hashpath,
            state,
            outbox,
            content,
            allowance,
            printed,
            begins,
        };
        runtime.block_on(store.commit(commit)).unwrap();
    }
}

fn wal_bytes(store: &LocalStore) -> u64 {
    let engine = store.statistics().engine;
    engine.iter().find(|(name, _)| name == "rocksdb.wal.bytes").unwrap().1
}

/// Memory of an idle store that holds 1 GiB, as the default configuration opens it. Filled by a
/// program of its own, so that only what opening takes is counted.
fn at_rest(runtime: &Runtime) {
    if let Some(folder) = std::env::var_os(FILL) {
        let store = open(Path::new(&folder), Durability::Os);
        runtime.block_on(async {
            for slot in 0..262_144_u64 {
                let assignment = Bytes::from(noise(slot, 4 << 10));
                store.append(append(process(0), slot, assignment)).await.unwrap();
            }
            store.close().await;
        });
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let exe = std::env::current_exe().unwrap();
    let filled = std::process::Command::new(exe).env(FILL, folder.path()).status().unwrap();
    assert!(filled.success());
    let before = resident();
    let began = Instant::now();
    let store = open(folder.path(), Durability::Sync);
    println!(
        "\nstore of 1 GiB opens in {:.0} ms; resident {:.1} MiB before, {:.1} MiB after",
        began.elapsed().as_secs_f64() * 1e3,
        before,
        resident()
    );
    drop(store);
}

/// Resident memory of this program in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("VmRSS: 0 kB");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn reads(criterion: &mut Criterion, runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Durability::Os);
    let assignment = Bytes::from(noise(1, ASSIGNMENT));
    runtime.block_on(async {
        for slot in 0..20_000 {
            store.append(append(process(0), slot, assignment.clone())).await.unwrap();
        }
    });
    store.compact().unwrap();
    let mut group = criterion.benchmark_group("reads");
    let mut rng = fastrand::Rng::with_seed(1);
    group.bench_function("an assignment, in cache", |bench| {
        let slots: Vec<u64> = (0..100).map(|_| rng.u64(..20_000)).collect();
        let mut next = slots.iter().cycle();
        bench.iter(|| {
            let slot = *next.next().unwrap();
            runtime.block_on(store.assignment(process(0), slot)).unwrap().unwrap()
        });
    });
    group.bench_function("a process that is not there", |bench| {
        bench.iter(|| runtime.block_on(store.head(process(7))).unwrap());
    });
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1 000 assignments", |bench| {
        bench.iter(|| {
            let from = rng.u64(..19_000);
            let read = store.assignments(process(0), from, Limit::default());
            let read = runtime.block_on(read).unwrap();
            assert_eq!(read.items.len(), 1000);
        });
    });
    group.finish();
}

fn restore(criterion: &mut Criterion, runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Durability::Os);
    computed(runtime, &store, 1);
    let memory = noise(1, MEMORY);
    let all = (0..MEMORY / PAGE_BYTES as usize).collect::<Vec<_>>();
    write(runtime, &store, 0, &memory, PAGE_BYTES as usize, &all);
    let mut group = criterion.benchmark_group("restore");
    group.throughput(Throughput::Bytes(MEMORY as u64));
    group.bench_function("64 MiB", |bench| {
        bench.iter(|| runtime.block_on(store.restore(process(0), 0)).unwrap());
    });
    group.finish();
}
