//! A thousand random programs end alike in different processes, however they are sliced and interrupted.

mod lua;

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
/// Set in the children: whether every slot begins with an instance restored from a snapshot.
const RESTORING: &str = "OXBEAM_TEST_RESTORING";

const PROGRAMS: u64 = 1_000;

/// What every program is called with, one slot after the other.
const SLOTS: [(i32, i32); 4] = [(0, 1), (3, 2), (-1, 7), (100, 0)];

/// How a child runs the programs.
#[derive(Clone, Copy)]
struct Way {
    /// Fuel of a slice.
    slice: u64,
    /// Whether every slot begins with an instance that was restored from a snapshot.
    restoring: bool,
}

#[test]
fn a_thousand_random_modules_end_alike_in_different_processes_slices_and_instances() {
    let ends = alike("programs::modules_as_a_child", 61);

    let some = |end| ends.iter().filter(|line| line.contains(end)).count() > 50;
    assert!(some("Ok(") && some("UncaughtThrow") && some("Unreachable"), "too few kinds of ends");
}

#[test]
#[ignore = "a child of the test above"]
fn modules_as_a_child() {
    report(|seed, way| run(&module(&text(seed)), way));
}

/// What the programs came to, which is the same in slices of this much fuel, restored before each
/// slot, as it is in one go.
fn alike(test: &str, slice: u64) -> Vec<String> {
    let whole = child(test, Way { slice: 1_000_000, restoring: false });
    let sliced = child(test, Way { slice, restoring: true });

    assert_eq!(whole.len() as u64, PROGRAMS);
    for (whole, sliced) in whole.iter().zip(&sliced) {
        assert_eq!(whole, sliced);
    }
    assert_eq!(whole.len(), sliced.len());
    whole
}

/// Runs the programs in a process of their own, and answers with a line for each.
fn child(test: &str, way: Way) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(SLICE, way.slice.to_string())
        .env(RESTORING, way.restoring.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    // The runner's own lines say how long a test took.
    printed.lines().filter(|line| line.starts_with("program ")).map(str::to_owned).collect()
}

/// Prints what each program comes to, if this is a child.
#[expect(clippy::print_stdout, reason = "this is how a child answers")]
fn report(run: impl Fn(u64, Way) -> String) {
    let Ok(slice) = std::env::var(SLICE) else { return };
    let restoring = std::env::var(RESTORING).unwrap() == "true";
    let way = Way { slice: slice.parse().unwrap(), restoring };
    println!();
    for seed in 0..PROGRAMS {
        println!("program {seed}: {}", run(seed, way));
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
fn run(module: &Module, way: Way) -> String {
    let limits = Limits { slice: way.slice, fuel: 2_000_000, ..Limits::default() };
    let mut host = Adder::default();
    let mut instance = block_on(Instance::new(module, limits.clone(), &mut host)).unwrap();
    let mut seen = String::new();
    for (x, y) in SLOTS {
        if way.restoring {
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
