//! Opening, closing, and what stands in the way.

use std::fs;
use std::time::{Duration, Instant};

use oxbeam_store::{Append, Ended, Limit, LocalStore, Log, Results, StoreConfig, StoreError};

use crate::child::{FOLDER, run_under, tell};
use crate::common::{Place, append, append_with, commit, copy_folder, id, on_both, small};

#[tokio::test]
async fn a_closed_store_can_be_opened_again_at_once() {
    on_both(|place| async move {
        for slot in 0..10 {
            let store = place.open();
            store.append(append(id("process"), slot)).await.unwrap();
            store.close().await;
            let late = store.append(append(id("process"), slot + 1)).await.unwrap_err();
            assert!(matches!(late, StoreError::Ended { ended: Ended::Closed }), "{late}");
            assert!(store.head(id("process")).await.is_err());
            assert_eq!(store.ended().await, Ended::Closed);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_queued_when_the_store_closes_is_still_done() {
    on_both(|place| async move {
        let store = place.open();
        let answers: Vec<_> =
            (0..50).map(|slot| store.append(append(id("process"), slot))).collect();
        store.close().await;
        for answer in answers {
            answer.await.unwrap();
        }
        let store = place.open();
        assert_eq!(store.head(id("process")).await.unwrap().unwrap().slot, 49);
    })
    .await;
}

#[tokio::test]
async fn a_store_that_nobody_holds_closes() {
    on_both(|place| async move {
        let store = place.open();
        let ended = store.ended();
        let reading = store.assignments(id("process"), 0, Limit::default());
        drop(store);
        drop(reading);
        assert_eq!(ended.await, Ended::Closed);
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_open_cannot_be_opened_again() {
    on_both(|place| async move {
        let store = place.open();
        let refused = place.open_with(&small()).unwrap_err();
        assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
        store.append(append(id("process"), 0)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn opening_says_what_it_found() {
    on_both(|place| async move {
        let (store, recovery) = place.open_with(&small()).unwrap();
        assert!(recovery.created && recovery.heads_checked == 0);
        store.append(append(id("a"), 0)).await.unwrap();
        store.append(append(id("b"), 0)).await.unwrap();
        store.close().await;
        let (_, recovery) = place.open_with(&small()).unwrap();
        assert!(!recovery.created && recovery.damaged.is_empty());
        assert_eq!((recovery.heads_checked, recovery.heads_left), (2, false));
    })
    .await;
}

#[test]
#[ignore = "a child of the test below"]
fn child_that_may_not_open_the_folder() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    tell("started");
    let refused = LocalStore::open(folder, &small()).unwrap_err();
    assert!(matches!(refused, StoreError::NoPermission { .. }), "{refused:?}");
    tell("no permission");
}

#[test]
fn a_folder_without_permission_says_so() {
    let place = Place::folder();
    fs::create_dir(place.path()).unwrap();
    let mut locked = fs::metadata(place.path()).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut locked, 0o000);
    fs::set_permissions(place.path(), locked).unwrap();
    // Root may do everything: as nobody, if we are root.
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let (program, arguments) =
        if is_root() { ("setpriv", nobody.as_slice()) } else { ("env", [].as_slice()) };
    let test = "lifecycle::child_that_may_not_open_the_folder";
    let Some(lines) = run_under(program, arguments, test, &place.path()) else { return };
    assert_eq!(lines, ["started", "no permission"]);
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("Uid:\t0\t"))
}

#[tokio::test]
async fn data_without_its_beginning_is_not_taken_for_none() {
    let place = Place::folder();
    let store = place.open();
    store.append(append(id("process"), 0)).await.unwrap();
    store.close().await;
    let copy = Place::folder();
    copy_folder(&place.path(), &copy.path());
    fs::remove_file(copy.path().join("CURRENT")).unwrap();
    let refused = copy.open_with(&small()).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
}

#[tokio::test]
async fn opening_an_empty_folder_makes_a_store() {
    let place = Place::folder();
    fs::create_dir_all(place.path()).unwrap();
    let (store, recovery) = LocalStore::open(place.path(), &small()).unwrap();
    assert!(recovery.created);
    store.close().await;
}

#[test]
#[ignore = "a child of the test below"]
fn child_that_closes_what_is_not_synced() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (store, _) = LocalStore::open(folder, &small()).unwrap();
        store.append(append(id("process"), 0)).await.unwrap();
        // Results are not synced.
        store.commit(commit(id("process"), 0)).await.unwrap();
        tell("closing");
        store.close().await;
        tell("closed");
    });
}

#[test]
fn what_the_list_of_an_orderly_close_names_is_on_disk_before_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let calls = "trace=fsync,fdatasync,write";
    let arguments = ["-f", "-y", "-qq", "-s", "40", "-e", calls, "-o", trace.to_str().unwrap()];
    let test = "lifecycle::child_that_closes_what_is_not_synced";
    let Some(lines) = run_under("strace", &arguments, test, &folder.path().join("parent/store"))
    else {
        return;
    };
    assert_eq!(lines, ["closing", "closed"]);
    let trace = fs::read_to_string(&trace).unwrap();
    let (opening, closing) = trace.split_once("> closing").unwrap();
    assert!(opening.contains("/parent>)"), "the folder's place in its parent: {opening}");
    let synced =
        |file: &str| closing.lines().position(|line| line.contains("sync(") && line.contains(file));
    let list = synced("/store/CLOSED>").unwrap();
    assert!(synced(".log>").is_some_and(|log| log < list), "{closing}");
    assert!(synced("/store/MANIFEST-").is_some_and(|manifest| manifest < list), "{closing}");
    assert!(closing.lines().skip(list).any(|line| line.contains("/store>")), "{closing}");
}

#[test]
#[ignore = "a child of the test below"]
fn child_that_is_killed_while_it_makes_a_store() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let _ = LocalStore::open(folder, &small());
}

#[test]
fn a_folder_whose_making_was_killed_opens() {
    for when in 1..5 {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("store");
        let inject = format!("inject=rename:signal=KILL:when={when}");
        let child = std::process::Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &inject])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "lifecycle::child_that_is_killed_while_it_makes_a_store"])
            .args(["--ignored", "--nocapture"])
            .env(FOLDER, &place)
            .stdout(std::process::Stdio::null())
            .status();
        if child.is_err() {
            return;
        }
        let opened = LocalStore::open(&place, &small());
        assert!(opened.is_ok(), "killed at rename {when}: {:?}", opened.err());
    }
}

#[tokio::test]
async fn a_damaged_list_of_files_does_not_keep_the_store_shut() {
    let place = Place::folder();
    place.open().close().await;
    let list = place.path().join("CLOSED");
    let mut text = fs::read(&list).unwrap();
    text[3] ^= 0x80;
    fs::write(&list, text).unwrap();
    place.open().close().await;
}

#[tokio::test]
async fn data_of_a_newer_version_with_another_family_says_so() {
    let place = Place::folder();
    place.open().close().await;
    let names = oxbeam_store::Family::ALL.map(oxbeam_store::Family::name);
    let mut db = rocksdb::DB::open_cf(&rocksdb::Options::default(), place.path(), names).unwrap();
    db.create_cf("future", &rocksdb::Options::default()).unwrap();
    drop(db);
    let refused = place.open_with(&small()).unwrap_err();
    assert!(matches!(refused, StoreError::VersionTooNew { .. }), "{refused:?}");
}

#[test]
fn the_largest_configuration_opens() {
    let config = StoreConfig { write_waiters: usize::MAX, read_queue: usize::MAX, ..small() };
    Place::memory().open_with(&config).unwrap();
}

#[test]
fn who_opens_as_soon_as_a_folder_is_free_finds_no_list_written_beside_it() {
    let config = StoreConfig {
        cache_bytes: 600 << 20,
        write_buffer_bytes: 512 << 20,
        wal_bytes: 512 << 20,
        ..StoreConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..3 {
        let place = Place::folder();
        let (store, _) = place.open_with(&config).unwrap();
        // The longer the log, the longer takes its checksum.
        let appends = (0..100).map(|slot| {
            let assignment = vec![7; 256 << 10].into();
            store.append(Append { assignment, ..append_with(id("process"), slot, id("chain")) })
        });
        for answer in runtime.block_on(futures_util::future::join_all(appends)) {
            answer.unwrap();
        }
        let (path, config) = (place.path(), config.clone());
        let other = std::thread::spawn(move || {
            loop {
                match LocalStore::open(&path, &config) {
                    Ok((store, _)) => return store,
                    Err(StoreError::InUse { .. }) => std::thread::yield_now(),
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        runtime.block_on(store.close());
        let other = other.join().unwrap();
        runtime.block_on(other.append(append(id("other"), 0))).unwrap();
        let killed = Place::folder();
        copy_folder(&place.path(), &killed.path());
        let (store, _) = killed.open_with(&small()).unwrap();
        assert!(runtime.block_on(store.head(id("other"))).unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_does_not_hold_up_closing() {
    let place = Place::folder();
    let store = place.open();
    let chain = id("chain");
    let appends: Vec<_> = (0..5_000)
        .map(|slot| Append { body: None, ..append_with(id("process"), slot, chain) })
        .map(|append| store.append(append))
        .collect();
    for answer in appends {
        answer.await.unwrap();
    }
    let checking = store.clone();
    let checked = tokio::task::spawn_blocking(move || {
        loop {
            match checking.check() {
                Ok(report) => assert!(report.is_sound(), "{:?}", report.findings),
                Err(error) => break error,
            }
        }
    });
    while !checked.is_finished() {
        store.close().await;
    }
    let ended = checked.await.unwrap();
    assert!(matches!(ended, StoreError::Ended { ended: Ended::Closed }), "{ended:?}");
    place.open().close().await;
}

#[tokio::test]
async fn a_store_that_nobody_writes_to_keeps_no_memory_for_what_was_written() {
    const WRITTEN: u64 = 8;
    let place = Place::folder();
    let (store, _) = place.open_with(&StoreConfig::default()).unwrap();
    let buffered = |store: &LocalStore| {
        let counters = store.statistics().engine;
        let found = counters.into_iter().find(|(name, _)| name == "oxbeam.write_buffers.bytes");
        found.unwrap().1
    };
    let empty = buffered(&store);
    for slot in 0..WRITTEN {
        let assignment = vec![7; 1 << 20].into();
        store.append(Append { assignment, ..append(id("process"), slot) }).await.unwrap();
    }
    assert!(buffered(&store) >= empty + (WRITTEN << 20));
    let until = Instant::now() + Duration::from_secs(60);
    while buffered(&store) >= empty + (1 << 20) {
        assert!(Instant::now() < until, "{} bytes stay in memory", buffered(&store));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let store = place.reopen(store).await;
    let kept = store.assignments(id("process"), 0, Limit::default()).await.unwrap();
    assert_eq!(kept.items.len() as u64, WRITTEN);
}
