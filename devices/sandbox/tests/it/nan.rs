//! The bits of a NaN are the same everywhere. The interpreter sees to it, in its `deterministic` form.

use oxbeam_sandbox::{Instance, Val};

use crate::support::{call, instance};

const F32: u32 = 0x7fc0_0000;
const F64: u64 = 0x7ff8_0000_0000_0000;

/// Some NaNs that hardware would pass on.
const ODD32: [u32; 4] = [0xffc0_0000, 0x7fa0_0001, 0xff80_0001, 0x7fff_ffff];
const ODD64: [u64; 4] =
    [0xfff8_0000_0000_0000, 0x7ff4_0000_0000_0001, 0xfff0_0000_0000_0001, 0x7fff_ffff_ffff_ffff];

/// The operations that take floats and give one whose NaN WebAssembly leaves open, with the number of
/// their operands.
const OPERATIONS: [(&str, usize); 11] = [
    ("add", 2),
    ("sub", 2),
    ("mul", 2),
    ("div", 2),
    ("min", 2),
    ("max", 2),
    ("sqrt", 1),
    ("ceil", 1),
    ("floor", 1),
    ("trunc", 1),
    ("nearest", 1),
];

/// The bits of the f32 that `f` answers with.
fn bits32(instance: &mut Instance, argument: Val) -> u32 {
    match *call(instance, "f", &[argument]).unwrap() {
        [Val::I32(bits)] => bits.cast_unsigned(),
        ref other => panic!("{other:?}"),
    }
}

/// The bits of the f64 that `f` answers with.
fn bits64(instance: &mut Instance, argument: Val) -> u64 {
    match *call(instance, "f", &[argument]).unwrap() {
        [Val::I64(bits)] => bits.cast_unsigned(),
        ref other => panic!("{other:?}"),
    }
}

/// The export `f`, which makes `to` of the bits of a float.
fn function(from: &str, to: &str, code: &str) -> Instance {
    instance(&format!(r#"(module (func (export "f") (param {from}) (result {to}) {code}))"#))
}

fn i32_of(bits: u32) -> Val {
    Val::I32(bits.cast_signed())
}

fn i64_of(bits: u64) -> Val {
    Val::I64(bits.cast_signed())
}

#[test]
fn every_operation_on_f32_gives_the_canonical_nan() {
    for (name, operands) in OPERATIONS {
        let push = "local.get 0 f32.reinterpret_i32 ".repeat(operands);
        let mut f = function("i32", "i32", &format!("{push} f32.{name} i32.reinterpret_f32"));
        for nan in ODD32 {
            assert_eq!(bits32(&mut f, i32_of(nan)), F32, "{name} of {nan:x}");
        }
        let one = bits32(&mut f, i32_of(1.0_f32.to_bits()));
        assert!(!f32::from_bits(one).is_nan(), "{name} of 1");
    }
}

#[test]
fn every_operation_on_f64_gives_the_canonical_nan() {
    for (name, operands) in OPERATIONS {
        let push = "local.get 0 f64.reinterpret_i64 ".repeat(operands);
        let mut f = function("i64", "i64", &format!("{push} f64.{name} i64.reinterpret_f64"));
        for nan in ODD64 {
            assert_eq!(bits64(&mut f, i64_of(nan)), F64, "{name} of {nan:x}");
        }
        let one = bits64(&mut f, i64_of(1.0_f64.to_bits()));
        assert!(!f64::from_bits(one).is_nan(), "{name} of 1");
    }
}

#[test]
fn an_operation_on_constants_gives_the_canonical_nan_as_well() {
    for nan in ODD64 {
        for (name, operands) in OPERATIONS {
            let push = format!("i64.const {nan} f64.reinterpret_i64 ").repeat(operands);
            let mut f = function("i64", "i64", &format!("{push} f64.{name} i64.reinterpret_f64"));
            assert_eq!(bits64(&mut f, i64_of(0)), F64, "{name} of {nan:x}");
        }
    }
}

#[test]
fn conversions_between_widths_give_the_canonical_nan() {
    let mut promote = function(
        "i32",
        "i64",
        "local.get 0 f32.reinterpret_i32 f64.promote_f32 i64.reinterpret_f64",
    );
    let mut demote = function(
        "i64",
        "i32",
        "local.get 0 f64.reinterpret_i64 f32.demote_f64 i32.reinterpret_f32",
    );

    for nan in ODD32 {
        assert_eq!(bits64(&mut promote, i32_of(nan)), F64);
    }
    for nan in ODD64 {
        assert_eq!(bits32(&mut demote, i64_of(nan)), F32);
    }
}

#[test]
fn numbers_without_an_answer_give_the_canonical_nan() {
    let codes = [
        "f64.const 0 f64.const 0 f64.div",
        "f64.const inf f64.const inf f64.sub",
        "f64.const inf f64.const 0 f64.mul",
        "f64.const -1 f64.sqrt",
        "local.get 0 f64.reinterpret_i64 f64.sqrt f64.ceil",
    ];
    for code in codes {
        let mut f = function("i64", "i64", &format!("{code} i64.reinterpret_f64"));
        assert_eq!(bits64(&mut f, i64_of((-1.0_f64).to_bits())), F64, "{code}");
    }
}

#[test]
fn bitwise_operations_keep_a_nan_as_it_is() {
    let code = "local.get 0 f32.reinterpret_i32 f32.neg f32.const 1 f32.copysign f32.abs
        i32.reinterpret_f32";
    let mut f = function("i32", "i32", code);

    assert_eq!(bits32(&mut f, i32_of(0x7fa0_0001)), 0x7fa0_0001);
}
