//! A thousand messages, with the node killed in the middle of them.

use std::fs;
use std::path::Path;
use std::thread;

use oxbeam_integration_tests::program::{self, Program};
use oxbeam_protocol::{Id, Message, Wallet};
use oxbeam_store::{Limit, LocalStore, Results, SlotResult, StoreConfig};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::{AOS, data, definition, eval, module, upload};
use crate::person::Person;

const MESSAGES: u64 = 1000;
/// The slot after which the node is killed, while it computes those up to [`ASKED`].
const KILLED_AFTER: u64 = 600;
const ASKED: u64 = 800;
/// Slots that one request waits for.
const STEP: u64 = 100;
const COUNTER: &str = "count = 0; Handlers.add('Inc', 'Inc', function (msg) \
                       count = count + tonumber(msg.Plus); \
                       if msg.Tell then msg.reply({Data = 'now ' .. count}) end end)";

/// The message of a slot. Most are handled by what the first one evaluates.
fn message(slot: u64) -> Message {
    match slot {
        1 => eval(COUNTER),
        slot if slot.is_multiple_of(100) => eval("return count"),
        slot if slot % 100 == 50 => eval("count = count + 1; error('on purpose')"),
        slot => {
            let inc = Message::from([("action", "Inc")]).with("plus", (slot % 7).to_string());
            if slot % 10 == 3 { inc.with("tell", "please") } else { inc }
        }
    }
}

/// What the process has counted after a slot.
fn counted(last: u64) -> u64 {
    (2..=last)
        .map(|slot| match slot % 100 {
            0 => 0,
            50 => 1,
            _ => slot % 7,
        })
        .sum()
}

#[test]
fn a_thousand_messages_come_to_the_same_though_the_node_is_killed_in_the_middle() {
    let Some(module) = module(AOS) else { return };
    let (killed, undisturbed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let process = scheduled(killed.path(), module);
    // Both have the same log from here on, and have computed nothing of it.
    copy(killed.path(), undisturbed.path());
    let (after_kill, expected) = thread::scope(|scope| {
        let expected = scope.spawn(|| {
            let node = start(undisturbed.path(), &[]);
            finished(&mut visitor(&node), &process, 0)
        });
        (killed_midway(killed.path(), &process), expected.join().unwrap())
    });
    assert_eq!(after_kill, expected, "the state after the last slot");
    assert_eq!(expected["results"]["data"], counted(MESSAGES).to_string());
    let (after_kill, expected) =
        (slots(killed.path(), &process), slots(undisturbed.path(), &process));
    assert_eq!(expected.len() as u64, MESSAGES + 1);
    for (found, expected) in after_kill.iter().zip(&expected) {
        assert_eq!(found, expected, "result and hashpath of every slot");
    }
    assert_eq!(after_kill.len(), expected.len());
}

/// Starts the process on a node with its data in a folder, and sends it all messages.
fn scheduled(folder: &Path, module: Vec<u8>) -> String {
    let node = start(folder, &[]);
    let mut owner = visitor(&node);
    let image = upload(&mut owner, module);
    let process = owner.spawn(definition(&image));
    for slot in 1..=MESSAGES {
        assert_eq!(owner.schedule(&process, message(slot)), slot);
    }
    process
}

/// Computes the process on a node that is killed while it does. Answers with the last state.
fn killed_midway(folder: &Path, process: &str) -> Json {
    let options = ["--set", "process_snapshot_slots=150"];
    let node = start(folder, &options);
    let (mut one, host) = (visitor(&node), node.host);
    let target = format!("/{process}/compute&slot={ASKED}/at-slot");
    let other = thread::spawn(move || {
        let mut client = oxbeam_integration_tests::bench::Client::connect(host).unwrap();
        client.send("GET", &target, &Default::default()).is_err()
    });
    computed(&mut one, process, KILLED_AFTER);
    // Dropped, it is killed.
    drop(node);
    assert!(other.join().unwrap(), "the node is killed while it computes");
    let node = start(folder, &options);
    let mut one = visitor(&node);
    let at = one.get(&format!("/{process}/compute/at-slot"))["body"].as_u64().unwrap();
    assert!((KILLED_AFTER..ASKED).contains(&at), "it goes on from slot {at}");
    assert_eq!(data(&mut one, process, STEP), counted(STEP).to_string());
    finished(&mut one, process, at)
}

/// Computes the rest, in steps that no request has to wait long for. Answers with the last state.
fn finished(visitor: &mut Person, process: &str, from: u64) -> Json {
    for slot in (from..=MESSAGES).filter(|slot| slot.is_multiple_of(STEP)) {
        computed(visitor, process, slot);
    }
    let mut state = visitor.get(&format!("/{process}/now"));
    // The node signs what it answers, each time with another salt.
    state.as_object_mut().unwrap().remove("commitments");
    state
}

fn computed(visitor: &mut Person, process: &str, slot: u64) {
    let at = visitor.get(&format!("/{process}/compute&slot={slot}/at-slot"));
    assert_eq!(at["body"], slot);
}

fn start(folder: &Path, options: &[&str]) -> Program {
    Program::start(&program::find().unwrap(), folder, options).unwrap()
}

fn visitor(node: &Program) -> Person {
    Person::at(node.host, Wallet::generate_secp256k1().unwrap())
}

/// What every slot came to, by the node's own store.
fn slots(folder: &Path, process: &str) -> Vec<SlotResult> {
    let process: Id = process.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (store, _) = LocalStore::open(folder.join("store"), &StoreConfig::default()).unwrap();
    runtime.block_on(async {
        let limit = Limit::count(usize::try_from(MESSAGES).unwrap() + 2);
        let page = store.results(process, 0, limit).await.unwrap();
        store.close().await;
        page.items
    })
}

/// Copies all that lies in a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}
