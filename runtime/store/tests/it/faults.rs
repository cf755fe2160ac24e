//! Faults of the machine: a disk that fills up, a sync that fails, files that are damaged.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use oxbeam_store::{Append, Ended, Limit, LocalStore, Log, Processes, StoreConfig, StoreError};

use crate::child::{FOLDER, run_under, tell};
use crate::common::{Place, append, copy_folder, id, small};
use crate::integrity::fill;

fn noise(slot: u64, length: usize) -> bytes::Bytes {
    let mut noise = vec![0; length];
    fastrand::Rng::with_seed(slot).fill(&mut noise);
    noise.into()
}

#[test]
#[ignore = "a child of the test below"]
fn child_that_fills_a_small_disk() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
        .arg(&folder)
        .status()
        .unwrap();
    if !mounted.success() {
        return;
    }
    tell("mounted");
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![1; 16 << 20]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (store, _) = LocalStore::open(folder.join("store"), &small()).unwrap();
        let write = async |slot| {
            let assignment = noise(slot, 64 << 10);
            store.append(Append { assignment, ..append(id("process"), slot) }).await
        };
        let mut slot = 0;
        let refused = loop {
            match write(slot).await {
                Ok(_) => slot += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, StoreError::DiskFull { .. }), "{refused:?}");
        tell(&format!("full after {slot}"));
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            match write(slot).await {
                // What the engine did not need any more made room.
                Ok(_) => slot += 1,
                Err(error) => assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}"),
            }
            read_all(&store, slot).await;
        }
        std::fs::remove_file(&ballast).unwrap();
        while let Err(error) = write(slot).await {
            assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
            tokio::task::yield_now().await;
        }
        slot += 1;
        tell("space again");
        read_all(&store, slot).await;
        assert!(store.check().unwrap().is_sound());
        store.close().await;
        let (store, _) = LocalStore::open(folder.join("store"), &small()).unwrap();
        read_all(&store, slot).await;
        store.close().await;
    });
    tell("done");
}

async fn read_all(store: &LocalStore, slots: u64) {
    let all = Limit { count: usize::MAX, bytes: usize::MAX };
    let read = store.assignments(id("process"), 0, all).await.unwrap();
    assert!(read.items.len() as u64 >= slots, "what was acknowledged is there");
    assert!(read.items.iter().all(|a| a.assignment == noise(a.slot, 64 << 10)));
}

#[test]
fn a_full_disk_fails_writes_by_name_and_the_store_recovers_with_space() {
    let folder = tempfile::tempdir().unwrap();
    // In a mount namespace of its own, so that nothing is left of the disk.
    let arguments = ["--user", "--map-root-user", "--mount"];
    let test = "faults::child_that_fills_a_small_disk";
    let Some(lines) = run_under("unshare", &arguments, test, folder.path()) else { return };
    assert_eq!(lines.last().map(String::as_str), Some("done"), "{lines:?}");
}

#[test]
#[ignore = "a child of the test below"]
fn child_whose_sync_fails() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tell("started");
    runtime.block_on(async {
        let (store, _) = LocalStore::open(folder, &small()).unwrap();
        let mut slot = 0;
        let failed = loop {
            match store.append(append(id("process"), slot)).await {
                Ok(_) => slot += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(failed, StoreError::WriteFailed { .. }), "{failed:?}");
        tell(&format!("acknowledged {slot}"));
        assert!(matches!(store.ended().await, Ended::Poisoned { .. }));
        for _ in 0..5 {
            // Later syncs might succeed, and say nothing about what the failed one left out.
            store.append(append(id("process"), slot)).await.unwrap_err();
        }
        let read = store.assignments(id("process"), 0, Limit::default()).await.unwrap();
        assert_eq!(read.items.len() as u64, slot, "reads go on");
        store.close().await;
    });
    tell("done");
}

#[test]
fn a_sync_that_fails_is_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    // Each thread counts for itself; opening takes fewer, and the writer's thread syncs nothing but
    // its batches.
    let arguments = ["-f", "-qq", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO:when=60"];
    let test = "faults::child_whose_sync_fails";
    let Some(lines) = run_under("strace", &arguments, test, &place) else { return };
    assert_eq!(lines.last().map(String::as_str), Some("done"), "{lines:?}");
    let acknowledged = lines.iter().find_map(|line| line.strip_prefix("acknowledged "));
    let acknowledged: u64 = acknowledged.unwrap().parse().unwrap();
    assert!(acknowledged > 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (store, _) = LocalStore::open(&place, &small()).unwrap();
        assert!(store.check().unwrap().is_sound());
        let head = store.head(id("process")).await.unwrap().unwrap().slot;
        assert!(head + 1 >= acknowledged, "what was acknowledged is there");
        store.append(append(id("process"), head + 1)).await.unwrap();
        store.close().await;
    });
}

/// A store with tables, blob files and a write-ahead log, closed.
async fn full_store() -> (Place, Vec<u8>) {
    let place = Place::folder();
    let store = place.open();
    for slot in 0..30 {
        let assignment = noise(slot, if slot % 3 == 0 { 20_000 } else { 500 });
        store.append(Append { assignment, ..append(id("early"), slot) }).await.unwrap();
    }
    store.compact().unwrap();
    fill(&store).await;
    for slot in 0..30 {
        let assignment = noise(slot, 700);
        store.append(Append { assignment, ..append(id("late"), slot) }).await.unwrap();
    }
    let mut export = Vec::new();
    store.export(&mut export).unwrap();
    store.close().await;
    (place, export)
}

/// Files that hold data or say where it is.
fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut files: Vec<String> = names
        .filter(|name| {
            [".log", ".sst", ".blob"].iter().any(|end| name.ends_with(end))
                || ["MANIFEST", "CURRENT"].iter().any(|start| name.starts_with(start))
        })
        .filter(|name| std::fs::metadata(folder.join(name)).unwrap().len() > 0)
        .collect();
    files.sort();
    files
}

#[derive(Debug, Default)]
struct Outcomes {
    not_opened: u32,
    found: u32,
    harmless: u32,
    older: u32,
}

#[tokio::test]
async fn damaged_files_are_detected_and_never_read_as_other_data() {
    let (place, expected) = full_store().await;
    let files = files(&place.path());
    assert!([".log", ".sst", ".blob"].iter().all(|end| files.iter().any(|f| f.ends_with(end))));
    let mut rng = fastrand::Rng::with_seed(5);
    let mut outcomes = Outcomes::default();
    for round in 0..8 {
        for name in &files {
            let copy = Place::folder();
            copy_folder(&place.path(), &copy.path());
            let file = copy.path().join(name);
            let mut content = std::fs::read(&file).unwrap();
            let cut = round % 4 > 1;
            let byte = rng.usize(..content.len());
            let last = wal_records(&content).last().copied();
            if cut {
                content.truncate(byte);
            } else {
                content[byte] ^= 1 << rng.u8(..8);
            }
            std::fs::write(&file, content).unwrap();
            let crashed = round % 2 == 1;
            if crashed {
                // Nobody knows how long the files were.
                std::fs::remove_file(copy.path().join("CLOSED")).unwrap();
            }
            // After a crash, the end of these may be missing anyway.
            let log_end = name.ends_with(".log") && (cut || last.is_some_and(|last| byte >= last));
            let may_be_older = crashed && (log_end || name.starts_with("MANIFEST"));
            look(&copy, &expected, may_be_older, &mut outcomes, name).await;
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.not_opened > 0 && outcomes.found > 0, "{outcomes:?}");
}

/// Where the records of a RocksDB log begin: checksum u32, length u16 little-endian, type u8.
fn wal_records(log: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while at + 7 <= log.len() {
        if 32_768 - at % 32_768 < 7 {
            at = at.next_multiple_of(32_768);
            continue;
        }
        found.push(at);
        at += 7 + usize::from(u16::from_le_bytes([log[at + 4], log[at + 5]]));
    }
    found
}

#[tokio::test]
async fn damage_before_the_last_record_of_the_log_is_found_after_a_crash() {
    let place = Place::folder();
    let store = place.open();
    for slot in 0..60 {
        store.append(append(id("process"), slot)).await.unwrap();
    }
    let crashed = Place::folder();
    copy_folder(&place.path(), &crashed.path());
    let logs = files(&crashed.path()).into_iter().filter(|name| name.ends_with(".log"));
    let log = logs.max_by_key(|name| std::fs::metadata(crashed.path().join(name)).unwrap().len());
    let log = log.unwrap();
    let content = std::fs::read(crashed.path().join(&log)).unwrap();
    let records = wal_records(&content);
    for middle in [records[records.len() / 3], records[records.len() - 2]] {
        for byte in 0..12 {
            let copy = Place::folder();
            copy_folder(&crashed.path(), &copy.path());
            let mut flipped = content.clone();
            flipped[middle + byte] ^= 0x42;
            std::fs::write(copy.path().join(&log), flipped).unwrap();
            let refused = copy.open_with(&small()).unwrap_err();
            assert!(matches!(refused, StoreError::Damaged { .. }), "{byte}: {refused:?}");
            let salvage = StoreConfig { salvage: true, ..small() };
            let (store, _) = copy.open_with(&salvage).unwrap();
            assert!(store.head(id("process")).await.unwrap().unwrap().slot < 59);
        }
    }
}

async fn look(
    copy: &Place,
    expected: &[u8],
    may_be_older: bool,
    outcomes: &mut Outcomes,
    name: &str,
) {
    let store = match copy.open_with(&small()) {
        Ok((store, _)) => store,
        Err(error) => {
            let typed = matches!(
                error,
                StoreError::Damaged { .. }
                    | StoreError::Corrupt { .. }
                    | StoreError::OpenFailed { .. }
            );
            assert!(typed, "{name}: {error:?}");
            outcomes.not_opened += 1;
            return;
        }
    };
    let report = store.check().unwrap();
    never_other(&store).await;
    let mut export = Vec::new();
    if !report.is_sound() {
        outcomes.found += 1;
    } else {
        store.export(&mut export).unwrap();
        let unchanged = export == expected;
        assert!(unchanged || may_be_older, "{name}: data changed and the check is content");
        *if unchanged { &mut outcomes.harmless } else { &mut outcomes.older } += 1;
    }
    store.close().await;
}

/// Whatever can be read is what was written.
async fn never_other(store: &LocalStore) {
    let Ok(processes) = store.processes(None, Limit::default()).await else { return };
    for (process, head) in processes.items {
        for slot in 0..=head.slot {
            let Ok(Some(found)) = store.assignment(process, slot).await else { continue };
            let written = if process == id("early") {
                noise(slot, if slot % 3 == 0 { 20_000 } else { 500 })
            } else if process == id("late") {
                noise(slot, 700)
            } else {
                append(process, slot).assignment
            };
            assert_eq!(found.assignment, written);
        }
    }
}
