//! Exceptions that reach the host.

use wasmi::{TrapCode, Val};

use super::{Guest, is_untouched, lowered};

const THROWS: &str = r#"
    (tag (param i64))
    (tag $t)
    (func $throws (export "throws") (export "again") (param i32) (result i32)
      local.get 0 if throw $t end i32.const 5)"#;

#[test]
fn an_uncaught_exception_traps_and_the_next_call_works() {
    let mut guest = Guest::new(&format!("(module {THROWS})"));

    for name in ["throws", "again"] {
        let trap = guest.call::<i32, i32>(name, 1).unwrap_err();
        assert_eq!(trap.as_trap_code(), Some(TrapCode::UnreachableCodeReached));
        assert_eq!(guest.thrown(), 2, "one more than the index of the tag");
        assert_eq!(guest.run(name, 0), 5);
        assert_eq!(guest.thrown(), 0, "entering an export forgets it");
    }
}

#[test]
fn an_ordinary_trap_is_no_exception() {
    let mut guest = Guest::new(&format!(
        r#"(module {THROWS} (func (export "trap") (result i32) unreachable))"#
    ));

    assert!(guest.call::<(), i32>("trap", ()).is_err());
    assert_eq!(guest.thrown(), 0);
}

#[test]
fn an_export_that_the_guest_calls_too_can_be_caught_there() {
    let mut guest = Guest::new(&format!(
        r#"(module {THROWS}
          (func (export "f") (param i32) (result i32)
            try (result i32) local.get 0 call $throws catch $t i32.const -1 end))"#
    ));

    assert_eq!([guest.run("f", 1), guest.run("f", 0)], [-1, 5]);
}

#[test]
fn a_function_from_a_table_returns_with_the_tag_set() {
    let mut guest = Guest::new(&format!(
        r#"(module {THROWS} (table (export "table") funcref (elem $throws)))"#
    ));
    let table = guest.instance.get_table(&guest.store, "table").unwrap();
    let Some(Val::FuncRef(function)) = table.get(&guest.store, 0).map(Val::from) else {
        panic!("a function is in the table")
    };
    let function = *function.val().unwrap();
    let mut results = [Val::I32(-1)];

    function.call(&mut guest.store, &[Val::I32(1)], &mut results).unwrap();
    assert_eq!((guest.thrown(), results[0].i32()), (2, Some(0)), "zeros, and the tag");
    guest.forget();
    function.call(&mut guest.store, &[Val::I32(0)], &mut results).unwrap();
    assert_eq!((guest.thrown(), results[0].i32()), (0, Some(5)));
}

#[test]
fn a_start_function_that_throws_traps() {
    let text = |n: i32| {
        format!("(module {THROWS} (func $start i32.const {n} call $throws drop) (start $start))")
    };

    let Err(trap) = Guest::start(&text(1)) else { panic!("it starts") };
    assert_eq!(trap.as_trap_code(), Some(TrapCode::UnreachableCodeReached));
    assert_eq!(Guest::new(&text(0)).thrown(), 0);
}

#[test]
fn a_reference_to_an_exported_function_stays_valid() {
    let mut guest = Guest::new(&format!(
        r#"(module {THROWS} (table 1 funcref)
          (func (export "f") (param i32) (result i32)
            i32.const 0 ref.func $throws table.set 0
            try (result i32)
              local.get 0 i32.const 0 call_indirect (param i32) (result i32)
            catch $t i32.const -1
            end))"#
    ));

    assert_eq!([guest.run("f", 1), guest.run("f", 0)], [-1, 5]);
}

#[test]
fn imported_functions_are_called_without_a_check() {
    let mut guest = Guest::new(
        r#"(module
          (import "host" "twice" (func $twice (param i32) (result i32)))
          (tag $t (param i32))
          (func (export "f") (param i32) (result i32)
            try (result i32) local.get 0 call $twice throw $t catch $t end))"#,
    );

    assert_eq!(guest.run("f", 4), 8);
}

#[test]
fn imported_and_exported_tags_become_the_modules_own() {
    let mut guest = Guest::new(
        r#"(module
          (import "env" "tag" (tag $t (param i32)))
          (import "host" "twice" (func $twice (param i32) (result i32)))
          (import "env" "tag" (tag $same (param i32)))
          (import "env" "other" (tag $other (param i32)))
          (export "tag" (tag $t))
          (func (export "f") (param i32) (result i32)
            try (result i32) local.get 0 call $twice throw $t
            catch $other drop i32.const -1
            catch $same
            end))"#,
    );

    assert_eq!(guest.run("f", 4), 8);
}

#[test]
fn a_module_in_a_64_bit_memory_is_lowered_alike() {
    let mut guest = Guest::new(
        r#"(module (memory i64 1) (tag $t (param i64))
          (func $store (param i64)
            local.get 0 i64.const 41 i64.store local.get 0 throw $t)
          (func (export "f") (param i64) (result i64)
            try (result i64) local.get 0 call $store i64.const 0
            catch $t i64.load
            end))"#,
    );

    assert_eq!(guest.call::<i64, i64>("f", 8).unwrap(), 41);
}

#[test]
fn plain_modules_are_given_back_as_they_were() {
    assert!(is_untouched("(module (memory 1) (func (param f64) local.get 0 f64.sqrt drop))"));
    assert!(!is_untouched("(module (tag))"));
}

#[test]
fn functions_keep_their_names() {
    let lowered =
        lowered(&format!("(module $guest {THROWS} (func $second call $third) (func $third))"));
    let mut names = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&lowered) {
        let wasmparser::Payload::CustomSection(custom) = payload.unwrap() else { continue };
        let wasmparser::KnownCustom::Name(section) = custom.as_known() else { continue };
        for name in section {
            let wasmparser::Name::Function(map) = name.unwrap() else { continue };
            names.extend(map.into_iter().map(|naming| naming.unwrap().name.to_owned()));
        }
    }

    assert_eq!(names, ["throws", "second", "third"]);
}
