//! What modules that mean harm may take: processor time and memory, measured. How they end is tested
//! elsewhere. A program of its own, because it counts every byte that is allocated.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

use std::time::Duration;

use cpu_time::ThreadTime;
use oxbeam_sandbox::{CALL_DEPTH, Instance, Limits, Module, STACK_BYTES, Trap, Val, Zeros, bounds};
use parking_lot::{Mutex, MutexGuard};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One test at a time: they share the heap.
static TURN: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;

/// Linear memory of the guests here.
const MEMORY: usize = 16 * MIB;

/// What the fuel of the guests here may last on a thread of a slow machine, in a build for tests.
const SOON: Duration = Duration::from_secs(3);

/// What something took.
#[derive(Debug)]
struct Cost {
    time: Duration,
    /// Bytes above what was allocated before, at the worst moment.
    peak: usize,
    /// Bytes above what was allocated before, afterwards.
    left: usize,
}

/// Runs alone, and measures.
fn measure<T>(_: &MutexGuard<'_, ()>, run: impl FnOnce() -> T) -> (T, Cost) {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let started = ThreadTime::now();
    let result = run();
    let time = started.elapsed();
    let peak = HEAP.peak_usage().saturating_sub(before);
    (result, Cost { time, peak, left: HEAP.current_usage().saturating_sub(before) })
}

fn limits() -> Limits {
    Limits { fuel: 20_000_000, memory_bytes: MEMORY, ..Limits::default() }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn module(text: &str) -> Module {
    Module::compile(&wat::parse_str(text).unwrap()).unwrap()
}

fn run(module: &Module, limits: Limits) -> Result<Vec<Val>, Trap> {
    block_on(async {
        let mut instance = Instance::new(module, limits, &mut Zeros).await?;
        instance.call("run", &[], &mut Zeros).await
    })
}

#[test]
fn attacks_end_soon_and_take_no_more_memory_than_they_may() {
    let turn = TURN.lock();
    let attacks = [
        ("an endless loop", r#"(module (func (export "run") (loop $l (br $l))))"#, MIB),
        (
            "an endless loop of host calls",
            r#"(module (import "env" "f" (func $f)) (func (export "run") (loop $l (call $f) (br $l))))"#,
            MIB,
        ),
        (
            "recursion",
            r#"(module (func $f (export "run") (local i64 i64 i64 i64) (call $f) (drop (i32.const 1))))"#,
            4 * MIB,
        ),
        (
            "growth to the limit",
            r#"(module (memory 1) (func (export "run")
                (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable))"#,
            2 * MEMORY + MIB,
        ),
        (
            "all of memory filled again and again",
            r#"(module (memory 256) (func (export "run")
                (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $l))))"#,
            MEMORY + MIB,
        ),
        (
            "all of memory copied again and again",
            r#"(module (memory 256) (func (export "run")
                (loop $l (memory.copy (i32.const 1) (i32.const 0) (i32.const 16777215)) (br $l))))"#,
            MEMORY + MIB,
        ),
        (
            "a table filled again and again",
            r#"(module (table 100000 funcref) (func $f) (elem declare func $f) (func (export "run")
                (loop $l (table.fill (i32.const 0) (ref.func $f) (i32.const 100000)) (br $l))))"#,
            4 * MIB,
        ),
        (
            "an endless loop of exceptions",
            r#"(module (tag $t (param i64)) (func $throw (throw $t (i64.const 1))) (func (export "run")
                (loop $l (drop (block (result i64) try call $throw catch $t br 1 end i64.const 0)) (br $l))))"#,
            MIB,
        ),
    ];
    for (name, text, most) in attacks {
        let module = module(text);
        let (result, cost) = measure(&turn, || run(&module, limits()));
        eprintln!("{name}: {cost:?}");
        assert!(result.is_err(), "{name} ended");
        assert!(cost.time < SOON && cost.peak <= most, "{name} took {cost:?} of {most}");
    }
}

/// Each suspended call with a stack of its own, as deep as it may be.
#[test]
fn the_stacks_of_one_guest_take_no_more_than_all_its_suspended_calls_may() {
    let turn = TURN.lock();
    let locals = "i64 ".repeat(11);
    let module = module(&format!(
        r#"(module (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
            (table (export "t") 1 funcref) (elem (i32.const 0) $body)
            (func $body (param i32 i32) (call $deep (i32.const 9000)))
            (func $deep (param i32) (local {locals})
                (if (local.get 0)
                    (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
                    (else (drop (call $try (i32.const 0) (i32.const 0) (i32.const 0))))))
            (func (export "run") (call $deep (i32.const 9000))))"#
    ));
    let stack = MIB * 16 / 10;
    assert!(stack > STACK_BYTES + CALL_DEPTH * 32, "values, and frames of four words");

    for suspended_calls in [16, 256] {
        let limits = Limits { fuel: 1_000_000_000, suspended_calls, ..limits() };
        let (result, cost) = measure(&turn, || run(&module, limits));
        eprintln!("{suspended_calls} deep stacks: {cost:?}");
        assert!(matches!(result, Err(Trap::StackOverflow { .. })), "{result:?}");
        assert!(cost.peak > suspended_calls * STACK_BYTES, "the attack is one: {cost:?}");
        assert!(cost.peak <= (suspended_calls + 1) * stack, "{cost:?}");
        assert!(cost.left < 32 * MIB, "the stacks are gone: {cost:?}");
    }
}

#[test]
fn ten_thousand_traps_in_a_row_leave_nothing_behind() {
    let turn = TURN.lock();
    let module = module(
        r#"(module (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
            (import "rt" "throw" (func $throw)) (memory 1)
            (tag $t) (table (export "t") 1 funcref) (elem (i32.const 0) $fail)
            (func $fail (param i32 i32) unreachable)
            (func (export "trap") (drop (call $try (i32.const 0) (i32.const 0) (i32.const 0))))
            (func $deep (export "overflow") (call $deep) (drop (i32.const 1)))
            (func (export "throw") (throw $t))
            (func (export "unwind") (call $throw))
            (func (export "bounds") (drop (i32.load (i32.const 65536)))))"#,
    );
    let mut instance = block_on(Instance::new(&module, limits(), &mut Zeros)).unwrap();
    let mut round = |times| {
        for name in ["trap", "throw", "unwind", "bounds", "overflow"].repeat(times) {
            assert!(block_on(instance.call(name, &[], &mut Zeros)).is_err());
        }
    };
    round(10);

    let ((), cost) = measure(&turn, || round(2_000));

    eprintln!("10 000 traps: {cost:?}");
    assert!(cost.left < 64 << 10, "{cost:?}");
    assert!(cost.time < Duration::from_secs(20), "{cost:?}");
}

#[test]
fn modules_that_are_refused_cost_little() {
    let turn = TURN.lock();
    let imports = format!("(module {})", r#"(import "env" "f" (func))"#.repeat(10_000));
    let imports = wat::parse_str(imports).unwrap();
    // A type section that claims four billion types.
    let lie = b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f".to_vec();
    let attacks = [
        ("a hundred megabytes", vec![0; 100_000_000], MIB),
        ("ten thousand imports", imports, 16 * MIB),
        ("a lie", lie, MIB),
    ];
    for (name, wasm, most) in attacks {
        let (result, cost) = measure(&turn, || Module::compile(&wasm));
        eprintln!("{name}: {cost:?}");
        assert!(result.is_err(), "{name}");
        assert!(cost.time < SOON && cost.peak < most, "{name} took {cost:?}");
    }
}

#[test]
fn modules_at_the_bounds_compile_in_time_and_space() {
    let turn = TURN.lock();
    let many = format!("(module {})", "(func (local i32))".repeat(bounds::FUNCTIONS as usize));
    // Calls that may throw, each with its check: the longest that lowering makes of a byte.
    let calls = "call 0 ".repeat(bounds::FUNCTION_BYTES / 6 - 100);
    let throwing =
        format!("(module (tag $t) (func throw $t) {})", format!("(func {calls})").repeat(4));
    let additions =
        "(i32.add (local.get 0) ".repeat(1_000) + "(i32.const 1)" + &")".repeat(1_000) + " drop ";
    let long = format!("(module (func (param i32) {}))", additions.repeat(690));
    for (name, text) in
        [("many functions", many), ("calls that throw", throwing), ("a long one", long)]
    {
        let wasm = wat::parse_str(text).unwrap();
        let (result, cost) = measure(&turn, || Module::compile(&wasm).map(drop));
        eprintln!("{name}, {} bytes: {cost:?}", wasm.len());
        result.unwrap();
        assert!(cost.time < Duration::from_secs(10), "{name} took {cost:?}");
        assert!(cost.peak < 64 * wasm.len() + 256 * MIB, "{name} took {cost:?}");
        assert!(cost.left < MIB, "{name} left {cost:?}");
    }
}

/// The longest that a guest holds its thread: one operation on all the memory it may have.
#[test]
fn operations_on_all_of_memory_are_over_before_anybody_minds() {
    let turn = TURN.lock();
    let memory = Limits::default().memory_bytes;
    let module = module(&format!(
        r#"(module (memory {}) (func (export "run")
            (memory.fill (i32.const 0) (i32.const 1) (i32.const {memory}))
            (memory.copy (i32.const 1) (i32.const 0) (i32.const {}))))"#,
        memory / 65_536,
        memory - 1,
    ));

    let (result, cost) = measure(&turn, || run(&module, Limits::default()));

    eprintln!("512 MiB filled and copied: {cost:?}");
    result.unwrap();
    assert!(cost.time < Duration::from_secs(3), "two of them, and the making: {cost:?}");
}
