//! What a store holds, as plain maps.

use std::collections::BTreeMap;

use oxbeam_protocol::Id;
use oxbeam_store::{EntryKey, Status};

/// Everything that can be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    pub(super) processes: BTreeMap<Id, Process>,
    pub(super) timers: BTreeMap<Id, Option<u64>>,
    pub(super) values: BTreeMap<String, (u64, Option<String>)>,
    pub(super) content: BTreeMap<Id, String>,
    pub(super) links: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Process {
    /// Assignments.
    pub(super) log: Vec<String>,
    /// Slots by origin.
    pub(super) received: BTreeMap<u64, u64>,
    /// Hashpaths, and how many messages were sent.
    pub(super) results: Vec<String>,
    /// Attempts at slots after the last result, where there are any.
    pub(super) attempts: BTreeMap<u64, u32>,
    pub(super) outbox: BTreeMap<EntryKey, Entry>,
    /// Memories by slot.
    pub(super) checkpoints: BTreeMap<u64, Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) attempts: u32,
    pub(super) next_try: u64,
}

impl State {
    /// The keys that `due` must find, in order.
    pub(super) fn due(&self) -> Vec<EntryKey> {
        let entries = self.processes.values().flat_map(|process| &process.outbox);
        let pending = entries.filter(|(_, entry)| entry.status == Status::Pending);
        let mut due: Vec<_> = pending.map(|(key, entry)| (entry.next_try, *key)).collect();
        due.sort();
        due.into_iter().map(|(_, key)| key).collect()
    }
}
