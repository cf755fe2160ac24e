//! Modules that mean harm. Each ends in a named result, soon, and takes no more than it may.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_sandbox::{
    Guest, Host, HostError, Import, Instance, Limits, Module, ModuleError, Trap, Val, Zeros, bounds,
};

use crate::support::{block_on, call, instance, instance_within, module};

/// A budget that a test waits for.
fn tight() -> Limits {
    Limits { fuel: 20_000_000, memory_bytes: 16 << 20, ..Limits::default() }
}

/// Runs the export `run` of a module within tight limits.
fn run(text: &str) -> Result<Vec<Val>, Trap> {
    call(&mut instance_within(text, tight())?, "run", &[])
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    let trap = run(r#"(module (func (export "run") (loop $l (br $l))))"#).unwrap_err();

    assert_eq!(trap.to_string(), "out of fuel: the limit is 20000000");
}

#[test]
fn an_endless_loop_of_host_calls_runs_out_of_fuel() {
    let text = r#"(module (import "env" "f" (func $f))
        (func (export "run") (loop $l (call $f) (br $l))))"#;

    assert!(matches!(run(text), Err(Trap::OutOfFuel { .. })));
}

#[test]
fn an_endless_loop_of_tries_runs_out_of_fuel() {
    let text = r#"(module (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
        (import "rt" "throw" (func $throw))
        (table (export "t") 1 funcref) (elem (i32.const 0) $body)
        (func $body (param i32 i32) (call $throw))
        (func (export "run")
            (loop $l (br_if $l (call $try (i32.const 0) (i32.const 0) (i32.const 0))))))"#;

    assert!(matches!(run(text), Err(Trap::OutOfFuel { .. })));
}

#[test]
fn tables_have_so_many_elements_together() {
    let tables = |each: u32| format!("(module (table {each} funcref) (table {each} funcref))");
    assert!(instance_within(&tables(50_000), tight()).is_ok());
    let trap = instance_within(&tables(50_001), tight()).err();
    assert!(matches!(trap, Some(Trap::TableTooLarge { limit: 100_000 })), "{trap:?}");
}

#[test]
fn a_start_function_that_loops_runs_out_of_fuel() {
    let text = "(module (start $s) (func $s (loop $l (br $l))))";

    assert!(matches!(instance_within(text, tight()), Err(Trap::OutOfFuel { .. })));
}

#[test]
fn growth_beyond_the_limit_answers_minus_one_and_the_abort_that_follows_says_why() {
    let text = r#"(module (memory 1) (func (export "run")
        (loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        unreachable))"#;
    let mut instance = instance_within(text, tight()).unwrap();

    let trap = call(&mut instance, "run", &[]).unwrap_err();

    assert_eq!(trap.to_string(), "out of memory: the limit is 16777216 bytes");
    assert_eq!(instance.memory().len(), (16 << 20) - (15 << 16), "the last growth that fits");
}

#[test]
fn a_memory_that_does_not_fit_at_all_is_named() {
    for text in ["(module (memory 257))", "(module (memory i64 0x100000000))"] {
        let trap = instance_within(text, tight()).unwrap_err();
        assert_eq!(trap.to_string(), "out of memory: the limit is 16777216 bytes");
    }
}

#[test]
fn a_growth_by_everything_there_is_answers_minus_one() {
    for (index, all) in [("i32", "-1"), ("i64", "-1"), ("i64", "0x1000000000000")] {
        let text = format!(
            r#"(module (memory {index} 1) (func (export "run") (result {index})
                (memory.grow ({index}.const {all}))))"#
        );
        let result = run(&text).unwrap();
        assert!(matches!(*result, [Val::I32(-1) | Val::I64(-1)]), "{result:?}");
    }
}

#[test]
fn filling_all_of_memory_again_and_again_runs_out_of_fuel() {
    let text = r#"(module (memory 256) (func (export "run")
        (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $l))))"#;

    assert!(matches!(run(text), Err(Trap::OutOfFuel { .. })));
}

#[test]
fn deep_recursion_is_a_stack_overflow_whatever_a_frame_holds() {
    let wide = "(local i64) ".repeat(500);
    for locals in ["", &wide] {
        let text = format!(
            r#"(module (func $f (export "run") (param) {locals} (call $f) (drop (i32.const 1))))"#
        );
        assert!(matches!(run(&text), Err(Trap::StackOverflow { .. })));
    }
}

#[test]
fn ten_thousand_traps_in_a_row_leave_the_instance_as_good_as_new() {
    let mut instance = instance(
        r#"(module (memory 1) (global $sp (export "__stack_pointer") (mut i32) (i32.const 65536))
            (func $deep (param i32) (if (i32.eqz (local.get 0)) (then unreachable))
                (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
                (call $deep (i32.sub (local.get 0) (i32.const 1))))
            (func (export "fail") (call $deep (i32.const 50)))
            (func (export "sp") (result i32) (global.get $sp)))"#,
    );

    for _ in 0..10_000 {
        assert!(matches!(call(&mut instance, "fail", &[]), Err(Trap::Fault { .. })));
    }

    assert_eq!(call(&mut instance, "sp", &[]).unwrap(), [Val::I32(65_536)]);
}

#[test]
fn a_module_of_a_hundred_megabytes_is_refused_by_its_size() {
    let error = Module::compile(&vec![0; 100_000_000]).unwrap_err();

    assert_eq!(error.to_string(), "module has too many bytes: 100000000, the limit is 16777216");
}

#[test]
fn ten_thousand_imports_are_refused() {
    let text = format!("(module {})", r#"(import "env" "f" (func))"#.repeat(10_000));

    let error = Module::compile(&wat::parse_str(text).unwrap()).unwrap_err();

    assert_eq!(error.to_string(), "module has too many imports: 10000, the limit is 1000");
}

#[test]
fn every_count_has_its_bound() {
    let refused = [
        ("(type (func))".repeat(10_001), "types"),
        ("(func)".repeat(50_001), "functions"),
        ("(global i32 (i32.const 0))".repeat(10_001), "globals"),
        ("(table 0 funcref)".repeat(65), "tables"),
        ("(memory 1)(memory 1)".to_owned(), "memories"),
        ("(memory 1)".to_owned() + &"(data \"\")".repeat(50_001), "data segments"),
        ("(table 1 funcref)".to_owned() + &"(elem func)".repeat(10_001), "element segments"),
        (format!("(func (local {}))", "i32 ".repeat(20_001)), "local variables in a function"),
        (format!("(func (local {}))", "i32 ".repeat(20_000)).repeat(101), "local variables"),
        (format!("(func (param {}))", "i32 ".repeat(257)), "parameters"),
        (format!("(func {})", "nop ".repeat(3 << 20)), "bytes in a function"),
    ];
    for (fields, expected) in refused {
        let error = Module::compile(&wat::parse_str(format!("(module {fields})")).unwrap());
        assert!(
            matches!(error, Err(ModuleError::TooMany { what, .. }) if what == expected),
            "{expected}: {error:?}"
        );
    }
}

#[test]
fn a_count_that_is_a_lie_costs_nothing() {
    // A type section that claims four billion types.
    let wasm = b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f";

    assert!(Module::compile(wasm).is_err());
}

#[test]
fn a_table_beyond_the_limit_is_named() {
    let trap = instance_within("(module (table 1000000 funcref))", tight()).unwrap_err();

    assert_eq!(trap.to_string(), "table too large: the limit is 100000 elements");
}

#[test]
fn a_huge_branch_table_compiles_and_runs() {
    let text = format!(
        r#"(module (func (export "run") (result i32)
            (block $b (br_table {} (i32.const 99999))) (i32.const 5)))"#,
        "$b ".repeat(100_000)
    );

    assert_eq!(run(&text).unwrap(), [Val::I32(5)]);
}

#[test]
fn many_data_segments_are_no_harm() {
    let text = format!(
        r#"(module (memory 1) {} (func (export "run") (result i32) (i32.load8_u (i32.const 9))))"#,
        r#"(data (i32.const 9) "x")"#.repeat(50_000)
    );

    assert_eq!(run(&text).unwrap(), [Val::I32(i32::from(b'x'))]);
}

#[test]
fn segments_that_do_not_fit_are_faults_of_the_start() {
    let segments = [
        (r#"(memory 1) (data (i32.const 65536) "x")"#, "out of bounds memory access"),
        ("(table 1 funcref) (elem (i32.const 1) 0) (func)", "undefined element"),
    ];
    for (fields, name) in segments {
        let trap = instance_within(&format!("(module {fields})"), tight()).unwrap_err();
        assert_eq!(trap.to_string(), name);
    }
}

#[test]
fn what_is_not_deterministic_or_not_supported_is_refused() {
    let refused = [
        "(module (memory 1 1 shared))",
        "(module (func (drop (v128.const i32x4 0 0 0 0))))",
        "(module (import \"env\" \"memory\" (memory 1)))",
        "(module (import \"env\" \"g\" (global i32)))",
        "(module (import \"env\" \"f\" (func (param externref))))",
        "(module (table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1)))))",
        "(module (memory 1) (data $d \"x\") (func (data.drop $d)))",
        "(module (import \"env\" \"f\" (func $f)) (func (return_call $f)))",
        "(module (type (struct)))",
        "(module (export \"\\00oxbeam.start\" (func 0)) (func))",
    ];
    for text in refused {
        let result = Module::compile(&wat::parse_str(text).unwrap());
        assert!(result.is_err(), "{text}");
    }
}

#[test]
fn every_beginning_of_a_module_is_refused_or_a_module() {
    let wasm = wat::parse_str(
        r#"(module (import "env" "f" (func $f (param i32))) (memory 1) (table 1 funcref)
            (global $g (export "g") (mut i64) (i64.const 1)) (elem (i32.const 0) $h)
            (data (i32.const 0) "abc") (start $s) (func $s)
            (func $h (export "h") (param i32) (local f64) (call $f (local.get 0))))"#,
    )
    .unwrap();

    for length in 0..wasm.len() {
        // What is cut off between two sections may be a whole module; it must not panic then.
        let _ = Module::compile(&wasm[..length]);
    }
    assert!(Module::compile(&wasm).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        flips in proptest::collection::vec((0_usize..400, proptest::prelude::any::<u8>()), 1..8),
    ) {
        let mut wasm = wat::parse_str(crate::support::STATEFUL).unwrap();
        for (at, value) in flips {
            let at = at % wasm.len();
            wasm[at] = value;
        }
        if let Ok(module) = Module::compile(&wasm) {
            let _ = block_on(Instance::new(&module, tight(), &mut Zeros));
        }
    }
}

/// Reads and writes wherever the guest says.
struct Obedient;

impl Host for Obedient {
    fn call<'a>(
        &'a mut self,
        _: &'a Import,
        arguments: &'a [Val],
        guest: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async move {
            let address = |index: usize| arguments.get(index).and_then(Val::address).unwrap_or(0);
            let bytes = guest.read(address(0), address(1))?.to_vec();
            guest.write(address(1), &bytes)?;
            Ok(Vec::new())
        }
        .boxed()
    }
}

#[test]
fn pointers_outside_of_memory_fail_in_the_host_by_name() {
    let module = module(
        r#"(module (import "env" "copy" (func $copy (param i64 i64))) (memory i64 1)
            (func (export "copy") (param i64 i64) (call $copy (local.get 0) (local.get 1))))"#,
    );
    for (address, length) in [(0, -1), (-1, 1), (-1, -1), (65_535, 2), (i64::MAX, i64::MAX)] {
        let mut instance = block_on(Instance::new(&module, tight(), &mut Zeros)).unwrap();
        let arguments = [Val::I64(address), Val::I64(length)];
        let trap = block_on(instance.call("copy", &arguments, &mut Obedient)).unwrap_err();
        assert_eq!(trap.to_string(), "host call env.copy failed: out of bounds memory access");
    }
}

/// Calls the guest, which calls it.
struct Mirror;

impl Host for Mirror {
    fn call<'a>(
        &'a mut self,
        _: &'a Import,
        _: &'a [Val],
        guest: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async move { Ok(guest.call("run", &[], self).await?) }.boxed()
    }
}

#[test]
fn a_host_and_a_guest_that_call_each_other_end() {
    let module = module(r#"(module (import "env" "f" (func $f)) (func (export "run") (call $f)))"#);
    let mut instance = block_on(Instance::new(&module, tight(), &mut Zeros)).unwrap();

    let trap = block_on(instance.call("run", &[], &mut Mirror)).unwrap_err();

    assert_eq!(trap.to_string(), "host calls nested deeper than 8");
}

#[test]
fn the_bounds_let_the_largest_module_of_its_kind_compile_in_time() {
    let text = format!("(module {})", "(func (local i32))".repeat(bounds::FUNCTIONS as usize));

    assert!(Module::compile(&wat::parse_str(text).unwrap()).is_ok());
}
