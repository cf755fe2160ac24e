//! The bits of a NaN are the same everywhere.

use super::Guest;

const F32: u32 = 0x7fc0_0000;
const F64: u64 = 0x7ff8_0000_0000_0000;

/// Some NaNs that hardware would pass on.
const ODD32: [u32; 4] = [0xffc0_0000, 0x7fa0_0001, 0xff80_0001, 0x7fff_ffff];
const ODD64: [u64; 4] =
    [0xfff8_0000_0000_0000, 0x7ff4_0000_0000_0001, 0xfff0_0000_0000_0001, 0x7fff_ffff_ffff_ffff];

#[test]
fn every_operation_on_f32_gives_the_canonical_nan() {
    let binary = ["add", "sub", "mul", "div", "min", "max"];
    let unary = ["sqrt", "ceil", "floor", "trunc", "nearest"];
    for (name, operands) in binary.map(|n| (n, 2)).into_iter().chain(unary.map(|n| (n, 1))) {
        let push = "local.get 0 f32.reinterpret_i32 ".repeat(operands);
        let mut guest = Guest::new(&format!(
            r#"(module (func (export "f") (param i32) (result i32)
              {push} f32.{name} i32.reinterpret_f32))"#
        ));
        for nan in ODD32 {
            assert_eq!(guest.run("f", nan.cast_signed()).cast_unsigned(), F32, "{name} of {nan:x}");
        }
        let one = 1.0_f32.to_bits().cast_signed();
        assert!(!f32::from_bits(guest.run("f", one).cast_unsigned()).is_nan(), "{name} of 1");
    }
}

#[test]
fn every_operation_on_f64_gives_the_canonical_nan() {
    let binary = ["add", "sub", "mul", "div", "min", "max"];
    let unary = ["sqrt", "ceil", "floor", "trunc", "nearest"];
    for (name, operands) in binary.map(|n| (n, 2)).into_iter().chain(unary.map(|n| (n, 1))) {
        let push = "local.get 0 f64.reinterpret_i64 ".repeat(operands);
        let mut guest = Guest::new(&format!(
            r#"(module (func (export "f") (param i64) (result i64)
              {push} f64.{name} i64.reinterpret_f64))"#
        ));
        for nan in ODD64 {
            let found: i64 = guest.call("f", nan.cast_signed()).unwrap();
            assert_eq!(found.cast_unsigned(), F64, "{name} of {nan:x}");
        }
    }
}

#[test]
fn conversions_between_widths_give_the_canonical_nan() {
    let mut guest = Guest::new(
        r#"(module
          (func (export "promote") (param i32) (result i64)
            local.get 0 f32.reinterpret_i32 f64.promote_f32 i64.reinterpret_f64)
          (func (export "demote") (param i64) (result i32)
            local.get 0 f64.reinterpret_i64 f32.demote_f64 i32.reinterpret_f32))"#,
    );

    for nan in ODD32 {
        assert_eq!(
            guest.call::<_, i64>("promote", nan.cast_signed()).unwrap().cast_unsigned(),
            F64
        );
    }
    for nan in ODD64 {
        assert_eq!(guest.call::<_, i32>("demote", nan.cast_signed()).unwrap().cast_unsigned(), F32);
    }
}

#[test]
fn bitwise_operations_keep_a_nan_as_it_is() {
    let mut guest = Guest::new(
        r#"(module (func (export "f") (param i32) (result i32)
          local.get 0 f32.reinterpret_i32 f32.neg f32.const 1 f32.copysign f32.abs
          f32.const 1 f32.const 1 f32.add drop
          i32.reinterpret_f32))"#,
    );

    assert_eq!(guest.run("f", 0x7fa0_0001), 0x7fa0_0001);
}

#[test]
fn a_chain_of_operations_chooses_once_at_its_end() {
    let mut guest = Guest::new(
        r#"(module
          (func (export "f") (param f64 f64) (result i64)
            local.get 0 local.get 1 f64.mul f64.sqrt f64.ceil i64.reinterpret_f64)
          (func (export "g") (param f64) (result i32)
            local.get 0 local.get 0 f64.sub f64.sqrt local.get 0 f64.eq))"#,
    );

    assert_eq!(guest.call::<_, i64>("f", (-1.0, 1.0)).unwrap().cast_unsigned(), F64);
    assert_eq!(guest.call::<_, i64>("f", (9.0, 1.0)).unwrap().cast_unsigned(), 3.0_f64.to_bits());
    assert_eq!(guest.call::<_, i32>("g", f64::INFINITY).unwrap(), 0);
}
