//! What may be done, to a store and to its model.

use oxbeam_protocol::Id;
use oxbeam_store::{
    Append, Begun, CatchUp, Change, Checkpoints, Commit, Committed, Content, ContentBatch,
    EntryKey, LocalStore, Log, Memory, NewCheckpoint, Origin, Outbox, PAGE_BYTES, Persist,
    Processes, Results, Status, StoreError, Table, Tables, Timer, Timers,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::state::{Entry, Process, State};
use crate::common::{append, bytes, commit, id, outgoing};

pub(super) const PROCESSES: [&str; 3] = ["p", "q", "r"];
pub(super) const NAMES: [&str; 3] = ["x", "y", "z"];
pub(super) const CONTENT: [&str; 3] = ["m", "n", "o"];
pub(super) const PATHS: [&str; 3] = ["a", "a/b", "c/d/e"];
pub(super) const ORIGINS: u64 = 4;
/// As in the configuration's retention, which keeps the last three.
const KEPT: usize = 3;
const PAGES: usize = 3;

pub(super) fn source() -> Id {
    id("source")
}

#[derive(Debug, Clone)]
pub(super) enum Crash {
    Close,
    Kill,
    Power(u64),
}

#[derive(Debug, Clone)]
pub(super) enum Operation {
    Crash(Crash),
    /// `off` slots beside the next one.
    Append {
        process: &'static str,
        off: i64,
        origin: Option<u64>,
    },
    Commit {
        process: &'static str,
        off: i64,
        sends: u32,
        other: bool,
        begins: u8,
    },
    Attempt(&'static str),
    TakeBack(&'static str, u8),
    /// On the entry of this number of those there are.
    Begin(usize, u64),
    Retry(usize, u64),
    Delivered(usize),
    GiveUp(usize),
    Redrive(usize, u64),
    PutTimer(&'static str, Option<u64>, bool),
    RemoveTimer(&'static str),
    Change {
        name: &'static str,
        off: u64,
        value: Option<u8>,
        synced: bool,
    },
    PutContent(&'static str, u8),
    Link(&'static str, u8),
    Checkpoint {
        process: &'static str,
        page: usize,
        fill: u8,
        build: bool,
    },
    Collect,
    Delete(&'static str),
}

pub(super) fn one() -> impl Strategy<Value = Operation> {
    let process = || select(PROCESSES.as_slice());
    let name = || select(NAMES.as_slice());
    let off = || prop_oneof![8 => Just(0_i64), 1 => Just(-1), 1 => Just(1)];
    let crash = prop_oneof![
        1 => Just(Crash::Close),
        1 => Just(Crash::Kill),
        3 => any::<u64>().prop_map(Crash::Power),
    ];
    prop_oneof![
        3 => crash.prop_map(Operation::Crash),
        8 => (process(), off(), proptest::option::weighted(0.3, 0..ORIGINS))
            .prop_map(|(process, off, origin)| Operation::Append { process, off, origin }),
        8 => (process(), off(), 0..3_u32, proptest::bool::weighted(0.1), 0..4_u8).prop_map(
            |(process, off, sends, other, begins)| {
                Operation::Commit { process, off, sends, other, begins }
            }
        ),
        2 => process().prop_map(Operation::Attempt),
        1 => (process(), 0..4_u8).prop_map(|(process, slots)| Operation::TakeBack(process, slots)),
        1 => (0..9_usize, 0..9_u64).prop_map(|(entry, at)| Operation::Begin(entry, at)),
        2 => (0..9_usize, 0..9_u64).prop_map(|(entry, at)| Operation::Retry(entry, at)),
        2 => (0..9_usize).prop_map(Operation::Delivered),
        2 => (0..9_usize).prop_map(Operation::GiveUp),
        1 => (0..9_usize, 0..9_u64).prop_map(|(entry, at)| Operation::Redrive(entry, at)),
        2 => (name(), proptest::option::of(0..9_u64), any::<bool>())
            .prop_map(|(name, at, synced)| Operation::PutTimer(name, at, synced)),
        1 => name().prop_map(Operation::RemoveTimer),
        3 => (name(), 0..2_u64, proptest::option::of(any::<u8>()), any::<bool>()).prop_map(
            |(name, off, value, synced)| Operation::Change { name, off, value, synced }
        ),
        2 => (select(CONTENT.as_slice()), any::<u8>())
            .prop_map(|(name, value)| Operation::PutContent(name, value)),
        2 => (select(PATHS.as_slice()), any::<u8>())
            .prop_map(|(path, target)| Operation::Link(path, target)),
        4 => (process(), 0..PAGES, 0..4_u8, any::<bool>()).prop_map(
            |(process, page, fill, build)| Operation::Checkpoint { process, page, fill, build }
        ),
        1 => Just(Operation::Collect),
        1 => process().prop_map(Operation::Delete),
    ]
}

/// Does it to both, and says whether everything up to now is on disk.
pub(super) async fn run(store: &LocalStore, state: &mut State, operation: &Operation) -> bool {
    match operation.clone() {
        Operation::Crash(_) => unreachable!("crashes are not done here"),
        Operation::Append { process, off, origin } => {
            append_to(store, state, id(process), off, origin).await
        }
        Operation::Commit { process, off, sends, other, begins } => {
            let given = (sends, other, begins);
            commit_to(store, state, id(process), off, given).await
        }
        Operation::Attempt(name) => attempt(store, state, id(name)).await,
        Operation::TakeBack(name, slots) => take_back(store, state, id(name), slots).await,
        Operation::Begin(..)
        | Operation::Retry(..)
        | Operation::Delivered(_)
        | Operation::GiveUp(_)
        | Operation::Redrive(..) => move_entry(store, state, operation).await,
        Operation::PutTimer(name, next_run, synced) => {
            let timer = timer(name, next_run);
            state.timers.insert(timer.id, next_run);
            store.put_timer(timer, persist(synced)).await.unwrap();
            synced
        }
        Operation::RemoveTimer(name) => {
            let removed = store.remove_timer(id(name)).await.unwrap();
            assert_eq!(state.timers.remove(&id(name)).is_some(), removed);
            removed
        }
        Operation::Change { name, off, value, synced } => {
            change(store, state, name, off, value, synced).await
        }
        Operation::PutContent(name, value) => {
            let messages = vec![(id(name), bytes(&value.to_string()))];
            let batch = ContentBatch { messages, ..ContentBatch::default() };
            store.put_content(batch, Persist::Buffered).await.unwrap();
            state.content.entry(id(name)).or_insert(value.to_string());
            false
        }
        Operation::Link(path, target) => link(store, state, path, target).await,
        Operation::Checkpoint { process, page, fill, build } => {
            checkpoint(store, state, id(process), page, fill, build).await
        }
        Operation::Collect => {
            store.collect_pages().await.unwrap();
            false
        }
        Operation::Delete(name) => {
            let known = state.processes.remove(&id(name)).is_some();
            assert_eq!(store.delete_process(id(name)).await.is_ok(), known);
            known
        }
    }
}

fn persist(synced: bool) -> Persist {
    if synced { Persist::Synced } else { Persist::Buffered }
}

async fn append_to(
    store: &LocalStore,
    state: &mut State,
    process: Id,
    off: i64,
    origin: Option<u64>,
) -> bool {
    let known = state.processes.get(&process).cloned().unwrap_or_default();
    let Some(slot) = (known.log.len() as u64).checked_add_signed(off) else { return false };
    let source = origin.map(|slot| Origin { process: source(), slot, index: 0 });
    let appended = store.append(Append { origin: source, ..append(process, slot) }).await;
    if let Some(first) = origin.and_then(|origin| known.received.get(&origin)) {
        let appended = appended.unwrap();
        assert_eq!((appended.slot, appended.repeated), (*first, true));
        return false;
    }
    if off != 0 {
        assert!(matches!(appended.unwrap_err(), StoreError::OutOfOrder { .. }));
        return false;
    }
    assert!(!appended.unwrap().repeated);
    let entry = state.processes.entry(process).or_default();
    entry.log.push(format!("assignment {slot} of {process}"));
    entry.received.extend(origin.map(|origin| (origin, slot)));
    true
}

async fn commit_to(
    store: &LocalStore,
    state: &mut State,
    process: Id,
    off: i64,
    (sends, other, begins): (u32, bool, u8),
) -> bool {
    let mut known = state.processes.get(&process).cloned().unwrap_or_default();
    let Some(slot) = (known.results.len() as u64).checked_add_signed(off) else { return false };
    let mut commit = Commit { begins, ..commit(process, slot) };
    commit.outbox = (0..sends).map(|index| outgoing(index, slot % 5)).collect();
    if other {
        commit.hashpath.push_str(" other");
    }
    let hashpath = commit.hashpath.clone();
    let result = format!("{hashpath} {sends}");
    let committed = store.commit(commit).await;
    if let Some(found) = known.results.get(slot as usize) {
        // What a slot sends need not be given again.
        let is_without = sends == 0 && found.rsplit_once(' ').unwrap().0 == hashpath;
        match *found == result || is_without {
            true => {
                let repeated = Committed { repeated: true, begun: None };
                assert_eq!(committed.unwrap(), repeated);
            }
            false => assert!(matches!(committed.unwrap_err(), StoreError::ResultDiffers { .. })),
        }
    } else if slot >= known.log.len() as u64 {
        assert!(matches!(committed.unwrap_err(), StoreError::NotScheduled { .. }));
    } else if off != 0 {
        assert!(matches!(committed.unwrap_err(), StoreError::OutOfOrder { .. }));
    } else {
        known.results.push(result);
        known.attempts.remove(&slot);
        let begun = begin(&mut known, slot + 1, begins);
        assert_eq!(committed.unwrap(), Committed { repeated: false, begun });
        for index in 0..sends {
            let (status, next_try) = (Status::Pending, slot % 5);
            let key = EntryKey { process, slot, index };
            known.outbox.insert(key, Entry { status, attempts: 0, next_try });
        }
        state.processes.insert(process, known);
    }
    false
}

/// Counts attempts at so many slots that the log has: others than the first only if they are the
/// first ones there.
fn begin(known: &mut Process, first: u64, most: u8) -> Option<Begun> {
    let last = (first + u64::from(most)).min(known.log.len() as u64);
    if first >= last {
        return None;
    }
    let attempts = 1 + known.attempts.get(&first).copied().unwrap_or(0);
    known.attempts.insert(first, attempts);
    let untried = (first + 1..last).take_while(|slot| !known.attempts.contains_key(slot));
    let others: Vec<_> = untried.filter(|_| attempts == 1).collect();
    known.attempts.extend(others.iter().map(|slot| (*slot, 1)));
    Some(Begun { slots: 1 + u8::try_from(others.len()).unwrap(), attempts })
}

async fn attempt(store: &LocalStore, state: &mut State, process: Id) -> bool {
    let Some(known) = state.processes.get_mut(&process) else { return false };
    let slot = known.results.len() as u64;
    let attempts = known.attempts.entry(slot).or_default();
    *attempts += 1;
    assert_eq!(store.count_attempt(process, slot).await.unwrap(), *attempts);
    false
}

async fn take_back(store: &LocalStore, state: &mut State, process: Id, slots: u8) -> bool {
    let Some(known) = state.processes.get_mut(&process) else { return false };
    let first = known.results.len() as u64;
    for slot in first..first + u64::from(slots) {
        if let Some(attempts) = known.attempts.remove(&slot).filter(|attempts| *attempts > 1) {
            known.attempts.insert(slot, attempts - 1);
        }
    }
    store.take_back_attempts(process, first, slots).await.unwrap();
    false
}

async fn move_entry(store: &LocalStore, state: &mut State, operation: &Operation) -> bool {
    let number = match operation {
        Operation::Begin(number, _) | Operation::Retry(number, _) => *number,
        Operation::Redrive(number, _) => *number,
        Operation::Delivered(number) | Operation::GiveUp(number) => *number,
        _ => unreachable!("no operation on an entry"),
    };
    let mut entries =
        state.processes.values_mut().flat_map(|process: &mut Process| &mut process.outbox);
    let Some((key, entry)) = entries.nth(number) else { return false };
    let key = *key;
    let before = entry.status;
    let (allowed, answer) = match operation {
        Operation::Begin(_, at) => {
            let attempts = store.begin(key, *at).await;
            if before == Status::Pending {
                (entry.attempts, entry.next_try) = (entry.attempts + 1, *at);
                assert_eq!(attempts.as_ref().ok(), Some(&entry.attempts));
            }
            (before == Status::Pending, attempts.map(drop))
        }
        Operation::Retry(_, at) => {
            if before == Status::Pending {
                entry.next_try = *at;
            }
            (before == Status::Pending, store.retry(key, *at, "why".into()).await)
        }
        Operation::Redrive(_, at) => {
            let allowed = matches!(before, Status::Dead | Status::Pending);
            if allowed {
                let attempts = if before == Status::Dead { 0 } else { entry.attempts };
                *entry = Entry { status: Status::Pending, attempts, next_try: *at };
            }
            (allowed, store.redrive(key, *at, Vec::new()).await)
        }
        Operation::GiveUp(_) => {
            if before == Status::Pending {
                entry.status = Status::Dead;
            }
            (before == Status::Pending, store.give_up(key, "why".into()).await)
        }
        _ => {
            entry.status = Status::Delivered { slot: Some(1) };
            (true, store.delivered(key, Some(1)).await)
        }
    };
    match answer {
        Ok(()) => assert!(allowed, "{operation:?} of an entry that is {before:?}"),
        Err(StoreError::EntryMoved { status, .. }) => {
            assert_eq!((allowed, status), (false, before))
        }
        Err(error) => panic!("{error}"),
    }
    allowed && matches!(operation, Operation::Begin(..) | Operation::Redrive(..))
}

fn timer(name: &str, next_run: Option<u64>) -> Timer {
    Timer {
        id: id(name),
        request: bytes(name),
        next_run,
        interval: None,
        last_run: None,
        runs: 0,
        missed: 0,
        began: None,
        catch_up: CatchUp::default(),
        owners: Vec::new(),
        failure: None,
    }
}

async fn change(
    store: &LocalStore,
    state: &mut State,
    name: &str,
    off: u64,
    value: Option<u8>,
    synced: bool,
) -> bool {
    let value = value.map(|value| value.to_string());
    let version = state.values.get(name).map_or(0, |(version, _)| *version);
    let change = Change {
        name: bytes(name),
        expected: Some(version + off),
        value: value.as_deref().map(bytes),
    };
    let changed = store.change(Table::Names, vec![change], persist(synced)).await;
    if off != 0 {
        assert!(matches!(changed.unwrap_err(), StoreError::Conflict { .. }));
        return false;
    }
    assert_eq!(changed.unwrap(), [version + 1]);
    state.values.insert(name.into(), (version + 1, value));
    synced
}

async fn link(store: &LocalStore, state: &mut State, path: &str, target: u8) -> bool {
    let links = vec![(path.to_owned(), format!("target/{target}"))];
    let batch = ContentBatch { links, ..ContentBatch::default() };
    store.put_content(batch, Persist::Buffered).await.unwrap();
    state.links.insert(path.into(), format!("target/{target}"));
    // A link stands for all that lies below it.
    if let Some(group) = state.links.get("a").cloned() {
        state.links.insert("a/b".into(), group + "/b");
    }
    false
}

async fn checkpoint(
    store: &LocalStore,
    state: &mut State,
    process: Id,
    page: usize,
    fill: u8,
    build: bool,
) -> bool {
    let Some(known) = state.processes.get_mut(&process) else { return false };
    let Some(slot) = (known.results.len() as u64).checked_sub(1) else { return false };
    let size = PAGE_BYTES as usize;
    let base = known.checkpoints.iter().next_back().filter(|(base, _)| build && **base < slot);
    let (base, mut memory) = match base {
        Some((slot, memory)) => (Some(*slot), memory.clone()),
        None => (None, vec![0; PAGES * size]),
    };
    memory[page * size..(page + 1) * size].fill(fill);
    let changed = memory[page * size..(page + 1) * size].to_vec();
    let given = Memory {
        bytes: memory.len() as u64,
        page_bytes: PAGE_BYTES,
        base,
        pages: vec![(page as u32, changed.into())],
    };
    let (hashpath, state) = (String::new(), bytes("state"));
    let new = NewCheckpoint { process, slot, hashpath, state, memory: Some(given) };
    store.put_checkpoint(new).await.unwrap();
    known.checkpoints.insert(slot, memory);
    let mut kept: Vec<u64> = known.checkpoints.keys().copied().collect();
    let first = kept[0];
    while kept.len() > KEPT {
        let oldest = kept.remove(0);
        // Besides the last ones, the first of each 10 000 slots stays.
        if oldest != first {
            known.checkpoints.remove(&oldest);
        }
    }
    false
}
