//! Modules from text, and a host that does as its tests say.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_sandbox::{Guest, Host, HostError, Import, Instance, Limits, Module, Trap, Val, Zeros};

/// A module from WebAssembly text.
pub(crate) fn module(text: &str) -> Module {
    Module::compile(&wat::parse_str(text).unwrap()).unwrap()
}

/// Runs a future on a runtime of one thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// An instance with default limits and a host that answers zeros.
pub(crate) fn instance(text: &str) -> Instance {
    instance_within(text, Limits::default()).unwrap()
}

/// An instance with a host that answers zeros.
pub(crate) fn instance_within(text: &str, limits: Limits) -> Result<Instance, Trap> {
    block_on(Instance::new(&module(text), limits, &mut Zeros))
}

/// Calls an export whose imports answer zeros.
pub(crate) fn call(
    instance: &mut Instance,
    function: &str,
    arguments: &[Val],
) -> Result<Vec<Val>, Trap> {
    block_on(instance.call(function, arguments, &mut Zeros))
}

/// Counts its calls, and answers each with the sum of its arguments and their number so far, after
/// giving the thread away.
#[derive(Debug, Default)]
pub(crate) struct Adder {
    pub(crate) calls: Vec<(String, Vec<Val>)>,
}

impl Host for Adder {
    fn call<'a>(
        &'a mut self,
        import: &'a Import,
        arguments: &'a [Val],
        _: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async move {
            tokio::task::yield_now().await;
            self.calls.push((import.name.to_string(), arguments.to_vec()));
            let sum = arguments.iter().filter_map(Val::address).sum::<u64>();
            Ok(vec![Val::I32(sum as i32 + self.calls.len() as i32)])
        }
        .boxed()
    }
}

/// A module with every kind of state: memory, integers and floats in hidden globals, function
/// references in a global and a table. Each export takes one `i32` and may trap.
pub(crate) const STATEFUL: &str = r#"(module
    (import "env" "ask" (func $ask (param i32) (result i32)))
    (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
    (import "rt" "throw" (func $throw))
    (memory 1)
    (table $t (export "__indirect_function_table") 8 funcref)
    (elem (i32.const 0) $one $two $body)
    (global $count (mut i64) (i64.const 0))
    (global $float (mut f64) (f64.const 1.5))
    (global $single (mut f32) (f32.const 2.5))
    (global $pointer (mut funcref) (ref.null func))
    (global $sp (export "__stack_pointer") (mut i32) (i32.const 65000))
    (data $seed "seeds")
    (type $number (func (result i32)))
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func $body (param i32 i32)
        (global.set $sp (i32.sub (global.get $sp) (i32.const 32)))
        (i32.store (i32.const 16) (local.get 0))
        (if (i32.and (local.get 0) (i32.const 1)) (then (drop (call $ask (local.get 0))) (call $throw)))
        (global.set $sp (i32.add (global.get $sp) (i32.const 32))))
    (func (export "count") (param i32) (result i64)
        (global.set $count (i64.add (global.get $count) (i64.extend_i32_s (local.get 0))))
        (global.get $count))
    (func (export "store") (param i32)
        (i32.store (i32.mul (local.get 0) (i32.const 300)) (i32.wrap_i64 (global.get $count))))
    (func (export "point") (param i32) (result i32)
        (if (i32.wrap_i64 (global.get $count)) (then
            (table.set $t (i32.rem_u (local.get 0) (i32.const 8)) (global.get $pointer))))
        (global.set $pointer (table.get $t (i32.and (local.get 0) (i32.const 1))))
        (table.copy $t $t (i32.const 4) (i32.const 0) (i32.const 2))
        (call_indirect (type $number) (i32.rem_u (local.get 0) (i32.const 8))))
    (func (export "float") (param i32) (result f64)
        (global.set $float (f64.div (global.get $float) (f64.convert_i32_s (local.get 0))))
        (global.set $single (f32.sqrt (f32.demote_f64 (global.get $float))))
        (f64.add (global.get $float) (f64.promote_f32 (global.get $single))))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "ask") (param i32) (result i32)
        (i32.add (call $ask (local.get 0)) (call $ask (memory.size))))
    (func (export "try") (param i32) (result i32)
        (i32.add (call $try (i32.const 2) (local.get 0) (i32.const 0))
            (call $try (i32.const 2) (i32.shr_s (local.get 0) (i32.const 1)) (i32.const 0))))
    (func (export "spin") (param i32) (result i32) (local i32)
        (loop $l
            (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if $l (i32.lt_s (local.get 1) (i32.const 200000))))
        (local.get 1))
    (func (export "divide") (param i32) (result i32)
        (i32.div_s (i32.load (i32.const 16)) (i32.rem_s (local.get 0) (i32.const 5))))
    (func (export "fill") (param i32)
        (memory.init $seed (local.get 0) (i32.const 0) (i32.const 5))
        (memory.fill (i32.const 1000) (local.get 0) (i32.mul (local.get 0) (i32.const 200)))
        (memory.copy (i32.const 30000) (i32.const 900) (i32.mul (local.get 0) (i32.const 100))))
    (func (export "read") (param i32) (result i32)
        (i32.load8_u (i32.mul (local.get 0) (i32.const 317)))))"#;
