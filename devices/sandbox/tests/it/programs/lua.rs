//! The same for scripts, whose state is all of a guest's memory.

use std::fmt::Write;

use oxbeam_protocol::{Id, Message, Value};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, NoAo, Vm, VmSnapshot};

use super::{Way, alike, report};
use crate::lua_native::{RUN, program};
use crate::support::block_on;

/// Slots of each process: so many programs run one after the other.
const SLOTS: u64 = 3;

/// Runs the program of each slot, and keeps something of it in every way that a script can: in the
/// state, in globals, in closures, and in coroutines that are never done.
const PROCESS: &str = "
local coroutine = require 'coroutine'
local waiting = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
local reports, seen = {}, {}
function compute(base, request)
    local shown = run(request.program)
    reports[#reports + 1] = function() return #shown end
    seen[shown] = (seen[shown] or 0) + waiting()
    base.slots = base.slots or {}
    base.slots[#base.slots + 1] = {shown = shown, random = math.random(1000000)}
    base.length = 0
    for _, report in ipairs(reports) do base.length = base.length + report() end
    for text, count in pairs(seen) do base[text:sub(1, 8)] = count end
    return base
end";

#[test]
fn a_thousand_random_scripts_end_alike_in_different_processes_slices_and_states() {
    let ends = alike("programs::lua::as_a_child", 997);

    let different: std::collections::BTreeSet<_> =
        ends.iter().filter_map(|line| line.split_once(": ")).map(|(_, end)| end).collect();
    assert_eq!(different.len(), ends.len(), "no two programs do the same");
}

#[test]
#[ignore = "a child of the test above"]
fn as_a_child() {
    report(|seed, way| block_on(run(seed, way)));
}

/// What can be seen of each slot: what it came to, its fuel, and all of the state.
async fn run(seed: u64, way: Way) -> String {
    let limits = Limits { slice: way.slice, ..Limits::default() };
    let mut vm = Vm::new(limits.clone()).await.unwrap();
    vm.load(b"run.lua", RUN.as_bytes(), &mut NoAo).await.unwrap();
    vm.load(b"process.lua", PROCESS.as_bytes(), &mut NoAo).await.unwrap();
    let mut base = Value::Map(Message::new());
    let mut seen = String::new();
    for slot in 0..SLOTS {
        if way.restoring {
            let stored = VmSnapshot::stored(vm.snapshot().unwrap().instance);
            vm = Vm::restore(&stored, limits.clone()).unwrap();
        }
        let program = program::of_seed(seed * SLOTS + slot + 1);
        let request = Message::new().with("program", program);
        let context = Context { time: slot as f64, keep: true };
        let arguments = vec![base.clone(), request.into()];
        let results = vm.call(b"compute", arguments, context, &mut NoAo).await;
        match results {
            Ok(results) => base = results.into_iter().next_back().unwrap(),
            Err(error) => panic!("program {seed}: {error}"),
        }
        let state = vm.snapshot().unwrap().instance;
        let shown = Id::of(format!("{base:?}").as_bytes());
        let (memory, rest) = (Id::of(&state.memory), Id::of(&state.rest));
        write!(seen, "{shown} {} {memory} {rest}; ", vm.fuel_used()).unwrap();
    }
    seen
}
