//! A node that works for long: clients, pushes, timers and a poisoned agent, killed now and then.
//!
//! `SOAK_MINUTES` says for how long; `make soak MINUTES=60` sets it.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use oxbeam_integration_tests::program::{self, Program};
use oxbeam_protocol::{Message, Wallet};
use tempfile::TempDir;

use super::client::Clients;
use super::found;
use super::world::{POISON, World, lua};
use crate::person::Person;

const CLIENTS: usize = 4;
/// How long it lasts, if nobody says.
const SHORT: Duration = Duration::from_secs(40);
/// How many lives the node has of it, and how long the longest is.
const LIVES: u32 = 2;
const LONGEST: Duration = Duration::from_mins(5);
/// Slots of the poisoned agent, each of which takes all that a guest may use.
const POISONED: u64 = 50;
/// Small caches are full early, and then memory shows what else grows.
const OPTIONS: [&str; 8] = [
    "--set",
    "store_cache_bytes=33554432",
    "--set",
    "store_write_buffer_bytes=16777216",
    "--set",
    "guest_fuel=20000000",
    "--set",
    "process_snapshot_slots=200",
];
/// How much more of each a node may take after it is warm: states and logs grow, tables of the
/// store become files.
const MORE_MEMORY: u64 = 64 << 20;
const MORE_FILES: usize = 64;
const MORE_THREADS: usize = 4;

/// What a node takes of its machine.
#[derive(Debug)]
struct Taken {
    memory: u64,
    files: usize,
    threads: usize,
}

impl Taken {
    fn by(node: &Program) -> Self {
        Self {
            memory: node.resident().unwrap(),
            files: node.files().unwrap(),
            threads: node.threads().unwrap(),
        }
    }

    fn assert_like(&self, warm: &Self) {
        assert!(self.memory <= warm.memory * 5 / 4 + MORE_MEMORY, "{warm:?} became {self:?}");
        assert!(self.files <= warm.files + MORE_FILES, "{warm:?} became {self:?}");
        assert!(self.threads <= warm.threads + MORE_THREADS, "{warm:?} became {self:?}");
    }
}

fn start(data: &Path) -> Program {
    Program::start(&program::find().unwrap(), data, &OPTIONS).unwrap()
}

fn duration() -> Duration {
    let told = std::env::var("SOAK_MINUTES").ok();
    told.map_or(SHORT, |text| Duration::from_mins(text.parse().expect("SOAK_MINUTES is a number")))
}

/// An agent whose every slot uses up its limit, and a timer that has it computed on and on.
fn poison(node: &Program) {
    let mut owner = Person::at(node.host, Wallet::generate_secp256k1().unwrap());
    let process = owner.spawn(lua(POISON));
    for number in 1..=POISONED {
        owner.schedule(&process, Message::from([("number", number.to_string().as_str())]));
    }
    let path = format!("/{process}~process@1.0/now");
    owner.get(&format!("/~cron@1.0/every?cron-path={path}&interval=1-seconds"));
}

#[test]
fn a_node_that_works_for_long_loses_nothing_and_takes_no_more_of_its_machine() {
    let data = TempDir::new().unwrap();
    let (begun, whole) = (Instant::now(), duration());
    let life = (whole / LIVES).min(LONGEST);
    let mut node = start(data.path());
    let world = Arc::new(World::made(node.host));
    poison(&node);
    let clients = Clients::start(&world, CLIENTS, node.host);
    let mut lives = Vec::new();
    loop {
        // Half of a life is to warm up.
        thread::sleep(life / 2);
        let warm = Taken::by(&node);
        thread::sleep(life / 2);
        let late = Taken::by(&node);
        late.assert_like(&warm);
        lives.push((warm, late));
        if begun.elapsed() + life > whole + SHORT / 2 {
            break;
        }
        clients.lose_node();
        // Dropped, it is killed.
        drop(node);
        node = start(data.path());
        clients.use_node(node.host);
    }
    let acknowledged = clients.stop();
    let found = found::found(&world, node.host, &acknowledged);
    println!(
        "{:.0?}, {} lives: {} messages acknowledged and found; {} sent on at once, {} later and {} by \
         timers, each once; warm and late: {lives:?}",
        begun.elapsed(),
        lives.len(),
        acknowledged.len(),
        found.sent_on,
        found.later,
        found.timers,
    );
}
