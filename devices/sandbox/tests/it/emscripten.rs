//! What emscripten's JavaScript would do for a module that was made to run under it.

use oxbeam_sandbox::{Fault, Limits, Trap, Val};

use crate::support::{call, instance, instance_within};

/// A module with addresses of this type. Its constructors put 7 at address 8.
fn glued(address: &str) -> String {
    format!(
        r#"(module
            (import "env" "_emscripten_memcpy_js"
                (func $copy (param {address} {address} {address})))
            (import "env" "emscripten_resize_heap" (func $resize (param {address}) (result i32)))
            (memory (export "memory") {address} 1 16)
            (data ({address}.const 100) "abcdef")
            (func (export "__wasm_call_ctors")
                (i32.store ({address}.const 8) (i32.add (i32.load ({address}.const 8)) (i32.const 7))))
            (func (export "copy") (param {address} {address} {address})
                (call $copy (local.get 0) (local.get 1) (local.get 2)))
            (func (export "resize") (param {address}) (result i32) (call $resize (local.get 0)))
            (func (export "pages") (result {address}) memory.size))"#
    )
}

/// A number of either type, as its text names it.
fn number(address: &str, number: u64) -> Val {
    match address {
        "i32" => Val::I32((number as u32).cast_signed()),
        _ => Val::I64(number.cast_signed()),
    }
}

const WIDTHS: [&str; 2] = ["i32", "i64"];

#[test]
fn constructors_run_once_and_before_all_else() {
    for width in WIDTHS {
        let instance = instance(&glued(width));

        assert_eq!(instance.memory()[8], 7);
    }
}

#[test]
fn constructors_of_a_module_that_needs_no_javascript_do_not_run() {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "__wasm_call_ctors") (i32.store (i32.const 8) (i32.const 7))))"#;

    assert_eq!(instance(text).memory()[8], 0);
}

#[test]
fn memory_is_copied_though_the_places_overlap() {
    for width in WIDTHS {
        let mut instance = instance(&glued(width));

        call(&mut instance, "copy", &[102, 100, 6].map(|it| number(width, it))).unwrap();

        assert_eq!(&instance.memory()[100..108], b"ababcdef");
    }
}

#[test]
fn a_copy_outside_of_memory_is_a_fault_and_changes_nothing() {
    for width in WIDTHS {
        let mut instance = instance(&glued(width));
        let before = instance.memory().to_vec();
        let ends = [(65_531, 100, 6), (100, 65_531, 6), (0, u64::MAX, 2), (0, 0, u64::MAX)];
        for (to, from, length) in ends {
            let arguments = [to, from, length].map(|it| number(width, it));

            let trap = call(&mut instance, "copy", &arguments).unwrap_err();

            let fault = matches!(trap, Trap::Fault { fault: Fault::MemoryOutOfBounds, .. });
            assert!(fault, "{to} {from} {length}: {trap}");
        }
        call(&mut instance, "copy", &[65_530, 100, 6].map(|it| number(width, it))).unwrap();
        assert_eq!(instance.memory()[..65_530], before[..65_530]);
        assert_eq!(&instance.memory()[65_530..], b"abcdef", "the last bytes belong to it");
    }
}

#[test]
fn the_heap_grows_as_far_as_the_module_and_its_limit_allow() {
    for width in WIDTHS {
        let limits = Limits { memory_bytes: 4 << 16, ..Limits::default() };
        let mut instance = instance_within(&glued(width), limits).unwrap();
        let mut resize = |bytes| call(&mut instance, "resize", &[number(width, bytes)]).unwrap();

        assert_eq!(resize(1), [Val::I32(1)], "it is as large already");
        assert_eq!(resize((2 << 16) + 1), [Val::I32(1)]);
        assert_eq!(resize((4 << 16) + 1), [Val::I32(0)]);
        assert_eq!(resize(u64::MAX), [Val::I32(0)]);
        assert_eq!(call(&mut instance, "pages", &[]).unwrap(), [number(width, 3)]);
    }
}

#[test]
fn what_is_copied_is_paid_for_the_same_whatever_the_slice() {
    let used = |slice| {
        let limits = Limits { slice, ..Limits::default() };
        let mut instance = instance_within(&glued("i64"), limits).unwrap();
        let arguments = [0, 32_768, 32_768].map(|it| number("i64", it));
        call(&mut instance, "copy", &arguments).unwrap();
        instance.fuel_used()
    };

    assert!(used(1) >= 32_768 / 64);
    assert_eq!(used(1), used(Limits::default().slice));
}
