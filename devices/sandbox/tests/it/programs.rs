//! A thousand random programs end alike in different processes, however they are sliced and interrupted.

use std::fmt::Write;
use std::process::Command;

use oxbeam_protocol::Id;
use oxbeam_sandbox::{Instance, Limits, Module, Val};

use crate::support::{Adder, block_on, module};

/// The generator that the comparison with another engine uses.
#[path = "../../compare/src/program.rs"]
mod program;

/// Set in the children: the fuel of a slice.
const SLICE: &str = "OXBEAM_TEST_SLICE";
/// Set in the children: whether every call is made on an instance restored from a snapshot.
const RESTORING: &str = "OXBEAM_TEST_RESTORING";

const PROGRAMS: u64 = 1_000;

/// What every program is called with, one slot after the other.
const SLOTS: [(i32, i32); 4] = [(0, 1), (3, 2), (-1, 7), (100, 0)];

#[test]
fn a_thousand_random_programs_end_alike_in_different_processes_slices_and_instances() {
    let whole = child(1_000_000, false);
    let sliced = child(61, true);

    let ends: Vec<_> = whole.lines().filter(|line| line.contains("program ")).collect();
    assert_eq!(ends.len() as u64, PROGRAMS);
    for (whole, sliced) in whole.lines().zip(sliced.lines()) {
        // The runner's own lines say how long a test took.
        if whole.contains("program ") {
            assert_eq!(whole, sliced);
        }
    }
    let some = |end| ends.iter().filter(|line| line.contains(end)).count() > 50;
    assert!(some("Ok(") && some("UncaughtThrow") && some("Unreachable"), "too few kinds of ends");
}

/// Runs the programs in a process of their own, and answers with what it printed.
fn child(slice: u64, restoring: bool) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "programs::as_a_child", "--ignored", "--nocapture"])
        .env(SLICE, slice.to_string())
        .env(RESTORING, restoring.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "a child of the test above"]
fn as_a_child() {
    let Ok(slice) = std::env::var(SLICE) else { return };
    let slice = slice.parse().unwrap();
    let restoring = std::env::var(RESTORING).unwrap() == "true";
    println!();
    for seed in 0..PROGRAMS {
        println!("program {seed}: {}", run(&module(&text(seed)), slice, restoring));
    }
}

/// The program of a seed in one of the two forms, with a host call at every tick.
fn text(seed: u64) -> String {
    let program = program::Program::of(seed);
    let text = if seed.is_multiple_of(2) { program.legacy } else { program.modern };
    let import = r#"(module (import "env" "ask" (func $ask (param i32) (result i32)))"#;
    let ask = "(func $tick global.get $fuel call $ask drop";
    text.replacen("(module", import, 1).replacen("(func $tick", ask, 1)
}

/// The results, fuel and state of every slot.
fn run(module: &Module, slice: u64, restoring: bool) -> String {
    let limits = Limits { slice, fuel: 2_000_000, ..Limits::default() };
    let mut host = Adder::default();
    let mut instance = block_on(Instance::new(module, limits.clone(), &mut host)).unwrap();
    let mut seen = String::new();
    for (x, y) in SLOTS {
        if restoring {
            let snapshot = instance.snapshot().unwrap();
            instance = Instance::restore(module, &snapshot, limits.clone()).unwrap();
        }
        block_on(instance.call("refuel", &[], &mut host)).unwrap();
        let result = block_on(instance.call("run", &[Val::I32(x), Val::I32(y)], &mut host));
        let state = instance.snapshot().unwrap();
        let hashes = (Id::of(&state.memory), Id::of(&state.rest));
        let used = instance.fuel_used();
        write!(seen, "{result:?} {used} {} {}; ", hashes.0, hashes.1).unwrap();
    }
    write!(seen, "{}", host.calls.len()).unwrap();
    seen
}
