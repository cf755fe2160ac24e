//! What scripts cost: calls, tables, text, a process's slot, and saving its state.
//!
//! Where `lua5.3` is installed, the same three scripts run in it, in the same run. A slot with a
//! kept state is to cost the same whether 10 or 100 000 balances lie in it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails should say so")]

#[path = "lua/scripts.rs"]
mod scripts;

use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, NoAo, Vm};
use tokio::runtime::Runtime;

use scripts::{PROCESS, SCRIPTS, native};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn vm(runtime: &Runtime, source: &str) -> Vm {
    runtime.block_on(async {
        let mut vm = Vm::new(Limits::default()).await.unwrap();
        vm.load(b"bench.lua", source.as_bytes(), &mut NoAo).await.unwrap();
        vm
    })
}

fn call(
    runtime: &Runtime,
    vm: &mut Vm,
    function: &str,
    arguments: Vec<Value>,
    keep: bool,
) -> Value {
    let context = Context { keep, ..Context::default() };
    let mut host = NoAo;
    let results = vm.call(function.as_bytes(), arguments, context, &mut host);
    runtime.block_on(results).unwrap().pop().unwrap()
}

fn running(criterion: &mut Criterion) {
    let runtime = runtime();
    for (name, source) in SCRIPTS {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        let mut vm = vm(&runtime, source);
        group.bench_function("guest", |bencher| {
            bencher.iter(|| call(&runtime, &mut vm, "run", Vec::new(), false));
        });
        println!("{name}: {} units of fuel", vm.fuel_used());
        if native(source, 1).is_some() {
            group.bench_function("lua5.3", |bencher| {
                bencher.iter_custom(|times| native(source, times).unwrap());
            });
        }
        group.finish();
    }
}

fn slots(criterion: &mut Criterion) {
    let runtime = runtime();
    for (name, keep) in [("slot, state kept", true), ("slot, state crosses", false)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        for balances in [10, 1_000, 100_000] {
            let mut vm = vm(&runtime, PROCESS);
            let count = vec![Value::Integer(balances.into())];
            let mut base = call(&runtime, &mut vm, "fill", count, keep);
            group.bench_function(BenchmarkId::from_parameter(balances), |bencher| {
                bencher.iter_custom(|times| {
                    let started = Instant::now();
                    for slot in 0..times {
                        let request = Message::new().with("slot", Value::Integer(slot.into()));
                        let arguments = vec![base.clone(), Value::Map(request)];
                        base = call(&runtime, &mut vm, "credit", arguments, keep);
                    }
                    started.elapsed()
                });
            });
        }
        group.finish();
    }
}

fn saving(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("100 000 balances");
    group.sample_size(10);
    let mut vm = vm(&runtime, PROCESS);
    let count = vec![Value::Integer(100_000.into())];
    let mut base = call(&runtime, &mut vm, "fill", count, true);
    group.bench_function("snapshot after a slot", |bencher| {
        bencher.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                let arguments = vec![base.clone(), Value::Map(Message::new())];
                base = call(&runtime, &mut vm, "credit", arguments, true);
                let started = Instant::now();
                vm.snapshot().unwrap();
                spent += started.elapsed();
            }
            spent
        });
    });
    let snapshot = vm.snapshot().unwrap();
    group.bench_function("restore", |bencher| {
        bencher.iter_batched(
            || (),
            |()| Vm::restore(&snapshot, Limits::default()).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
    let mut group = criterion.benchmark_group("start");
    group.bench_function("a fresh state", |bencher| {
        bencher.iter(|| runtime.block_on(Vm::new(Limits::default())).unwrap());
    });
    group.finish();
}

criterion_group!(benches, running, slots, saving);
criterion_main!(benches);
