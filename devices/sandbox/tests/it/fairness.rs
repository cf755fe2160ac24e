//! Many guests on one thread.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_sandbox::{
    Guest, HOST_CALL_FUEL, Host, HostError, Import, Instance, Limits, Trap, Val, Zeros,
};
use tokio::task::LocalSet;

use crate::support::module;

/// Ten guests that never end share a thread with ten that are done before they count as long. What is counted is
/// the fuel that the endless ones used until the last of the others was done: slices, not time.
#[test]
fn endless_loops_get_no_more_than_their_share_of_a_thread() {
    const SLICE: u64 = 10_000;
    const SLICES: u64 = 7;
    let module = module(
        r#"(module (func (export "spin") (loop $l (br $l)))
            (func (export "work") (param i64) (result i64)
                (loop $l (br_if $l (i64.ne (i64.const 0)
                    (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
                (local.get 0)))"#,
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let yields = Rc::new(Cell::new(0_u64));
    let done = Rc::new(Cell::new(0));

    LocalSet::new().block_on(&runtime, async {
        let limits = Limits { slice: SLICE, fuel: 1 << 40, ..Limits::default() };
        for _ in 0..10 {
            let mut endless = Instance::new(&module, limits.clone(), &mut Zeros).await.unwrap();
            tokio::task::spawn_local(async move {
                let _: Result<_, Trap> = endless.call("spin", &[], &mut Zeros).await;
            });
        }
        let workers: Vec<_> = (0..10)
            .map(|_| {
                let (module, limits, done) = (module.clone(), limits.clone(), done.clone());
                tokio::task::spawn_local(async move {
                    let mut worker = Instance::new(&module, limits, &mut Zeros).await.unwrap();
                    let rounds = Val::I64((SLICE * SLICES / 4) as i64);
                    worker.call("work", &[rounds], &mut Zeros).await.unwrap();
                    done.set(done.get() + 1);
                    worker.fuel_used()
                })
            })
            .collect();
        let counter = yields.clone();
        tokio::task::spawn_local(async move {
            loop {
                counter.set(counter.get() + 1);
                tokio::task::yield_now().await;
            }
        });
        for worker in workers {
            let used = worker.await.unwrap();
            let turns = used.div_ceil(SLICE);
            // Each round of the thread gives every task one slice: the counter's turns are rounds.
            assert!(
                yields.get() <= turns * 12 / 10 + 10,
                "{} rounds for {turns} slices",
                yields.get()
            );
        }
    });

    assert_eq!(done.get(), 10);
}

/// Filling memory cannot be interrupted, so it is paid for in turns beforehand.
#[test]
fn operations_that_take_many_slices_wait_for_as_many_turns() {
    const SLICE: u64 = 1_000;
    let module = module(
        r#"(module (memory 512) (func (export "fill") (param i32)
            (loop $l
                (memory.fill (i32.const 0) (i32.const 1) (i32.const 33554432))
                (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#,
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let (turns, used) = LocalSet::new().block_on(&runtime, async {
        let turns = Rc::new(Cell::new(0_u64));
        let counter = turns.clone();
        let limits = Limits { slice: SLICE, ..Limits::default() };
        let mut guest = Instance::new(&module, limits, &mut Zeros).await.unwrap();
        tokio::task::spawn_local(async move {
            loop {
                counter.set(counter.get() + 1);
                tokio::task::yield_now().await;
            }
        });
        guest.call("fill", &[Val::I32(8)], &mut Zeros).await.unwrap();
        (turns.get(), guest.fuel_used())
    });

    assert!(used / SLICE > 1_000, "{used} of fuel are many slices");
    assert!(turns >= used / SLICE * 9 / 10, "{turns} turns for {used} of fuel");
}

/// Counts its calls.
struct Counter(Arc<AtomicU64>);

impl Host for Counter {
    fn call<'a>(
        &'a mut self,
        _: &'a Import,
        _: &'a [Val],
        _: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        self.0.fetch_add(1, Relaxed);
        async { Ok(Vec::new()) }.boxed()
    }
}

/// An answer that takes many turns of the thread would else wait for a slice in each of them.
#[test]
fn a_call_that_has_run_for_long_runs_in_few_of_the_turns_of_others() {
    const TURNS: u64 = 80;
    let module = module(
        r#"(module (import "env" "count" (func $count))
            (func (export "spin") (loop $l (call $count) (br $l))))"#,
    );
    // Ten counts, as a call of the host costs a thousand.
    let slice = HOST_CALL_FUEL * 10;
    let counted = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let slices = LocalSet::new().block_on(&runtime, async {
        let limits = Limits { slice, fuel: 1 << 40, ..Limits::default() };
        let mut host = Counter(counted.clone());
        let mut endless = Instance::new(&module, limits, &mut host).await.unwrap();
        tokio::task::spawn_local(async move {
            let _: Result<_, Trap> = endless.call("spin", &[], &mut host).await;
        });
        while counted.load(Relaxed) < 400 {
            tokio::task::yield_now().await;
        }
        let before = counted.load(Relaxed);
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        (counted.load(Relaxed) - before) / 10
    });

    assert!((5..=TURNS / 8 + 1).contains(&slices), "{slices} slices in {TURNS} turns");
}
