//! Calls, host calls and memory.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_sandbox::{Fault, Guest, Host, HostError, Import, Instance, Limits, Trap, Val, Zeros};

use crate::support::{Adder, block_on, call, instance, instance_within, module};

const FACTORIAL: &str = r#"(module
    (func $fac (export "fac") (param f64) (result f64)
        (if (result f64) (f64.lt (local.get 0) (f64.const 1))
            (then (f64.const 1))
            (else (f64.mul (local.get 0) (call $fac (f64.sub (local.get 0) (f64.const 1))))))))"#;

#[test]
fn a_function_answers_with_its_results() {
    let mut instance = instance(FACTORIAL);

    assert_eq!(call(&mut instance, "fac", &[Val::F64(5.0)]).unwrap(), [Val::F64(120.0)]);
}

#[test]
fn a_function_that_is_not_exported_is_named() {
    let trap = call(&mut instance(FACTORIAL), "fib", &[]).unwrap_err();

    assert_eq!(trap.to_string(), "function not found: fib");
}

#[test]
fn arguments_that_do_not_fit_are_refused_with_the_signature() {
    let trap = call(&mut instance(FACTORIAL), "fac", &[Val::I32(5)]).unwrap_err();

    assert_eq!(trap.to_string(), "wrong arguments for fac: it takes (f64) -> (f64)");
}

#[test]
fn a_future_of_a_call_can_move_between_threads() {
    fn moves<T: Send>(value: T) -> T {
        value
    }
    let mut instance = instance(FACTORIAL);
    let mut host = Zeros;

    assert!(block_on(moves(instance.call("fac", &[Val::F64(1.0)], &mut host))).is_ok());
}

#[test]
fn the_host_answers_in_the_middle_of_nested_calls() {
    let mut instance = instance(
        r#"(module (import "env" "ask" (func $ask (param i32) (result i32)))
            (func $sum (export "sum") (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0))
                    (then (i32.const 0))
                    (else (i32.add (call $ask (local.get 0))
                        (call $sum (i32.sub (local.get 0) (i32.const 1))))))))"#,
    );
    let mut host = Adder::default();

    let results = block_on(instance.call("sum", &[Val::I32(3)], &mut host)).unwrap();

    assert_eq!(results, [Val::I32(3 + 2 + 1 + 1 + 2 + 3)]);
    assert_eq!(host.calls.len(), 3);
}

#[test]
fn results_that_the_host_leaves_out_are_zeros() {
    let mut instance = instance(
        r#"(module (import "env" "two" (func $two (result i64 f32)))
            (func (export "two") (result i64 f32) (call $two)))"#,
    );

    assert_eq!(call(&mut instance, "two", &[]).unwrap(), [Val::I64(0), Val::F32(0.0)]);
}

#[test]
fn an_import_can_be_exported_again() {
    let mut instance = instance(
        r#"(module (import "env" "ask" (func $ask (param i32) (result i32)))
            (export "ask" (func $ask)))"#,
    );

    let results = block_on(instance.call("ask", &[Val::I32(7)], &mut Adder::default()));

    assert_eq!(results.unwrap(), [Val::I32(8)]);
}

/// Fails every call, or hands the guest's own trap on.
struct Failing;

#[derive(Debug, thiserror::Error)]
#[error("no such file: {0}")]
struct NoFile(u32);

impl Host for Failing {
    fn call<'a>(
        &'a mut self,
        import: &'a Import,
        _: &'a [Val],
        guest: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async move {
            match &*import.name {
                "own" => Err(NoFile(7).into()),
                "wrong" => Ok(vec![Val::F64(1.0)]),
                "outside" => {
                    guest.write(65_530, b"too long")?;
                    Ok(Vec::new())
                }
                _ => Ok(guest.call("fail", &[], self).await?),
            }
        }
        .boxed()
    }
}

const FAILING: &str = r#"(module
    (import "env" "own" (func $own))
    (import "env" "outside" (func $outside))
    (import "env" "nested" (func $nested))
    (import "env" "wrong" (func $wrong (result i32)))
    (memory (export "memory") 1)
    (func (export "fail") unreachable)
    (func (export "own") (call $own))
    (func (export "outside") (call $outside))
    (func (export "nested") (call $nested))
    (func (export "wrong") (result i32) (call $wrong)))"#;

#[test]
fn what_the_host_failed_with_comes_out_as_it_is() {
    let trap = block_on(instance(FAILING).call("own", &[], &mut Failing)).unwrap_err();

    assert_eq!(trap.to_string(), "host call env.own failed: no such file: 7");
    let Trap::Host { source, .. } = trap else { panic!("{trap:?}") };
    assert_eq!(source.downcast_ref::<NoFile>().map(|it| it.0), Some(7));
}

#[test]
fn a_host_that_writes_outside_of_memory_fails_by_name() {
    let trap = block_on(instance(FAILING).call("outside", &[], &mut Failing)).unwrap_err();

    assert_eq!(trap.to_string(), "host call env.outside failed: out of bounds memory access");
}

#[test]
fn a_trap_of_a_call_back_into_the_guest_stays_that_trap() {
    let trap = block_on(instance(FAILING).call("nested", &[], &mut Failing)).unwrap_err();

    assert!(matches!(trap, Trap::Fault { fault: Fault::Unreachable, .. }), "{trap:?}");
}

#[test]
fn a_result_of_the_wrong_type_is_the_hosts_fault() {
    let trap = block_on(instance(FAILING).call("wrong", &[], &mut Failing)).unwrap_err();

    assert_eq!(trap.to_string(), "host call env.wrong answered with values of the wrong type");
}

#[test]
fn a_start_function_runs_before_the_first_call() {
    let mut instance = instance(
        r#"(module (global $g (mut i32) (i32.const 1)) (start $go)
            (func $go (global.set $g (i32.const 42)))
            (func (export "get") (result i32) (global.get $g)))"#,
    );

    assert_eq!(call(&mut instance, "get", &[]).unwrap(), [Val::I32(42)]);
}

#[test]
fn memory_that_a_module_keeps_to_itself_is_still_its_memory() {
    let instance = instance(r#"(module (memory i64 1) (data (i64.const 8) "abc"))"#);

    assert!(instance.module().is_64());
    assert_eq!(instance.read(8, 3).unwrap(), b"abc");
    assert_eq!(instance.read(65_536, 0).unwrap(), b"");
    for (address, length) in [(65_536, 1), (65_537, 0), (u64::MAX, 2), (0, u64::MAX)] {
        assert_eq!(instance.read(address, length), Err(Fault::MemoryOutOfBounds));
    }
}

#[test]
fn the_exports_are_the_modules_own() {
    let module = module(
        r#"(module (memory 1) (table 1 funcref) (global (mut i32) (i32.const 0))
            (global (export "pi") f64 (f64.const 3.14)) (func $s) (start $s)
            (func (export "run") (table.set (i32.const 0) (ref.null func))))"#,
    );

    let names: Vec<_> = module.exports().iter().map(|export| &*export.name).collect();

    assert_eq!(names, ["pi", "run"]);
}

#[test]
fn a_call_that_was_dropped_midway_is_not_gone_on_from() {
    let mut instance = instance_within(
        r#"(module (func (export "spin") (loop $l (br $l))))"#,
        Limits { slice: 1_000, ..Limits::default() },
    )
    .unwrap();

    block_on(async {
        let mut host = Zeros;
        let call = instance.call("spin", &[], &mut host);
        assert!(call.now_or_never().is_none(), "it yields after its first slice");
    });

    assert!(matches!(call(&mut instance, "spin", &[]), Err(Trap::Abandoned)));
    assert!(instance.snapshot().is_err());
}

#[test]
fn a_trap_leaves_memory_as_it_is_and_the_stack_pointer_as_it_was() {
    let mut instance = instance(
        r#"(module (memory (export "memory") 1)
            (global $sp (export "__stack_pointer") (mut i32) (i32.const 1024))
            (func (export "fail")
                (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
                (i32.store (i32.const 0) (i32.const 7))
                unreachable)
            (func (export "sp") (result i32) (global.get $sp)))"#,
    );

    assert!(call(&mut instance, "fail", &[]).is_err());

    assert_eq!(call(&mut instance, "sp", &[]).unwrap(), [Val::I32(1_024)]);
    assert_eq!(instance.memory()[0], 7);
}

#[test]
fn every_fault_has_its_name() {
    let faults = [
        ("unreachable", "unreachable"),
        ("(drop (i32.load (i32.const 65536)))", "out of bounds memory access"),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero"),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", "integer overflow"),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", "invalid conversion to integer"),
        ("(call_indirect (i32.const 0))", "uninitialized element"),
        ("(call_indirect (i32.const 9))", "undefined element"),
        ("(call_indirect (result i32) (i32.const 1)) drop", "indirect call type mismatch"),
        ("(call $deep)", "stack overflow"),
    ];
    for (code, name) in faults {
        let text = format!(
            r#"(module (memory 1) (table 2 funcref) (elem (i32.const 1) $deep)
                (func $deep (call $deep)) (func (export "run") {code}))"#
        );
        let trap = call(&mut instance(&text), "run", &[]).unwrap_err();
        assert_eq!(trap.to_string(), name);
    }
}

/// Uses the guest's own `malloc` to hand it a text.
struct Giver;

impl Host for Giver {
    fn call<'a>(
        &'a mut self,
        _: &'a Import,
        _: &'a [Val],
        guest: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async move {
            let pointer = guest.call("malloc", &[Val::I32(5)], self).await?;
            let address = pointer.first().and_then(Val::address).unwrap_or(u64::MAX);
            guest.write(address, b"hello")?;
            Ok(pointer)
        }
        .boxed()
    }
}

#[test]
fn a_host_call_can_call_the_guest() {
    let text = r#"(module (import "env" "text" (func $text (result i32)))
        (memory (export "memory") 1) (global $top (mut i32) (i32.const 100))
        (func (export "malloc") (param i32) (result i32)
            (global.get $top)
            (global.set $top (i32.add (global.get $top) (local.get 0))))
        (func (export "last") (result i32)
            (i32.load8_u (i32.add (call $text) (i32.const 4)))))"#;
    let mut instance =
        block_on(Instance::new(&module(text), Limits::default(), &mut Zeros)).unwrap();

    let results = block_on(instance.call("last", &[], &mut Giver)).unwrap();

    assert_eq!(results, [Val::I32(i32::from(b'o'))]);
}

#[test]
fn a_renewed_instance_keeps_its_memory_and_nothing_else() {
    let mut instance = instance(
        r#"(module (memory 1) (table $t 1 funcref) (elem declare func $next)
          (global $count (mut i32) (i32.const 0))
          (func $next (export "next") (result i32)
            (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (i32.add (i32.mul (i32.load (i32.const 0)) (i32.const 100)) (global.get $count)))
          (func (export "fill") (result i32) (local $empty i32)
            (local.set $empty (ref.is_null (table.get $t (i32.const 0))))
            (table.set $t (i32.const 0) (ref.func $next)) (local.get $empty)))"#,
    );
    assert_eq!(call(&mut instance, "next", &[]).unwrap(), [Val::I32(101)]);
    assert_eq!(call(&mut instance, "next", &[]).unwrap(), [Val::I32(202)]);
    instance.renew().unwrap();
    assert_eq!(call(&mut instance, "next", &[]).unwrap(), [Val::I32(301)]);
    for _ in 0..2 {
        assert_eq!(call(&mut instance, "fill", &[]).unwrap(), [Val::I32(1)]);
        instance.renew().unwrap();
    }
    assert_eq!(call(&mut instance, "next", &[]).unwrap(), [Val::I32(401)]);
}
