//! What is found of it all in the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use oxbeam_integration_tests::program;
use oxbeam_protocol::Wallet;
use serde_json::Value as Json;

use super::client::{Acknowledged, Sent};
use super::world::{Kind, World};
use crate::person::Person;

/// How long what is on its way may still take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Slots of a page.
const PAGE: u64 = 500;
/// Processes that are computed anew at the same time.
const VERIFIERS: usize = 4;

/// What was looked for and found.
pub(super) struct Found {
    pub(super) sent_on: usize,
    pub(super) timers: usize,
}

/// Looks for all that was acknowledged.
pub(super) fn found(world: &World, host: SocketAddr, acknowledged: &[Acknowledged]) -> Found {
    let mut visitor = Person::at(host, Wallet::generate_secp256k1().unwrap());
    let mut logs = BTreeMap::new();
    for (_, process) in &world.processes {
        logs.insert(process.as_str(), log(&mut visitor, process));
    }
    for one in acknowledged {
        let slot = usize::try_from(one.slot).unwrap();
        let at = logs[one.process.as_str()].get(slot);
        assert_eq!(at, Some(&one.token), "slot {slot} of {}", one.process);
    }
    let found = arrived(world, &mut visitor, acknowledged);
    verified(world, host);
    found
}

/// The tokens of a log, by slot; a log without gaps.
fn log(visitor: &mut Person, process: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    loop {
        let (from, to) = (tokens.len() as u64, tokens.len() as u64 + PAGE - 1);
        let path = format!("/~scheduler@1.0/schedule?target={process}&from={from}&to={to}");
        let page = visitor.get(&format!("{path}&accept=application/aos-2"));
        let edges = page["edges"].as_array().unwrap();
        for edge in edges {
            assert_eq!(edge["cursor"], tokens.len(), "{process} has a gap");
            tokens.push(token(&edge["node"]["message"]));
        }
        if page["page_info"]["has_next_page"] != true {
            return tokens;
        }
    }
}

fn token(message: &Json) -> String {
    let mut tags = message["Tags"].as_array().into_iter().flatten();
    let token = tags
        .find(|tag| tag["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("token")));
    token.and_then(|tag| tag["value"].as_str()).unwrap_or_default().to_owned()
}

/// What was sent on is there once, and what nobody was told about at most once.
fn arrived(world: &World, visitor: &mut Person, acknowledged: &[Acknowledged]) -> Found {
    let mut owed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (mut sent_on, mut timers) = (0, 0);
    for one in acknowledged {
        let (to, count) = match &one.sent {
            Sent::Scheduled => continue,
            Sent::Told(to) => (to, &mut sent_on),
            Sent::Rung(to) => (to, &mut timers),
        };
        *count += 1;
        owed.entry(to).or_default().push(&one.token);
    }
    let until = Instant::now() + PATIENCE;
    for (kind, process) in world.processes.iter().filter(|(kind, _)| *kind == Kind::Lua) {
        let owed = owed.get(process.as_str()).map_or(&[][..], Vec::as_slice);
        let told = loop {
            let state = visitor.get(&format!("/{process}/now"));
            let told = state["told"].clone();
            let missing = owed.iter().find(|token| told[**token].is_null());
            match missing {
                None => break told,
                Some(token) => {
                    assert!(Instant::now() < until, "{token} never came to {process}, {kind:?}");
                    thread::yield_now();
                }
            }
        };
        for (token, times) in told.as_object().into_iter().flatten() {
            assert_eq!(*times, 1, "{token} came to {process} {times} times");
        }
    }
    Found { sent_on, timers }
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
