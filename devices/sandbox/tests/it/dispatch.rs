//! No operation takes of the thread's own stack what it does not give back.
//!
//! The interpreter goes from one operation to the next by calls in the last place, which compilers turn
//! into jumps where they optimise. Were one of them left a call, a loop would use up the thread's stack,
//! and that ends the whole node. So each operation runs in all its forms, far more often than there is
//! stack, and in one slice: what gives the thread away gives its stack back.

use std::fmt::Write as _;
use std::thread;

use oxbeam_sandbox::{Instance, Limits};

use crate::support::{call, instance_within};

/// A call left in the place of a jump takes 16 bytes at least: many times as much as there is.
const TIMES: u32 = 100_000;
const STACK_BYTES: usize = 256 << 10;

const TYPES: [&str; 4] = ["i32", "i64", "f32", "f64"];
const INTEGER: &str = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr";
const COMPARE: &str = "lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u eq ne";
const COUNT: &str = "clz ctz popcnt extend8_s extend16_s";
const FLOAT: &str = "add sub mul div min max copysign";
const ORDER: &str = "eq ne lt gt le ge";
const ROUND: &str = "abs neg sqrt ceil floor trunc nearest";
/// From a type to a type.
const CONVERSIONS: &str = "i32>i64.extend_i32_s i32>i64.extend_i32_u i64>i32.wrap_i64
    i64>i64.extend32_s f32>f64.promote_f32 f64>f32.demote_f64 i32>f32.reinterpret_i32
    f32>i32.reinterpret_f32 i64>f64.reinterpret_i64 f64>i64.reinterpret_f64";
const LOADS: &str =
    "i32.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load i64.load8_s
    i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u f32.load f64.load";
const STORES: &str = "i32.store i32.store8 i32.store16 i64.store i64.store8 i64.store16 i64.store32
    f32.store f64.store";
/// What has no pattern. Memory is addressed by `P`.
const OTHERS: [&str; 25] = [
    "(local.set $m (local.tee $i32 (i32.const 5)))",
    "(local.set $i64 (select (local.get $i64) (i64.const 5) (local.get $i32)))",
    "(local.set $f64 (select (local.get $f64) (f64.const 5) (local.get $i32)))",
    "(global.set $f (ref.func $one)) (drop (ref.is_null (global.get $f)))",
    "(table.set $t (i32.const 3) (table.get $t (local.get $i32)))",
    "(table.set $t (local.get $i32) (ref.null func)) (drop (table.size $t))",
    "(table.set $t (local.get $i32) (ref.func $one))",
    "(table.copy $t $t (i32.const 4) (local.get $i32) (i32.const 1))",
    "(table.init $t $e (i32.const 4) (i32.const 0) (local.get $m))",
    "(table.fill $t (i32.const 9) (ref.null func) (i32.const 1))",
    "(drop (memory.size)) (drop (memory.grow (P.const 0)))",
    "(memory.copy (local.get $p) (P.const 80) (P.const 4))",
    "(memory.fill (local.get $p) (local.get $i32) (P.const 4))",
    "(memory.init $d (P.const 32) (i32.const 0) (local.get $m))",
    "(call $none) (drop (call $one)) (drop (call $four (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4)))",
    "(drop (call_indirect $t (type $number) (local.get $m)))",
    "(drop (call_indirect $t (type $number) (i32.const 1)))",
    "(drop (call $leaves)) (drop (call $leaves_by_table (local.get $m)))",
    "(call $two) (local.set $m) (local.set $m) (local.set $m (i32.const 1))",
    "(block $a (block $b (block $c (br_table $a $b $c (local.get $n))) nop) nop)",
    "(block $a (br_if $a (local.get $n)) nop)",
    "(block $a (br_if $a (i32.eqz (local.get $n))) nop)",
    "(local.set $m (block $a (result i32) (br_if $a (i32.const 1) (local.get $n))))",
    "(local.set $m (if (result i32) (local.get $n) (then (i32.const 1)) (else (local.get $m))))",
    "(block $a (loop $b (br_if $a (i32.and (local.get $n) (i32.const 1))) (br $a)))",
];

/// Ways to have an operand: as what was kept, as a constant, and as what was just computed.
fn operands(ty: &str) -> [String; 3] {
    let number = if ty == "P" { "64" } else { "3" };
    [
        format!("(local.get ${})", if ty == "P" { "p" } else { ty }),
        format!("({ty}.const {number})"),
        format!("(global.get ${})", if ty == "P" { "p" } else { ty }),
    ]
}

/// What may become of a result of a type.
fn used(value: &str, ty: &str) -> Vec<String> {
    let mut ways = vec![
        format!("(global.set $to_{ty} {value})"),
        format!("(local.set $to_{ty} {value})"),
        format!("({ty}.store (P.const 128) {value})"),
    ];
    if ty == "i32" {
        ways.push(format!("(block $a (br_if $a {value}) nop)"));
        ways.push(format!("(block $a (br_if $a (i32.eqz {value})) nop)"));
        for of in TYPES {
            ways.push(format!(
                "(local.set $to_{of} (select (local.get ${of}) ({of}.const 1) {value}))"
            ));
        }
    }
    ways
}

/// A value in every way to have it: an operation on every form of its operands.
fn values(operation: &str, types: &[&str]) -> Vec<String> {
    let mut all = vec![format!("({operation}")];
    for ty in types {
        let with = |begun: &String| operands(ty).map(|operand| format!("{begun} {operand}"));
        all = all.iter().flat_map(with).collect();
    }
    all.into_iter().map(|begun| format!("{begun})")).collect()
}

/// Everything that is to be run, a group to a function.
fn groups() -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut stores = Vec::new();
    let mut add = |operation: String, types: &[&str], result: &str| {
        groups.push(values(&operation, types).iter().flat_map(|it| used(it, result)).collect());
    };
    for ty in TYPES {
        let is_integer = ty.starts_with('i');
        let (two, compared, one) =
            if is_integer { (INTEGER, COMPARE, COUNT) } else { (FLOAT, ORDER, ROUND) };
        two.split_whitespace().for_each(|it| add(format!("{ty}.{it}"), &[ty, ty], ty));
        compared.split_whitespace().for_each(|it| add(format!("{ty}.{it}"), &[ty, ty], "i32"));
        one.split_whitespace().for_each(|it| add(format!("{ty}.{it}"), &[ty], ty));
        if is_integer {
            add(format!("{ty}.eqz"), &[ty], "i32");
            for (from, sign) in [("f32", "s"), ("f32", "u"), ("f64", "s"), ("f64", "u")] {
                add(format!("{ty}.trunc_{from}_{sign}"), &[from], ty);
                add(format!("{ty}.trunc_sat_{from}_{sign}"), &[from], ty);
                add(format!("{from}.convert_{ty}_{sign}"), &[ty], from);
            }
        }
    }
    for (from, operation) in CONVERSIONS.split_whitespace().filter_map(|it| it.split_once('>')) {
        add(operation.to_owned(), &[from], &operation[..3]);
    }
    for offset in ["", " offset=8", " offset=65000"] {
        for load in LOADS.split_whitespace() {
            add(format!("{load}{offset}"), &["P"], &load[..3]);
        }
        for store in STORES.split_whitespace() {
            stores.push(values(&format!("{store}{offset}"), &["P", &store[..3]]));
        }
    }
    groups.extend(stores);
    groups.extend(OTHERS.map(|it| vec![it.to_owned()]));
    groups
}

/// A module that runs each group so many times, with addresses of a type.
fn module(address: &str) -> (String, usize) {
    let is_long = if address == "i64" { "i64" } else { "" };
    let mut text = format!(
        r#"(module (memory {is_long} 4) (table $t 16 funcref) (elem (i32.const 0) $one $one $one $one)
        (elem $e func $one) (data $d "seed") (type $number (func (result i32)))
        (global $f (mut funcref) (ref.null func)) (global $p (mut {address}) ({address}.const 64))
        (func $none) (func $one (result i32) (i32.const 1))
        (func $two (result i32 i32) (i32.const 1) (i32.const 2))
        (func $four (param i32 i64 f32 f64) (result f64) (local.get 3))
        (func $leaves (result i32) (return_call $one))
        (func $leaves_by_table (param i32) (result i32)
            (return_call_indirect $t (type $number) (local.get 0)))"#
    );
    let mut locals = format!("(local $n i32) (local $m i32) (local $p {address})");
    let mut set = format!(
        "(local.set $n (i32.const {TIMES})) (local.set $m (i32.const 1))
        (local.set $p ({address}.const 64))"
    );
    for ty in TYPES {
        write!(text, "(global ${ty} (mut {ty}) ({ty}.const 7))").unwrap();
        write!(text, "(global $to_{ty} (mut {ty}) ({ty}.const 0))").unwrap();
        write!(locals, "(local ${ty} {ty}) (local $to_{ty} {ty})").unwrap();
        write!(set, "(local.set ${ty} ({ty}.const 7))").unwrap();
    }
    let groups = groups();
    for (number, group) in groups.iter().enumerate() {
        let body = group.concat().replace("(P.", &format!("({address}."));
        write!(
            text,
            r#"(func (export "{number}") {locals} {set} (loop $again {body}
                (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"#
        )
        .unwrap();
    }
    (text + ")", groups.len())
}

fn runs_on_a_small_stack(address: &str) {
    let (text, groups) = module(address);
    let limits = Limits { fuel: u64::MAX / 2, slice: u64::MAX / 2, ..Limits::default() };
    let mut instance = instance_within(&text, limits).unwrap();
    let run = move |instance: &mut Instance| {
        for number in 0..groups {
            call(instance, &number.to_string(), &[]).unwrap();
        }
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(move || run(&mut instance)).unwrap().join().unwrap();
}

#[test]
fn no_operation_takes_of_the_stack_of_its_thread() {
    runs_on_a_small_stack("i32");
}

#[test]
fn no_operation_on_a_memory_of_64_bits_takes_of_the_stack_of_its_thread() {
    runs_on_a_small_stack("i64");
}
