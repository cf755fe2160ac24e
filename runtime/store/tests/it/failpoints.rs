//! Every failpoint, with an error, a panic and an abort: whatever was acknowledged is there.

use std::io::{BufRead, BufReader};

use oxbeam_store::{
    Append, Checkpoints, Commit, FAILPOINTS, LocalStore, Log, Memory, NewCheckpoint, PAGE_BYTES,
    Results, Retention, StoreConfig, StoreError,
};

use crate::child::{FOLDER, command, tell, told};
use crate::common::{append, bytes, commit, id, outgoing, small};

const HOW: [&str; 3] = ["return", "panic", "return(abort)"];
/// Slots that the child writes.
const SLOTS: u64 = 12;

fn config() -> StoreConfig {
    StoreConfig { retention: Retention { last: 2, every: 0 }, ..small() }
}

fn memory_at(slot: u64) -> Vec<u8> {
    let page = |number: u64| vec![(slot.max(number) + 1) as u8; PAGE_BYTES as usize];
    (0..4).flat_map(page).collect()
}

#[test]
#[ignore = "a child of the test below"]
fn child_that_fails_where_it_is_told() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let scenario = fail::FailScenario::setup();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut failures = 0;
    while failures < 3 {
        let (store, _) = LocalStore::open(&folder, &config()).unwrap();
        // A panic of its own thread ends the task, not the child.
        let written = runtime.block_on(async { tokio::spawn(write(store.clone())).await });
        runtime.block_on(store.close());
        match written {
            Ok(Ok(())) => break,
            Ok(Err(error)) => tell(&format!("failed {error}")),
            Err(_) => tell("failed panic"),
        }
        failures += 1;
    }
    tell(if failures < 3 { "done" } else { "stuck" });
    scenario.teardown();
}

async fn write(store: LocalStore) -> Result<(), StoreError> {
    let process = id("process");
    loop {
        let slot = store.computed(process).await?.map_or(0, |last| last.slot + 1);
        if slot == SLOTS {
            return store.collect_pages().await.map(drop);
        }
        if store.head(process).await?.is_none_or(|head| head.slot < slot) {
            let assignment = slot.to_string().into();
            store.append(Append { assignment, ..append(process, slot) }).await?;
            tell(&format!("appended {slot}"));
        }
        store.count_attempt(process, slot).await?;
        let outbox = vec![outgoing(0, slot), outgoing(1, slot)];
        store.commit(Commit { outbox, ..commit(process, slot) }).await?;
        tell(&format!("committed {slot}"));
        let memory = Some(Memory::whole(&memory_at(slot)));
        let (hashpath, state) = (slot.to_string(), bytes("state"));
        store.put_checkpoint(NewCheckpoint { process, slot, hashpath, state, memory }).await?;
        tell(&format!("checkpoint {slot}"));
        store.collect_pages().await?;
    }
}

#[test]
fn whatever_fails_and_however_what_was_acknowledged_is_there() {
    for point in FAILPOINTS {
        for how in HOW {
            for after in [0, 5] {
                run_and_verify(point, how, after);
            }
        }
    }
}

fn run_and_verify(point: &str, how: &str, after: u32) {
    let folder = tempfile::tempdir().unwrap();
    let case = format!("{point}={after}*off->1*{how}->off");
    let mut child = command("failpoints::child_that_fails_where_it_is_told")
        .env(FOLDER, folder.path())
        .env("FAILPOINTS", &case)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = output
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| told(&line).map(str::to_owned))
        .collect();
    let ended = child.wait().unwrap();
    let aborts = how.contains("abort");
    assert_eq!(ended.success(), !aborts, "{case}: {lines:?}");
    let failed = lines.iter().any(|line| line.starts_with("failed"));
    assert_eq!(failed, !aborts, "{case}: the failpoint was not reached: {lines:?}");
    assert_eq!(lines.iter().any(|line| line == "done"), !aborts, "{case}: {lines:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(verify(folder.path(), &case, &lines));
}

async fn verify(folder: &std::path::Path, case: &str, lines: &[String]) {
    let (store, _) = LocalStore::open(folder, &config()).unwrap();
    let report = store.check().unwrap();
    assert!(report.is_sound(), "{case}: {:?}", report.findings);
    for line in lines {
        let Some((what, slot)) = line.split_once(' ') else { continue };
        let Ok(slot) = slot.parse::<u64>() else { continue };
        let there = match what {
            "appended" => store.assignment(id("process"), slot).await.unwrap().is_some(),
            "committed" => store.result(id("process"), slot).await.unwrap().is_some(),
            // Retention may have dropped it for a later one.
            _ => store.checkpoint(id("process"), u64::MAX).await.unwrap().unwrap().slot >= slot,
        };
        assert!(there, "{case}: {line}");
    }
    let all = oxbeam_store::Limit::default();
    for checkpoint in store.checkpoints(id("process"), None, all).await.unwrap().items {
        let restored = store.restore(id("process"), checkpoint.slot).await.unwrap();
        assert!(restored.memory.unwrap() == memory_at(checkpoint.slot), "{case}");
    }
    // It goes on where it was.
    let next = store.head(id("process")).await.unwrap().map_or(0, |head| head.slot + 1);
    store.append(append(id("process"), next)).await.unwrap();
    store.close().await;
}
