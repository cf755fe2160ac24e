//! `try_table`, `throw_ref` and exceptions as values.

use super::guest;

/// Catches everything and says what it was: the payload of `$a`, of `$b` plus 1000, or the result.
const NAME: &str = r#"
    (func $name (param exnref) (result i32)
      block $a (result i32)
        block $b (result i64 f64)
          try_table (catch $a $a) (catch $b $b) local.get 0 throw_ref end
          unreachable
        end
        drop i32.wrap_i64 i32.const 1000 i32.add
      end)"#;

#[test]
fn clauses_branch_with_the_payload() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          block $a (result i32)
            block $b (result i64 f64)
              block $all
                try_table (catch $a $a) (catch $b $b) (catch_all $all)
                  local.get 0 call $thrower return
                end
              end
              i32.const -1 return
            end
            drop i32.wrap_i64
          end)"#,
    );

    assert_eq!([guest.run("f", 0), guest.run("f", 1), guest.run("f", 2)], [10, 20, 1]);
}

#[test]
fn references_carry_tag_and_payload_through_locals_calls_and_results() {
    let mut guest = guest(&format!(
        r#"{NAME}
        (func $catch (param i32) (result exnref) (local $e exnref)
          block $any (result exnref)
            try_table (catch_all_ref $any) local.get 0 call $thrower drop end
            ref.null exn
          end
          local.tee $e
          drop
          local.get $e)
        (func (export "f") (param i32) (result i32) (local $e exnref)
          local.get 0 call $catch local.set $e
          local.get $e ref.is_null if i32.const -1 return end
          local.get $e call $name)"#
    ));

    assert_eq!([guest.run("f", 0), guest.run("f", 1), guest.run("f", 2)], [10, 1020, -1]);
}

#[test]
fn catch_ref_gives_the_payload_and_the_exception() {
    let mut guest = guest(&format!(
        r#"{NAME}
        (func (export "f") (param i32) (result i32) (local $e exnref)
          block $a (result i32 exnref)
            try_table (catch_ref $a $a) local.get 0 call $thrower return end
            unreachable
          end
          local.set $e i32.const 5 i32.mul
          local.get $e call $name i32.add)"#
    ));

    assert_eq!([guest.run("f", 0), guest.run("f", 2)], [60, 1]);
}

#[test]
fn globals_and_selects_hold_exceptions() {
    let mut guest = guest(&format!(
        r#"{NAME}
        (global $before (mut i32) (i32.const 3))
        (global $kept (mut exnref) (ref.null exn))
        (global $after (mut i32) (i32.const 4))
        (func $catch (param i32) (result exnref)
          block $any (result exnref)
            try_table (catch_all_ref $any) local.get 0 call $thrower drop end
            ref.null exn
          end)
        (func (export "keep") (param i32) (result i32)
          local.get 0 call $catch global.set $kept
          global.get $before global.get $after i32.add)
        (func (export "f") (param i32) (result i32)
          global.get $kept
          i32.const 1 call $catch
          local.get 0
          select (result exnref)
          call $name)"#
    ));

    assert_eq!(guest.run("keep", 0), 7);
    assert_eq!([guest.run("f", 1), guest.run("f", 0)], [10, 1020]);
}

#[test]
fn blocks_and_branches_carry_exceptions() {
    let mut guest = guest(&format!(
        r#"{NAME}
        (func (export "f") (param i32) (result i32)
          block $any (result exnref)
            try_table (catch_all_ref $any) i32.const 0 call $thrower drop end
            unreachable
          end
          loop $again (param exnref) (result exnref)
            local.get 0 i32.const 1 i32.sub local.tee 0
            br_if $again
          end
          block $out (param exnref) (result exnref i32)
            i32.const 5
            local.get 0 br_table $out $out
          end
          drop call $name)"#
    ));

    assert_eq!(guest.run("f", 3), 10);
}

#[test]
fn throwing_null_traps_and_is_no_exception() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          block $all
            try_table (catch_all $all) ref.null exn throw_ref end
          end
          i32.const 1)"#,
    );

    let trap = guest.call::<i32, i32>("f", 0).unwrap_err();
    assert_eq!(trap.as_trap_code(), Some(wasmi::TrapCode::UnreachableCodeReached));
    assert_eq!(guest.thrown(), 0);
}

#[test]
fn an_exception_thrown_again_passes_the_try_it_was_caught_by() {
    let mut guest = guest(
        r#"(func $cleanup (param i32) (result i32)
          block $any (result exnref)
            try_table (catch_all_ref $any) local.get 0 call $thrower return end
            unreachable
          end
          throw_ref)
        (func (export "f") (param i32) (result i32)
          block $a (result i32)
            try_table (catch $a $a) local.get 0 call $cleanup return end
            unreachable
          end
          i32.const 1 i32.add)"#,
    );

    assert_eq!([guest.run("f", 0), guest.run("f", 2)], [11, 1]);
}
