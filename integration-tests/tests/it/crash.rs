//! The node is killed again and again while clients write to it. What it has acknowledged is there
//! at its slot, what was sent arrives once, timers ring once, and every state and hashpath is the one
//! of a run that nothing disturbed.
//!
//! `CRASH_CYCLES` says how often it is killed; `make crash-node CYCLES=1000` sets it.

mod client;
mod found;
mod soak;
mod world;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxbeam_integration_tests::program::{self, Program};
use tempfile::TempDir;

use client::Clients;
use world::World;

const CLIENTS: usize = 8;
/// How often the node is killed, if nobody says.
const CYCLES: usize = 20;
/// What is acknowledged between two kills, at least and at most.
const BETWEEN: std::ops::Range<usize> = 20..60;
/// How soon a node that was killed is to be ready again.
const READY: Duration = Duration::from_secs(2);

fn start(data: &Path) -> Program {
    let options = ["--set", "process_snapshot_slots=25"];
    Program::start(&program::find().unwrap(), data, &options).unwrap()
}

fn cycles() -> usize {
    let told = std::env::var("CRASH_CYCLES").ok();
    told.map_or(CYCLES, |text| text.parse().expect("CRASH_CYCLES is a number"))
}

#[test]
fn nothing_is_lost_or_doubled_when_the_node_is_killed_under_load() {
    let data = TempDir::new().unwrap();
    let begun = Instant::now();
    let mut node = start(data.path());
    let world = Arc::new(World::made(node.host));
    let clients = Clients::start(&world, CLIENTS, node.host);
    let mut ready = Vec::new();
    for _ in 0..cycles() {
        clients.wait_for(fastrand::usize(BETWEEN));
        clients.lose_node();
        // Dropped, it is killed.
        drop(node);
        node = start(data.path());
        ready.push(node.started);
        clients.use_node(node.host);
    }
    let acknowledged = clients.stop();
    let found = found::found(&world, node.host, &acknowledged);
    ready.sort_unstable();
    println!(
        "killed {} times in {:.0?}: {} messages acknowledged and found; {} sent on at once, {} later \
         and {} by timers, each once; ready after {:.0?} at the median, {:.0?} at most",
        ready.len(),
        begun.elapsed(),
        acknowledged.len(),
        found.sent_on,
        found.later,
        found.timers,
        ready[ready.len() / 2],
        ready[ready.len() - 1],
    );
    // The slowest of a machine that does other things says nothing of the node.
    assert!(ready[ready.len() / 2] <= READY, "ready after {ready:?}");
}
