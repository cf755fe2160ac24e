//! What guest code costs: running, starting, protected calls, snapshots.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails should say so")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use oxbeam_sandbox::{Instance, Limits, Module, Val, Zeros};
use tokio::runtime::Runtime;

/// The programs.
const PROGRAMS: &str = include_str!("guest.wat");

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn instance(module: &Module) -> Instance {
    runtime().block_on(Instance::new(module, Limits::default(), &mut Zeros)).unwrap()
}

fn running(criterion: &mut Criterion) {
    let module = Module::compile(&wat::parse_str(PROGRAMS).unwrap()).unwrap();
    let mut instance = instance(&module);
    let runtime = runtime();
    for (name, function, argument) in [
        ("fib(30)", "fib", Val::I64(30)),
        ("sieve of 5 000 000", "sieve", Val::I32(5_000_000)),
        ("an empty loop of 1 000 000", "spin", Val::I32(1_000_000)),
        ("20 000 throws", "throws", Val::I32(20_000)),
        ("20 000 host calls", "asks", Val::I32(20_000)),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                runtime.block_on(instance.call(function, &[argument], &mut Zeros)).unwrap()
            });
        });
        let used = instance.fuel_used();
        println!("{name}: {used} units of fuel");
    }
}

fn starting(criterion: &mut Criterion) {
    let wasm = wat::parse_str(PROGRAMS).unwrap();
    let module = Module::compile(&wasm).unwrap();
    criterion.bench_function("compile a small module", |bencher| {
        bencher.iter(|| Module::compile(black_box(&wasm)).unwrap());
    });
    criterion.bench_function("cold start: compile, instantiate, call", |bencher| {
        let runtime = runtime();
        bencher.iter(|| {
            let mut instance = instance(&Module::compile(&wasm).unwrap());
            runtime.block_on(instance.call("fib", &[Val::I64(1)], &mut Zeros)).unwrap()
        });
    });
    criterion.bench_function("instantiate with 16 MiB of memory", |bencher| {
        bencher.iter(|| instance(&module));
    });
}

fn snapshots(criterion: &mut Criterion) {
    let module = Module::compile(&wat::parse_str(PROGRAMS).unwrap()).unwrap();
    let mut instance = instance(&module);
    let runtime = runtime();
    criterion.bench_function("snapshot and restore 16 MiB with 1 % changed", |bencher| {
        bencher.iter(|| {
            runtime.block_on(instance.call("touch", &[], &mut Zeros)).unwrap();
            let snapshot = instance.snapshot().unwrap();
            instance = Instance::restore(&module, &snapshot, Limits::default()).unwrap();
        });
    });
}

criterion_group!(benches, running, starting, snapshots);
criterion_main!(benches);
