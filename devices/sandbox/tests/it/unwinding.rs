//! `rt.try`, `rt.throw` and emscripten's `invoke_*`.

use std::time::Instant;

use oxbeam_sandbox::lower::THROWN;
use oxbeam_sandbox::{Instance, Limits, Module, Trap, Val};

use crate::support::{call, instance, instance_within, module};

/// `body` is called by `try` as pointer 1, `again` as pointer 2.
fn trying(body: &str) -> String {
    format!(
        r#"(module
            (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
            (import "rt" "throw" (func $throw))
            (memory (export "memory") 1)
            (global $sp (export "__stack_pointer") (mut i32) (i32.const 4096))
            (table (export "__indirect_function_table") 4 funcref)
            (elem (i32.const 1) $body $again $typed)
            (func $body (param i32 i32) {body})
            (func $again (param i32 i32)
                (i32.store (local.get 1)
                    (i32.add (i32.load (local.get 1)) (call $try (i32.const 1) (local.get 0) (local.get 1)))))
            (func $typed (result i32) (i32.const 1))
            (func (export "try") (param i32 i32) (result i32)
                (call $try (local.get 0) (local.get 1) (i32.const 8)))
            (func (export "sp") (result i32) (global.get $sp))
            (func (export "throw") (call $throw))
            (func (export "loop") (param i32) (result i32) (local $thrown i32)
                (loop $l
                    (local.set $thrown (i32.add (local.get $thrown)
                        (call $try (i32.const 1) (i32.const 0) (i32.const 8))))
                    (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get $thrown)))"#
    )
}

#[test]
fn a_try_whose_body_returns_answers_zero() {
    let mut instance = instance(&trying("(i32.store (local.get 1) (local.get 0))"));

    let results = call(&mut instance, "try", &[Val::I32(1), Val::I32(77)]).unwrap();

    assert_eq!(results, [Val::I32(0)]);
    assert_eq!(instance.memory()[8], 77);
}

const THROWING: &str = "(global.set $sp (i32.sub (global.get $sp) (i32.const 64)))
    (i32.store (local.get 1) (local.get 0)) (call $throw) (i32.store (local.get 1) (i32.const 0))";

#[test]
fn a_throw_answers_one_keeps_memory_and_gives_the_stack_back() {
    let mut instance = instance(&trying(THROWING));

    let results = call(&mut instance, "try", &[Val::I32(1), Val::I32(77)]).unwrap();

    assert_eq!(results, [Val::I32(1)]);
    assert_eq!(instance.memory()[8], 77);
    assert_eq!(call(&mut instance, "sp", &[]).unwrap(), [Val::I32(4_096)]);
}

#[test]
fn a_throw_is_caught_by_the_innermost_try() {
    let mut instance = instance(&trying(THROWING));

    let results = call(&mut instance, "try", &[Val::I32(2), Val::I32(5)]).unwrap();

    assert_eq!(results, [Val::I32(0)], "the outer body returned");
    assert_eq!(
        instance.memory()[8],
        5 + 1 - 5,
        "the inner try answered one to it, over the 0 it read"
    );
}

#[test]
fn a_throw_that_nobody_catches_is_named() {
    let trap = call(&mut instance(&trying("")), "throw", &[]).unwrap_err();

    assert_eq!(trap.to_string(), "uncaught throw");
}

#[test]
fn a_trap_in_a_try_is_not_caught() {
    let trap = call(&mut instance(&trying("unreachable")), "try", &[Val::I32(1), Val::I32(0)]);

    assert_eq!(trap.unwrap_err().to_string(), "unreachable");
}

#[test]
fn a_try_of_what_is_no_such_function_is_the_trap_of_an_indirect_call() {
    let faults = [
        (0, "uninitialized element"),
        (3, "indirect call type mismatch"),
        (4, "undefined element"),
    ];
    for (pointer, name) in faults {
        let mut instance = instance(&trying(""));
        let trap = call(&mut instance, "try", &[Val::I32(pointer), Val::I32(0)]).unwrap_err();
        assert_eq!(trap.to_string(), name);
    }
}

#[test]
fn tries_within_tries_end_as_a_stack_overflow() {
    let mut instance =
        instance(&trying("(drop (call $try (i32.const 1) (i32.const 0) (i32.const 8)))"));

    let trap = call(&mut instance, "try", &[Val::I32(1), Val::I32(0)]).unwrap_err();

    assert!(matches!(trap, Trap::StackOverflow { .. }), "{trap:?}");
    assert_eq!(call(&mut instance, "sp", &[]).unwrap(), [Val::I32(4_096)]);
}

#[test]
fn twenty_thousand_throws_take_no_time_worth_naming() {
    let mut instance = instance(&trying("(call $throw)"));

    let started = Instant::now();
    let results = call(&mut instance, "loop", &[Val::I32(20_000)]).unwrap();

    assert_eq!(results, [Val::I32(20_000)]);
    eprintln!("20 000 throws: {:?}", started.elapsed());
}

/// A module of emscripten's ABI, with pointers of either width.
fn invoking(pointer: &str) -> String {
    format!(
        r#"(module
            (import "env" "invoke_iii" (func $invoke (param {pointer} i32 i32) (result i32)))
            (import "env" "_emscripten_throw_longjmp" (func $longjmp))
            (table (export "__indirect_function_table") 3 funcref)
            (elem (i32.const 1) $add $jump)
            (global $sp (mut {pointer}) ({pointer}.const 512))
            (global $threw (mut {pointer}) ({pointer}.const 0))
            (func (export "stackSave") (result {pointer}) (global.get $sp))
            (func (export "setThrew") (param {pointer} i32) (global.set $threw (local.get 0)))
            (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func $jump (param i32 i32) (result i32)
                (global.set $sp ({pointer}.const 0)) (call $longjmp) (i32.const 9))
            (func (export "invoke") (param {pointer}) (result i32)
                (call $invoke (local.get 0) (i32.const 3) (i32.const 4)))
            (func (export "threw") (result {pointer}) (global.get $threw)))"#
    )
}

#[test]
fn an_invoke_answers_with_the_callees_result() {
    let mut narrow = instance(&invoking("i32"));
    let mut wide = instance(&invoking("i64"));

    assert_eq!(call(&mut narrow, "invoke", &[Val::I32(1)]).unwrap(), [Val::I32(7)]);
    assert_eq!(call(&mut wide, "invoke", &[Val::I64(1)]).unwrap(), [Val::I32(7)]);
    assert_eq!(call(&mut wide, "threw", &[]).unwrap(), [Val::I64(0)]);
}

#[test]
fn a_longjmp_out_of_an_invoke_restores_the_stack_and_says_that_it_threw() {
    let mut narrow = instance(&invoking("i32"));
    let mut wide = instance(&invoking("i64"));

    assert_eq!(call(&mut narrow, "invoke", &[Val::I32(2)]).unwrap(), [Val::I32(0)]);
    assert_eq!(call(&mut narrow, "threw", &[]).unwrap(), [Val::I32(1)]);
    assert_eq!(call(&mut narrow, "stackSave", &[]).unwrap(), [Val::I32(512)]);
    assert_eq!(call(&mut wide, "invoke", &[Val::I64(2)]).unwrap(), [Val::I32(0)]);
    assert_eq!(call(&mut wide, "threw", &[]).unwrap(), [Val::I64(1)]);
    assert_eq!(call(&mut wide, "stackSave", &[]).unwrap(), [Val::I64(512)]);
}

/// WebAssembly's own exceptions, of the legacy kind that aos modules use.
const EXCEPTIONS: &str = r#"(module
    (import "env" "invoke_v" (func $invoke (param i32)))
    (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
    (tag $error (param i32))
    (table (export "__indirect_function_table") 3 funcref)
    (elem (i32.const 0) $thrower $protected $twice)
    (global $sp (export "__stack_pointer") (mut i32) (i32.const 4096))
    (global $threw (mut i32) (i32.const 0))
    (func (export "setThrew") (param i32 i32) (global.set $threw (local.get 0)))
    (func $thrower (throw $error (i32.const 42)))
    (func $protected (param i32 i32)
        (global.set $sp (i32.sub (global.get $sp) (i32.const 32)))
        (if (local.get 0) (then (call $thrower)))
        (global.set $sp (i32.add (global.get $sp) (i32.const 32))))
    (func $twice (param i32 i32)
        (if (call $try (i32.const 1) (local.get 0) (i32.const 0)) (then (call $thrower))))
    (func $maybe (param i32) (result i32)
        (if (local.get 0) (then (call $thrower))) (i32.const 7))
    (func (export "catch") (result i32)
        try (result i32) call $thrower i32.const 0 catch $error end)
    (func (export "late") (result i32) (local i32)
        loop $l
            local.get 0 i32.const 1 i32.add local.tee 0 i32.const 50 i32.lt_s br_if $l
        end
        try (result i32) call $thrower i32.const 0 catch $error end)
    (func (export "maybe") (param i32) (result i32)
        try (result i32) local.get 0 call $maybe catch $error end)
    (func (export "throw") (call $thrower))
    (func (export "try") (param i32 i32) (result i32)
        (call $try (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "sp") (result i32) (global.get $sp))
    (func (export "invoke") (result i32)
        (call $invoke (i32.const 0)) (global.get $threw)))"#;

#[test]
fn an_exception_of_webassembly_is_caught_in_the_guest_and_named_outside() {
    let mut instance = instance(EXCEPTIONS);

    assert_eq!(call(&mut instance, "catch", &[]).unwrap(), [Val::I32(42)]);
    let trap = call(&mut instance, "throw", &[]).unwrap_err();
    assert!(matches!(&trap, Trap::UncaughtThrow { function } if &**function == "throw"));
    assert_eq!(trap.to_string(), "uncaught throw");
    assert_eq!(call(&mut instance, "catch", &[]).unwrap(), [Val::I32(42)]);
}

#[test]
fn an_exception_of_webassembly_that_leaves_an_invoke_is_a_throw_of_it() {
    let mut instance = instance(EXCEPTIONS);

    assert_eq!(call(&mut instance, "invoke", &[]).unwrap(), [Val::I32(1)]);
    assert_eq!(call(&mut instance, "catch", &[]).unwrap(), [Val::I32(42)]);
}

#[test]
fn an_exception_of_webassembly_that_leaves_the_body_of_a_try_is_a_throw_of_it() {
    let mut instance = instance(EXCEPTIONS);
    let protected = |throws| [Val::I32(1), Val::I32(throws)];

    assert_eq!(call(&mut instance, "try", &protected(1)).unwrap(), [Val::I32(1)]);
    assert_eq!(call(&mut instance, "sp", &[]).unwrap(), [Val::I32(4_096)]);
    assert_eq!(call(&mut instance, "try", &protected(0)).unwrap(), [Val::I32(0)]);
}

#[test]
fn an_exception_of_webassembly_goes_to_the_nearest_try_and_no_further() {
    let mut instance = instance(EXCEPTIONS);

    // The inner try answers 1 to its caller, which throws anew, or 0, and then it returns.
    assert_eq!(call(&mut instance, "try", &[Val::I32(2), Val::I32(1)]).unwrap(), [Val::I32(1)]);
    assert_eq!(call(&mut instance, "try", &[Val::I32(2), Val::I32(0)]).unwrap(), [Val::I32(0)]);
}

#[test]
fn a_start_function_that_throws_is_named() {
    let text = "(module (tag $t) (func $start throw $t) (start $start))";

    let trap = instance_within(text, Limits::default()).unwrap_err();

    assert!(matches!(trap, Trap::UncaughtThrow { function } if &*function == "start"));
}

#[test]
fn an_exception_that_a_call_did_not_live_to_see_caught_is_forgotten() {
    let mut overtaken = 0;
    for fuel in 1..1_000 {
        let limits = Limits { fuel, ..Limits::default() };
        let mut instance = instance_within(EXCEPTIONS, limits).unwrap();
        overtaken += u32::from(call(&mut instance, "late", &[]).is_err());
        let result = call(&mut instance, "maybe", &[Val::I32(0)]);
        assert!(
            matches!(result.as_deref(), Ok([Val::I32(7)]) | Err(Trap::OutOfFuel { .. })),
            "after {fuel} of fuel: {result:?}"
        );
    }
    assert!((100..900).contains(&overtaken), "{overtaken} calls did not end in time");
}

#[test]
fn what_lowering_adds_is_neither_shown_nor_called_nor_to_be_had() {
    let guest = module(EXCEPTIONS);
    assert!(guest.exports().iter().all(|export| !export.name.contains("oxbeam")));

    let mut instance = instance(EXCEPTIONS);
    for name in [THROWN, "\0oxbeam.function.2", "\0oxbeam.start"] {
        let trap = call(&mut instance, name, &[]).unwrap_err();
        assert!(matches!(trap, Trap::FunctionNotFound { .. }), "{trap:?}");
    }
    for taken in [THROWN, "\\00oxbeam.global.0"] {
        let text = format!(r#"(module (func (export "{taken}")))"#);
        assert!(Module::compile(&wat::parse_str(text).unwrap()).is_err(), "{taken:?}");
    }
}

#[test]
fn a_state_after_an_exception_goes_on_elsewhere() {
    let mut first = instance(EXCEPTIONS);
    assert!(call(&mut first, "throw", &[]).is_err());
    let snapshot = first.snapshot().unwrap();

    let mut second = Instance::restore(&module(EXCEPTIONS), &snapshot, Limits::default()).unwrap();

    assert_eq!(call(&mut second, "maybe", &[Val::I32(0)]).unwrap(), [Val::I32(7)]);
    assert_eq!(call(&mut second, "maybe", &[Val::I32(1)]).unwrap(), [Val::I32(42)]);
}
