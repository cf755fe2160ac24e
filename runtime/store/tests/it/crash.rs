//! The kill test: a child writes with many tasks, and is killed at a random moment, again and again.
//!
//! `make crash CYCLES=5000` runs more cycles than `make test` does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use oxbeam_protocol::Id;
use oxbeam_store::{
    Append, Checkpoints, Commit, Content, ContentBatch, Limit, LocalStore, Log, Memory,
    NewCheckpoint, Outbox, PAGE_BYTES, Results,
};

use crate::child::{FOLDER, command, tell, told};
use crate::common::{append_with, body, bytes, commit, id, next_chain, outgoing, small};

/// Tasks of the child, each of which writes to a process of its own.
const TASKS: usize = 24;
/// Cycles on one folder, so that a long run does not spend its time on old data.
const CYCLES_OF_FOLDER: usize = 10;
const CYCLES: &str = "CRASH_CYCLES";

fn process(task: usize) -> Id {
    id(&format!("task {task}"))
}

/// What the memory of a process is after a slot: one page of each size changes with each.
fn memory_at(slot: u64) -> Vec<u8> {
    let mut memory = vec![0; 8 * PAGE_BYTES as usize];
    for slot in slot.saturating_sub(7)..=slot {
        let start = (slot % 8) as usize * PAGE_BYTES as usize;
        memory[start..start + 8].copy_from_slice(&slot.to_be_bytes());
    }
    memory
}

#[test]
#[ignore = "a child of the test below"]
fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let (store, _) = LocalStore::open(folder, &small()).unwrap();
        tell("open");
        let tasks: Vec<_> =
            (0..TASKS).map(|task| tokio::spawn(write_for_ever(store.clone(), task))).collect();
        let collecting = tokio::spawn(async move {
            loop {
                store.collect_pages().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        for task in tasks {
            task.await.unwrap();
        }
        collecting.await.unwrap();
    });
}

async fn write_for_ever(store: LocalStore, task: usize) {
    let process = process(task);
    let head = store.head(process).await.unwrap();
    let mut next = head.map_or(0, |head| head.slot + 1);
    let mut chain = head.map(|head| head.chain);
    let mut computed = store.computed(process).await.unwrap().map_or(0, |last| last.slot + 1);
    let mut rng = fastrand::Rng::new();
    loop {
        let assignment = vec![task as u8; rng.usize(..4000)].into();
        let grown = next_chain(chain, body(process, next));
        chain = Some(grown);
        let append = Append { assignment, ..append_with(process, next, grown) };
        store.append(append).await.unwrap();
        tell(&format!("{task} {next}"));
        next += 1;
        while computed < next && rng.u8(..) < 200 {
            store.count_attempt(process, computed).await.unwrap();
            let result = commit(process, computed);
            let content = ContentBatch {
                messages: vec![(result.result, bytes(&format!("{task} {computed}")))],
                ..ContentBatch::default()
            };
            let outbox = (0..rng.u32(..4)).map(|index| outgoing(index, computed)).collect();
            store.commit(Commit { outbox, content, ..result }).await.unwrap();
            computed += 1;
            if rng.u8(..) < 30 {
                checkpoint(&store, process, computed - 1).await;
            }
        }
    }
}

async fn checkpoint(store: &LocalStore, process: Id, slot: u64) {
    let memory = Some(Memory::whole(&memory_at(slot)));
    let (hashpath, state) = (slot.to_string(), bytes("state"));
    let new = NewCheckpoint { process, slot, hashpath, state, memory };
    store.put_checkpoint(new).await.unwrap();
}

/// What the parent knows.
#[derive(Default)]
struct Known {
    /// The last slot of each task that was acknowledged.
    acknowledged: BTreeMap<usize, u64>,
    /// Slots of each task that were looked at, and are not looked at again.
    verified: BTreeMap<usize, u64>,
    /// All acknowledgements.
    total: u64,
    recoveries: Vec<Duration>,
    opened: usize,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_program_is_killed() {
    let cycles = std::env::var(CYCLES).map_or(100, |cycles| cycles.parse().unwrap());
    let mut rng = fastrand::Rng::new();
    let mut known = Known::default();
    let mut folder = tempfile::tempdir().unwrap();
    for cycle in 0..cycles {
        if cycle % CYCLES_OF_FOLDER == 0 {
            folder = tempfile::tempdir().unwrap();
            known.acknowledged.clear();
            known.verified.clear();
        }
        run_and_kill(folder.path(), &mut known, &mut rng);
        verify(folder.path(), &mut known);
    }
    let Known { total, recoveries, opened, .. } = &mut known;
    recoveries.sort_unstable();
    let percentile = |percent: usize| recoveries[(recoveries.len() - 1) * percent / 100];
    println!(
        "{cycles} cycles, {opened} killed while writing, {total} acknowledged, 0 lost, \
         recovery p50 {:?} p99 {:?}",
        percentile(50),
        percentile(99)
    );
    assert!(*total > 0 && *opened > 0);
}

fn run_and_kill(folder: &std::path::Path, known: &mut Known, rng: &mut fastrand::Rng) {
    let mut child =
        command("crash::child_that_writes_until_it_is_killed").env(FOLDER, folder).spawn().unwrap();
    let (lines, heard) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        // A line that the kill cut off is no acknowledgement.
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8(line).unwrap();
            let _ = told(&line).map(|line| lines.send(line.to_owned()));
        }
    });
    // One in ten is killed while it opens, four after that, the others when they have written.
    let lines_first = [0, 1, 1, 1, 1, 2, 2, 2, 2, 2][rng.usize(..10)];
    let mut said: Vec<String> = heard.iter().take(lines_first).collect();
    assert_eq!(said.len(), lines_first, "the child ended by itself: {said:?}");
    let opened = said.first().is_some_and(|line| line == "open");
    std::thread::sleep(Duration::from_micros(rng.u64(..150_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    said.extend(heard);
    for line in said {
        let Some((task, slot)) = line.split_once(' ') else { continue };
        // The last line may be cut in the middle of its number; then it is not whole and not sent.
        let (Ok(task), Ok(slot)) = (task.parse(), slot.parse()) else { continue };
        let last = known.acknowledged.insert(task, slot);
        assert!(last.is_none_or(|last| last < slot), "slots are acknowledged in order");
        known.total += 1;
    }
    known.opened += usize::from(opened);
}

fn verify(folder: &std::path::Path, known: &mut Known) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let began = Instant::now();
    let (store, recovery) = LocalStore::open(folder, &small()).unwrap();
    known.recoveries.push(began.elapsed());
    assert!(recovery.damaged.is_empty(), "{recovery:?}");
    let report = store.check().unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    runtime.block_on(async {
        for task in 0..TASKS {
            verify_task(&store, task, known).await;
        }
        store.close().await;
    });
}

async fn verify_task(store: &LocalStore, task: usize, known: &mut Known) {
    let process = process(task);
    let head = store.head(process).await.unwrap().map(|head| head.slot);
    if let Some(acknowledged) = known.acknowledged.get(&task) {
        assert!(head >= Some(*acknowledged), "slot {acknowledged} of task {task} is lost");
    }
    let Some(head) = head else { return };
    let from = known.verified.insert(task, head + 1).unwrap_or(0);
    let all = Limit { count: usize::MAX, bytes: usize::MAX };
    let log = store.assignments(process, from, all).await.unwrap();
    assert_eq!(log.items.len() as u64, head + 1 - from, "slots are dense");
    assert!(log.items.iter().all(|a| a.assignment.iter().all(|byte| *byte == task as u8)));
    // A slot commit is whole: result, messages, outbox.
    for result in store.results(process, from, all).await.unwrap().items {
        let message = store.content(result.result).await.unwrap().unwrap();
        assert_eq!(message, format!("{task} {}", result.slot));
        for index in 0..result.sent {
            let key = oxbeam_store::EntryKey { process, slot: result.slot, index };
            let entry = store.entry(key).await.unwrap().unwrap();
            assert_eq!(entry.message, format!("message {index}"));
        }
    }
    for checkpoint in store.checkpoints(process, None, all).await.unwrap().items {
        let restored = store.restore(process, checkpoint.slot).await.unwrap();
        assert!(restored.memory.unwrap() == memory_at(checkpoint.slot));
    }
}
