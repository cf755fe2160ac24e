//! `try`, `catch`, `catch_all`, `rethrow`, `delegate` and `throw`.

use super::{Guest, guest};

#[test]
fn the_clause_of_the_tag_gets_the_payload() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          try (result i32) local.get 0 call $thrower
          catch $a i32.const 100 i32.add
          catch $b i32.trunc_f64_s i32.const 7 i32.add i32.const 0 i32.and
                   local.set 0 i32.wrap_i64 local.get 0 i32.add
          end)"#,
    );

    assert_eq!(guest.run("f", 0), 110);
    assert_eq!(guest.run("f", 1), 20);
    assert_eq!(guest.run("f", 2), 1);
}

#[test]
fn payloads_of_every_type_arrive_in_order() {
    let mut guest = Guest::new(
        r#"(module
          (tag $all (param i32 f32 i64 i32 f64 funcref externref i64))
          (elem declare func $seven)
          (func $seven (result i32) i32.const 7)
          (table 1 funcref)
          (func $raise (param externref)
            i32.const 1 f32.const 2.5 i64.const 3 i32.const 4 f64.const 5.5 ref.func $seven
            local.get 0 i64.const 6 throw $all)
          (func (export "f") (result i32 f32 i64 i32 f64 i32 i32 i64)
            (local $p i32) (local $q f32) (local $r i64) (local $s i32) (local $t f64)
            (local $u funcref) (local $v externref) (local $w i64)
            try
              ref.null extern call $raise
            catch $all
              local.set $w local.set $v local.set $u local.set $t
              local.set $s local.set $r local.set $q local.set $p
            end
            i32.const 0 local.get $u table.set 0
            local.get $p local.get $q local.get $r local.get $s local.get $t
            i32.const 0 call_indirect (result i32) local.get $v ref.is_null local.get $w))"#,
    );

    type All = (i32, f32, i64, i32, f64, i32, i32, i64);
    assert_eq!(guest.call::<(), All>("f", ()).unwrap(), (1, 2.5, 3, 4, 5.5, 7, 1, 6));
}

#[test]
fn an_inner_try_passes_on_what_it_does_not_catch() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          try (result i32)
            try (result i32) local.get 0 call $thrower
            catch $a
            end
            i32.const 1000 i32.add
          catch $b drop i32.wrap_i64
          end)"#,
    );

    assert_eq!(guest.run("f", 0), 1010);
    assert_eq!(guest.run("f", 1), 20);
    assert_eq!(guest.run("f", 2), 1001);
}

#[test]
fn catch_all_catches_every_tag_and_leaves_the_first_clause_its_own() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          try (result i32) local.get 0 call $thrower
          catch $a
          catch_all i32.const -1
          end)"#,
    );

    assert_eq!([guest.run("f", 0), guest.run("f", 1), guest.run("f", 2)], [10, -1, 1]);
}

#[test]
fn rethrow_throws_the_inner_or_the_outer_exception_again() {
    let mut guest = guest(
        r#"(func $twice (param $which i32) (result i32)
          try (result i32)
            i32.const 10 throw $a
          catch $a
            drop
            try (result i32)
              i64.const 99 f64.const 0 throw $b
            catch_all
              local.get $which
              if (result i32) rethrow 1 else rethrow 2 end
            end
          end)
        (func (export "f") (param i32) (result i32)
          try (result i32) local.get 0 call $twice
          catch $a
          catch $b drop i32.wrap_i64
          end)"#,
    );

    assert_eq!(guest.run("f", 1), 99, "the inner one");
    assert_eq!(guest.run("f", 0), 10, "the outer one, though another went through since");
}

#[test]
fn delegate_hands_to_an_outer_try_past_the_one_between() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          try $outer (result i32)
            try $between (result i32)
              try (result i32) local.get 0 call $thrower
              delegate $outer
            catch_all i32.const -1
            end
          catch $a i32.const 1 i32.add
          catch $b drop drop i32.const -2
          end)"#,
    );

    assert_eq!([guest.run("f", 0), guest.run("f", 1), guest.run("f", 2)], [11, -2, 1]);
}

#[test]
fn delegate_to_a_block_or_to_the_function_means_the_handler_around_it() {
    let mut guest = guest(
        r#"(func $out (param i32) (result i32)
          try (result i32)
            try (result i32) local.get 0 call $thrower
            delegate 1
          catch_all i32.const -1
          end)
        (func (export "function") (param i32) (result i32)
          try (result i32) local.get 0 call $out
          catch_all i32.const 5
          end)
        (func (export "block") (param i32) (result i32)
          try (result i32)
            block $b (result i32)
              try (result i32)
                try (result i32) local.get 0 call $thrower
                delegate $b
              catch_all i32.const -1
              end
            end
          catch_all i32.const 6
          end)"#,
    );

    assert_eq!([guest.run("function", 0), guest.run("function", 2)], [5, 1]);
    assert_eq!([guest.run("block", 0), guest.run("block", 2)], [6, 1]);
}

#[test]
fn delegate_to_a_try_whose_clause_runs_goes_further_out() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          try (result i32)
            try $running (result i32) i32.const 0 call $thrower
            catch $a
              drop
              try (result i32) i32.const 1 call $thrower
              delegate $running
            catch_all i32.const -1
            end
          catch $b drop i32.wrap_i64
          end)"#,
    );

    assert_eq!(guest.run("f", 0), 20);
}

#[test]
fn a_throw_in_a_clause_is_not_caught_by_its_own_try() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          try (result i32)
            try (result i32) local.get 0 call $thrower
            catch $a i32.const 1 i32.add throw $a
            catch_all i32.const -1
            end
          catch $a i32.const 100 i32.add
          end)"#,
    );

    assert_eq!([guest.run("f", 0), guest.run("f", 1)], [111, -1]);
}

#[test]
fn operands_below_a_try_survive_it() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          i32.const 1000
          i64.const 5
          i32.const 3
          try (param i32) (result i32)
            local.get 0 call $thrower i32.add
          catch_all i32.const 50
          end
          i64.extend_i32_s i64.add i32.wrap_i64 i32.add)"#,
    );

    assert_eq!(guest.run("f", 2), 1009);
    assert_eq!(guest.run("f", 0), 1055);
}

#[test]
fn a_try_of_several_values_gives_them_from_body_and_clause() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32) (local $sum i32) (local $wide i64)
          i32.const 1 i64.const 2
          try (param i32 i64) (result i64 i32)
            local.set $wide local.set $sum
            local.get 0 call $thrower drop
            local.get $wide local.get $sum
          catch $a i64.extend_i32_s i32.const 500
          catch_all i64.const 1 i32.const 600
          end
          local.set $sum i32.wrap_i64 local.get $sum i32.add)"#,
    );

    assert_eq!([guest.run("f", 0), guest.run("f", 1), guest.run("f", 2)], [510, 601, 3]);
}

#[test]
fn branches_leave_a_try_in_every_way() {
    let mut guest = guest(
        r#"(func (export "f") (param $n i32) (result i32)
          block $three (result i32)
            block $two
              block $one
                block $zero
                  try
                    local.get $n i32.const 4 i32.eq if i32.const 44 return end
                    local.get $n i32.const 5 i32.eq br_if $two
                    local.get $n i32.const 6 i32.eq if i32.const 66 br $three end
                    local.get $n br_table $zero $one $two 0
                  catch_all i32.const -1 return
                  end
                  i32.const 33 return
                end
                i32.const 100 return
              end
              i32.const 101 return
            end
            i32.const 102
          end)"#,
    );

    let answers: Vec<i32> = (0..7).map(|n| guest.run("f", n)).collect();
    assert_eq!(answers, [100, 101, 102, 33, 44, 102, 66]);
}

#[test]
fn branches_leave_a_clause_and_its_exception_is_over() {
    let mut guest = guest(
        r#"(func (export "f") (param $n i32) (result i32)
          block $out (result i32)
            try
              i32.const 0 call $thrower drop
            catch $a
              br $out
            end
            i32.const -1
          end
          local.get $n call $thrower_or_not i32.add)
        (func $thrower_or_not (param i32) (result i32)
          local.get 0 if i32.const 0 call $thrower drop end i32.const 1)
        (func (export "g") (param i32) (result i32)
          try (result i32) i32.const 2 call $thrower catch_all i32.const -7 end)"#,
    );

    assert_eq!(guest.run("f", 0), 11);
    assert_eq!(guest.run("g", 0), 1, "nothing is pending any more");
}

#[test]
fn a_loop_throws_and_catches_on_every_turn() {
    let mut guest = guest(
        r#"(func (export "f") (param $n i32) (result i32) (local $sum i32)
          loop $next
            try
              local.get $n i32.const 3 i32.rem_s call $thrower local.get $sum i32.add local.set $sum
            catch $a local.get $sum i32.add local.set $sum
            catch $b drop i32.wrap_i64 local.get $sum i32.add local.set $sum
            end
            local.get $n i32.const 1 i32.sub local.tee $n br_if $next
          end
          local.get $sum)"#,
    );

    assert_eq!(guest.run("f", 3000), 31_000);
}

#[test]
fn a_loop_inside_a_try_goes_on_until_it_throws() {
    let mut guest = guest(
        r#"(func (export "f") (param $n i32) (result i32)
          try (result i32)
            loop $next
              local.get $n i32.const 1 i32.sub local.tee $n call $thrower drop
              br $next
            end
            unreachable
          catch $b drop i32.wrap_i64 local.get $n i32.add
          end)"#,
    );

    assert_eq!(guest.run("f", 1000), 21);
}

#[test]
fn an_exception_comes_through_many_frames() {
    let mut guest = guest(
        r#"(func $down (param i32) (result i32)
          local.get 0 i32.eqz if i32.const 0 call $thrower return end
          local.get 0 i32.const 1 i32.sub call $down i32.const 1 i32.add)
        (func (export "f") (param i32) (result i32)
          try (result i32) local.get 0 call $down catch $a end)"#,
    );

    assert_eq!(guest.run("f", 500), 10);
}

#[test]
fn every_frame_of_a_recursion_catches_and_throws_on() {
    let mut guest = guest(
        r#"(func $down (param i32) (result i32)
          local.get 0 i32.eqz if i32.const 0 call $thrower return end
          try (result i32) local.get 0 i32.const 1 i32.sub call $down
          catch $a i32.const 1 i32.add throw $a
          end)
        (func (export "f") (param i32) (result i32)
          try (result i32) local.get 0 call $down catch $a end)"#,
    );

    assert_eq!(guest.run("f", 200), 210);
}

#[test]
fn an_indirect_call_throws_to_its_caller() {
    let mut guest = guest(
        r#"(table funcref (elem $thrower $calm))
        (func $calm (param i32) (result i32) i32.const 3)
        (func (export "f") (param i32) (result i32)
          try (result i32) i32.const 0 local.get 0 call_indirect (param i32) (result i32)
          catch $a
          end)"#,
    );

    assert_eq!([guest.run("f", 0), guest.run("f", 1)], [10, 3]);
}

#[test]
fn a_tail_call_leaves_the_try_it_is_in() {
    let mut guest = guest(
        r#"(table funcref (elem $thrower))
        (func $direct (param i32) (result i32)
          try local.get 0 return_call $thrower catch_all end i32.const -1)
        (func $indirect (param i32) (result i32)
          try local.get 0 i32.const 0 return_call_indirect (param i32) (result i32)
          catch_all end i32.const -1)
        (func (export "direct") (param i32) (result i32)
          try (result i32) local.get 0 call $direct catch $a end)
        (func (export "indirect") (param i32) (result i32)
          try (result i32) local.get 0 call $indirect catch $a end)"#,
    );

    assert_eq!([guest.run("direct", 0), guest.run("direct", 2)], [10, 1]);
    assert_eq!([guest.run("indirect", 0), guest.run("indirect", 2)], [10, 1]);
}

#[test]
fn code_that_cannot_be_reached_stays_valid() {
    let mut guest = guest(
        r#"(func (export "f") (param i32) (result i32)
          i32.const 3 return
          try (result i32) unreachable throw $b i32.const 0 call $thrower catch $a drop rethrow 0 catch $b rethrow 0 catch_all rethrow 0 end
          throw $a)"#,
    );

    assert_eq!(guest.run("f", 0), 3);
}
