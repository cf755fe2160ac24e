//! Reads all of a store into a state.

use oxbeam_store::{
    Checkpoints, Content, Limit, LocalStore, Log, Origin, Outbox, Processes, Results, Table,
    Tables, Timers,
};

use super::operation::{CONTENT, NAMES, ORIGINS, PATHS, source};
use super::state::{Entry, Process, State};
use crate::common::{bytes, id};

const ALL: Limit = Limit { count: 100_000, bytes: usize::MAX };

pub(super) async fn observe(store: &LocalStore) -> State {
    let mut state = State::default();
    for (process, head) in store.processes(None, ALL).await.unwrap().items {
        let found = observe_process(store, process).await;
        assert_eq!(head.slot + 1, found.log.len() as u64);
        state.processes.insert(process, found);
    }
    for timer in store.timers(None, ALL).await.unwrap().items {
        let timer = timer.unwrap();
        state.timers.insert(timer.id, timer.next_run);
    }
    for name in NAMES {
        let found = store.value(Table::Names, bytes(name)).await.unwrap();
        if found.version > 0 {
            let value = found.value.map(|value| String::from_utf8(value.to_vec()).unwrap());
            state.values.insert(name.into(), (found.version, value));
        }
    }
    for name in CONTENT {
        if let Some(found) = store.content(id(name)).await.unwrap() {
            state.content.insert(id(name), String::from_utf8(found.to_vec()).unwrap());
        }
    }
    for path in PATHS {
        let target = store.resolve(path.into()).await.unwrap();
        if target != path {
            state.links.insert(path.into(), target);
        }
    }
    let due = store.due(u64::MAX, None, ALL).await.unwrap();
    assert_eq!(due.items, state.due());
    let dead = store.dead(None, ALL).await.unwrap().items;
    assert!(dead.iter().all(|entry| entry.status == oxbeam_store::Status::Dead));
    let entries = state.processes.values().flat_map(|process| process.outbox.values());
    let expected = entries.filter(|entry| entry.status == oxbeam_store::Status::Dead).count();
    assert_eq!(dead.len(), expected);
    state
}

async fn observe_process(store: &LocalStore, process: oxbeam_protocol::Id) -> Process {
    let mut found = Process::default();
    for assignment in store.assignments(process, 0, ALL).await.unwrap().items {
        found.log.push(String::from_utf8(assignment.assignment.to_vec()).unwrap());
    }
    for number in 0..ORIGINS {
        let origin = Origin { process: source(), slot: number, index: 0 };
        if let Some(slot) = store.received(process, origin).await.unwrap() {
            found.received.insert(number, slot);
        }
    }
    for result in store.results(process, 0, ALL).await.unwrap().items {
        found.results.push(format!("{} {}", result.hashpath, result.sent));
    }
    let computed = store.computed(process).await.unwrap().map_or(0, |result| result.slot + 1);
    assert_eq!(computed, found.results.len() as u64);
    for slot in computed..=found.log.len() as u64 {
        let attempts = store.attempts(process, slot).await.unwrap();
        found.attempts.extend((attempts > 0).then_some((slot, attempts)));
    }
    for entry in store.entries(process, None, ALL).await.unwrap().items {
        let oxbeam_store::Entry { key, status, attempts, next_try, .. } = entry;
        found.outbox.insert(key, Entry { status, attempts, next_try });
    }
    for checkpoint in store.checkpoints(process, None, ALL).await.unwrap().items {
        let restored = store.restore(process, checkpoint.slot).await.unwrap();
        found.checkpoints.insert(checkpoint.slot, restored.memory.unwrap());
    }
    found
}
