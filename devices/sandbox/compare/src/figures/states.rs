//! What the state of a guest costs: saved, restored, and changed by a slot.

use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::{Instance, Limits, Module, Zeros};

use crate::scripts::{PROCESS, Script};
use crate::{medians, shown, time};

/// Slots of one turn: one of them is too short to be timed alone.
const SLOTS: u32 = 100;

pub(crate) fn print() {
    println!("| State | Oxbeam |");
    println!("|---|---|");
    memory();
    for balances in [10, 1_000, 100_000] {
        slot(balances);
    }
}

/// A snapshot of 16 MiB after a call that changed 1 % of its pages, and a new instance from it.
fn memory() {
    let wasm = wat::parse_str(include_str!("../../../benches/guest.wat")).unwrap();
    let module = Module::compile(&wasm).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let limits = Limits::default();
    let mut instance = runtime.block_on(Instance::new(&module, limits, &mut Zeros)).unwrap();
    let touch = |instance: &mut Instance| {
        runtime.block_on(instance.call("touch", &[], &mut Zeros)).unwrap();
    };
    touch(&mut instance);
    let [taken] = medians([&mut || {
        touch(&mut instance);
        time(|| instance.snapshot().unwrap())
    }]);
    let snapshot = instance.snapshot().unwrap();
    let restore = || Instance::restore(&module, &snapshot, Limits::default()).unwrap();
    let [restored] = medians([&mut || time(restore)]);
    println!("| snapshot of 16 MiB, 1 % changed | {} |", shown(taken));
    println!("| restore of 16 MiB | {} |", shown(restored));
}

/// A slot that changes one balance of so many, whose table stays with the script.
fn slot(balances: i64) {
    let mut script = Script::new(PROCESS);
    let mut base = script.call("fill", vec![Value::Integer(balances.into())], true);
    let mut slot = || {
        let request = Value::Map(Message::from([("action", "Credit")]));
        base = script.call("credit", vec![base.clone(), request], true);
    };
    slot();
    let [time] = medians([&mut || time(|| (0..SLOTS).for_each(|_| slot())) / SLOTS]);
    println!("| a slot that changes one of {balances} balances | {} |", shown(time));
}
