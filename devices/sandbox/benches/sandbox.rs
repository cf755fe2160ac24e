//! What guest code costs: running, starting, protected calls, snapshots.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails should say so")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_sandbox::{Guest, Host, HostError, Import, Instance, Limits, Module, Val};
use tokio::runtime::Runtime;

const PROGRAMS: &str = r#"(module
    (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
    (import "rt" "throw" (func $throw))
    (import "env" "ask" (func $ask (param i32) (result i32)))
    (table (export "__indirect_function_table") 1 funcref) (elem (i32.const 0) $thrower)
    (memory (export "memory") 257)
    (func $thrower (param i32 i32) (call $throw))
    (func $fib (export "fib") (param i64) (result i64)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
            (then (local.get 0))
            (else (i64.add (call $fib (i64.sub (local.get 0) (i64.const 1)))
                (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
    (func (export "sieve") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $c i32)
        (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
        (local.set $i (i32.const 2))
        (block $done (loop $outer
            (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
            (if (i32.eqz (i32.load8_u (local.get $i))) (then
                (local.set $c (i32.add (local.get $c) (i32.const 1)))
                (local.set $j (i32.add (local.get $i) (local.get $i)))
                (block $marked (loop $mark
                    (br_if $marked (i32.ge_u (local.get $j) (local.get $n)))
                    (i32.store8 (local.get $j) (i32.const 1))
                    (local.set $j (i32.add (local.get $j) (local.get $i)))
                    (br $mark)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $outer)))
        (local.get $c))
    (func (export "spin") (param $n i32)
        (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "throws") (param $n i32)
        (loop $l
            (drop (call $try (i32.const 0) (i32.const 0) (i32.const 0)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "asks") (param $n i32)
        (loop $l
            (drop (call $ask (i32.const 0)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "touch") (local $at i32)
        (loop $l
            (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))
            (br_if $l (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 6553600)))
                (i32.const 16777216))))))"#;

/// Answers everything with zeros.
struct Zeros;

impl Host for Zeros {
    fn call<'a>(
        &'a mut self,
        _: &'a Import,
        _: &'a [Val],
        _: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

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
    criterion.bench_function("snapshot and restore 16 MiB after a call", |bencher| {
        bencher.iter(|| {
            runtime.block_on(instance.call("touch", &[], &mut Zeros)).unwrap();
            let snapshot = instance.snapshot().unwrap();
            instance = Instance::restore(&module, &snapshot, Limits::default()).unwrap();
        });
    });
}

criterion_group!(benches, running, starting, snapshots);
criterion_main!(benches);
