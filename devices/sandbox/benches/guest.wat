;; What the benches run. `touch` changes 41 pages of 4 KiB, which are 1 % of 16 MiB.
(module
    (import "rt" "try" (func $try (param i32 i32 i32) (result i32)))
    (import "rt" "throw" (func $throw))
    (import "env" "ask" (func $ask (param i32) (result i32)))
    (table (export "__indirect_function_table") 1 funcref) (elem (i32.const 0) $thrower)
    (memory (export "memory") 257)
    (func $thrower (param i32 i32) (call $throw))
    (func $fib (export "fib") (param i64) (result i64)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
            (then (local.get 0))
            (else (i64.add (call $fib (i64.sub (local.get 0) (i64.const 1)))
                (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
    (func (export "sieve") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $c i32)
        (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
        (local.set $i (i32.const 2))
        (block $done (loop $outer
            (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
            (if (i32.eqz (i32.load8_u (local.get $i))) (then
                (local.set $c (i32.add (local.get $c) (i32.const 1)))
                (local.set $j (i32.add (local.get $i) (local.get $i)))
                (block $marked (loop $mark
                    (br_if $marked (i32.ge_u (local.get $j) (local.get $n)))
                    (i32.store8 (local.get $j) (i32.const 1))
                    (local.set $j (i32.add (local.get $j) (local.get $i)))
                    (br $mark)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $outer)))
        (local.get $c))
    (func (export "spin") (param $n i32)
        (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "throws") (param $n i32)
        (loop $l
            (drop (call $try (i32.const 0) (i32.const 0) (i32.const 0)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "asks") (param $n i32)
        (loop $l
            (drop (call $ask (i32.const 0)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "touch") (local $at i32)
        (loop $l
            (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))
            (br_if $l (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 409600)))
                (i32.const 16777216))))))
