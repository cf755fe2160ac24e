//! What is found of it all in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use oxbeam_integration_tests::program;
use oxbeam_protocol::Wallet;
use serde_json::Value as Json;

use super::client::Acknowledged;
use super::world::{Kind, World};
use crate::person::Person;

/// How long what is on its way may still take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a run of a timer may be put off by a node that was too busy for it: more than two of its
/// longest waits.
const TIMERS_PATIENCE: Duration = Duration::from_secs(180);
/// Slots of a page: so few that a short run has logs of several.
const PAGE: u64 = 50;
/// Processes that are computed anew at the same time.
const VERIFIERS: usize = 4;

/// What was looked for and found.
pub(super) struct Found {
    /// Messages that slots sent at once.
    pub(super) sent_on: usize,
    /// Messages that slots sent for later.
    pub(super) later: usize,
    /// Messages that timers of the node have pushed.
    pub(super) timers: usize,
}

/// What stands at a slot.
struct Entry {
    action: String,
    token: String,
    /// What the slot sends on, and to whom.
    sends: Option<(Way, String)>,
}

/// How a slot sends its token on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    AtOnce,
    Later,
}

/// Looks for all that was acknowledged, and for what came of it.
pub(super) fn found(world: &World, host: SocketAddr, acknowledged: &[Acknowledged]) -> Found {
    let mut visitor = Person::at(host, Wallet::generate_secp256k1().unwrap());
    let timers = rung(&mut visitor, acknowledged);
    let mut logs = BTreeMap::new();
    for (_, process) in &world.processes {
        let log = log(&mut visitor, process);
        let mut seen = BTreeSet::new();
        let twice = log.iter().find(|entry| !seen.insert((&entry.action, &entry.token)));
        assert!(twice.is_none(), "{:?} has two slots of {process}", twice.map(|e| &e.token));
        logs.insert(process.as_str(), log);
    }
    for (one, slot) in acknowledged.iter().filter_map(|one| Some((one, one.slot?))) {
        let at = logs[one.process.as_str()].get(usize::try_from(slot).unwrap());
        let at = at.map(|entry| &entry.token);
        assert_eq!(at, Some(&one.token), "slot {slot} of {}", one.process);
    }
    let (sent_on, later) = arrived(world, &mut visitor, logs.values().flatten());
    verified(world, host);
    Found { sent_on, later, timers }
}

/// Waits until all that timers are to push has a slot; answers with how many those are.
fn rung(visitor: &mut Person, acknowledged: &[Acknowledged]) -> usize {
    let until = Instant::now() + TIMERS_PATIENCE;
    let mut awaited: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in acknowledged.iter().filter(|one| one.slot.is_none()) {
        awaited.entry(&one.process).or_default().push(&one.token);
    }
    for (process, tokens) in &awaited {
        loop {
            let log = log(visitor, process);
            let has = |token: &str| log.iter().any(|entry| entry.token == token);
            let Some(missing) = tokens.iter().find(|token| !has(token)) else { break };
            if Instant::now() > until {
                panic!("no timer pushed {missing} to {process}: {:#?}", timers(visitor));
            }
            thread::yield_now();
        }
    }
    awaited.values().map(Vec::len).sum()
}

/// What a node says of its timers.
fn timers(visitor: &mut Person) -> Vec<String> {
    let metrics = visitor.read("/metrics");
    metrics.lines().filter(|line| line.starts_with("oxbeam_timer")).map(str::to_owned).collect()
}

/// A log, by slot; it has no gaps.
fn log(visitor: &mut Person, process: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    loop {
        let (from, to) = (entries.len() as u64, entries.len() as u64 + PAGE - 1);
        let path = format!("/~scheduler@1.0/schedule?target={process}&from={from}&to={to}");
        let page = visitor.get(&format!("{path}&accept=application/aos-2"));
        let edges = page["edges"].as_array().unwrap();
        // Whether a page has a next one is said of the slots asked for, not of the log.
        if edges.is_empty() {
            return entries;
        }
        for edge in edges {
            assert_eq!(edge["cursor"], entries.len(), "{process} has a gap");
            entries.push(Entry::of(&edge["node"]["message"]));
        }
    }
}

impl Entry {
    fn of(message: &Json) -> Self {
        let action = tag(message, "action");
        let way = match action.as_str() {
            "Tell" => Some(Way::AtOnce),
            "Later" => Some(Way::Later),
            _ => None,
        };
        let sends = way.map(|way| (way, tag(message, "whom")));
        Self { action, token: tag(message, "token"), sends }
    }
}

fn tag(message: &Json, name: &str) -> String {
    let mut tags = message["Tags"].as_array().into_iter().flatten();
    let tag =
        tags.find(|tag| tag["name"].as_str().is_some_and(|tag| tag.eq_ignore_ascii_case(name)));
    tag.and_then(|tag| tag["value"].as_str()).unwrap_or_default().to_owned()
}

/// What is sent on by any slot has come once, and nothing else has. Answers with how
/// much was sent at once, and how much for later.
fn arrived<'a>(
    world: &World,
    visitor: &mut Person,
    entries: impl Iterator<Item = &'a Entry>,
) -> (usize, usize) {
    let mut owed: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    let (mut sent_on, mut later) = (0, 0);
    for Entry { token, sends, .. } in entries {
        let Some((way, to)) = sends else { continue };
        match way {
            Way::AtOnce => sent_on += 1,
            Way::Later => later += 1,
        }
        owed.entry(to).or_default().insert(token.clone(), 1);
    }
    let until = Instant::now() + PATIENCE;
    let lua = world.processes.iter().filter(|(kind, _)| *kind == Kind::Lua);
    for (_, process) in lua {
        let owed = owed.remove(process.as_str()).unwrap_or_default();
        loop {
            let told = told(&visitor.get(&format!("/{process}/now")));
            if told == owed {
                break;
            }
            let wrong = told.iter().find(|(token, times)| owed.get(*token) != Some(times));
            assert_eq!(wrong, None, "{process} was told more than was sent");
            let missing = owed.keys().find(|token| !told.contains_key(*token));
            assert!(Instant::now() < until, "{missing:?} never came to {process}");
            thread::yield_now();
        }
    }
    assert!(owed.is_empty(), "sent to nobody: {owed:?}");
    (sent_on, later)
}

/// How often each token has come to a process.
fn told(state: &Json) -> BTreeMap<String, u64> {
    let told = state["told"].as_object().into_iter().flatten();
    let times = told.filter_map(|(token, times)| Some((token.clone(), times.as_u64()?)));
    times.collect()
}

/// Computes every process anew from its log, and compares every result, hashpath and the state.
fn verified(world: &World, host: SocketAddr) {
    let program = program::find().unwrap();
    let verify = |process: &str| {
        let url = format!("http://{host}");
        let output =
            Command::new(&program).args(["verify", process, "--node", &url]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{process}: {told} {error}");
    };
    thread::scope(|scope| {
        for share in world.processes.chunks(world.processes.len().div_ceil(VERIFIERS)) {
            scope.spawn(move || share.iter().for_each(|(_, process)| verify(process)));
        }
    });
}
