//! Hostile modules are refused with a reason, or cost no more than they should.

use oxbeam_sandbox::lower::{LowerError, lower};

fn refusal(text: &str) -> LowerError {
    let wasm = wat::parse_str(text).expect("the text is a module");
    lower(&wasm).expect_err("the module is refused")
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    for bytes in [&b""[..], b"\0asm", b"\0asm\x0d\0\x01\0", b"hello, world"] {
        assert!(matches!(lower(bytes), Err(LowerError::Invalid { .. })), "{bytes:?}");
    }
}

#[test]
fn every_truncation_of_a_module_is_refused_or_lowered() {
    let wasm = wat::parse_str(
        r#"(module (tag $t (param i32)) (func (export "f") (result i32)
          try (result i32) i32.const 1 throw $t catch $t catch_all rethrow 0 end))"#,
    )
    .unwrap();
    for end in 0..wasm.len() {
        let _ = lower(&wasm[..end]);
        let mut flipped = wasm.clone();
        flipped[end] ^= 0x15;
        let _ = lower(&flipped);
    }
}

#[test]
fn proposals_that_guests_may_not_use_are_refused() {
    for text in
        ["(module (func (param v128)))", "(module (memory 1 1 shared))", "(module (type (struct)))"]
    {
        assert!(matches!(refusal(text), LowerError::Invalid { .. }), "{text}");
    }
}

#[test]
fn exceptions_may_not_be_where_they_cannot_be_passed_by_value() {
    for (text, place) in [
        ("(table 1 exnref)", "tables"),
        (r#"(import "a" "b" (table 1 exnref))"#, "tables"),
        (r#"(func (export "f") (param exnref))"#, "exported functions"),
        (r#"(import "a" "b" (func (result exnref)))"#, "imported functions"),
        (r#"(import "a" "b" (global exnref))"#, "imported globals"),
        (r#"(global (export "g") exnref (ref.null exn))"#, "exported globals"),
        ("(tag (param exnref))", "the payload of exceptions"),
    ] {
        let refused = refusal(&format!("(module {text})"));
        assert_eq!(refused, LowerError::ExceptionReference { place }, "{text}");
    }
}

#[test]
fn the_reserved_export_is_refused() {
    let refused = refusal(r#"(module (global (export "oxbeam:thrown") i32 (i32.const 0)))"#);
    assert_eq!(refused.to_string(), "the export oxbeam:thrown is reserved");
}

#[test]
fn an_exception_of_many_values_is_refused() {
    let refused = refusal(&format!("(module (tag (param {})))", "i32 ".repeat(65)));
    assert_eq!(refused.to_string(), "values of an exception: 65, at most 64 are supported");
}

#[test]
fn more_locals_than_a_function_may_have_are_refused() {
    let refused = refusal(&format!(
        "(module (tag (param i32 i32)) (func (local {})))",
        "exnref ".repeat(20_000)
    ));
    assert!(matches!(refused, LowerError::Limit { what: "locals of a function", .. }));
}

#[test]
fn code_that_would_grow_too_much_is_refused() {
    let throws = "local.get 0 throw_ref ".repeat(20_000);
    let refused = refusal(&format!(
        "(module (tag (param {})) (func $f (param exnref) {throws}))",
        "i64 ".repeat(64)
    ));
    assert!(matches!(refused, LowerError::Limit { what: "bytes of code", .. }), "{refused}");
}

#[test]
fn a_hundred_thousand_nested_blocks_take_no_stack() {
    let depth = 100_000;
    let text = format!(
        "(module (tag $t) (func {} throw $t {}))",
        "block ".repeat(depth),
        "end ".repeat(depth)
    );
    super::lowered(&text);
}

#[test]
fn ten_thousand_nested_tries_are_lowered() {
    let depth = 10_000;
    super::lowered(&format!(
        "(module (tag $t) (func {} throw $t {}))",
        "try ".repeat(depth),
        "catch $t rethrow 0 end ".repeat(depth)
    ));
}
