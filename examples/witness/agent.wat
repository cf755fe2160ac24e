;; witness: counts what it is asked to witness, and tells whoever asked.
;;
;; The node calls `handle` with a message and its environment as JSON, and reads JSON from the pointer
;; that comes back. The other half of the pair is ../ledger, in Lua.
;;
;;   0    how many it has seen, i64: the memory is the agent's state
;;   16   texts
;;   1024 the answer
;;   4096 what `malloc` gives away; globals begin anew with each message, so nothing is ever freed
(module
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))
  (global $end (mut i32) (i32.const 1024))

  (data (i32.const 16) "\"name\":\"Action\",\"value\":\"Witness\"\00")
  (data (i32.const 80) "\"From\":\"\00")
  (data (i32.const 112) "{\"ok\":true,\"response\":{\"Output\":{\"data\":\"seen: \00")
  (data (i32.const 208) "\"},\"Messages\":[\00")
  (data (i32.const 240) "{\"Target\":\"\00")
  (data (i32.const 272) "\",\"Tags\":[{\"name\":\"Action\",\"value\":\"Seen\"}]}\00")
  (data (i32.const 352) "]}}\00")

  ;; Memory for so many bytes.
  (func $malloc (export "malloc") (param $bytes i32) (result i32)
    (local $given i32)
    (local.set $given (global.get $free))
    (global.set $free (i32.add (local.get $given) (local.get $bytes)))
    (block $is_there
      (br_if $is_there (i32.le_u (global.get $free) (i32.shl (memory.size) (i32.const 16))))
      ;; 0 says that there is none.
      (if (i32.eq (i32.const -1)
            (memory.grow (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1))))
        (then (return (i32.const 0)))))
    (local.get $given))

  ;; Whether a text begins with another one: where that ends, or 0.
  (func $begins (param $text i32) (param $start i32) (result i32)
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $start))) (then (return (local.get $text))))
      (if (i32.ne (i32.load8_u (local.get $text)) (i32.load8_u (local.get $start)))
        (then (return (i32.const 0))))
      (local.set $text (i32.add (local.get $text) (i32.const 1)))
      (local.set $start (i32.add (local.get $start) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; Behind the first place where a text has another one, or 0. In JSON a quote within a text is
  ;; escaped, so what is searched for with its quotes is found as a name or value alone.
  (func $behind (param $text i32) (param $part i32) (result i32)
    (local $found i32)
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $text))) (then (return (i32.const 0))))
      (local.set $found (call $begins (local.get $text) (local.get $part)))
      (if (local.get $found) (then (return (local.get $found))))
      (local.set $text (i32.add (local.get $text) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; Writes a byte of the answer.
  (func $byte (param $byte i32)
    (i32.store8 (global.get $end) (local.get $byte))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))

  ;; Writes a text up to its end, or to this byte.
  (func $text (param $text i32) (param $until i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load8_u (local.get $text))))
        (br_if $done (i32.eq (i32.load8_u (local.get $text)) (local.get $until)))
        (call $byte (i32.load8_u (local.get $text)))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (br $next))))

  ;; Writes a number.
  (func $number (param $number i64)
    (if (i64.ge_u (local.get $number) (i64.const 10))
      (then (call $number (i64.div_u (local.get $number) (i64.const 10)))))
    (call $byte (i32.wrap_i64
      (i64.add (i64.const 48) (i64.rem_u (local.get $number) (i64.const 10))))))

  (func (export "handle") (param $message i32) (param $environment i32) (result i32)
    (local $from i32)
    (local.set $from (call $behind (local.get $message) (i32.const 80)))
    (if (i32.eqz (call $behind (local.get $message) (i32.const 16)))
      (then (local.set $from (i32.const 0))))
    (if (local.get $from)
      (then (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))))
    (call $text (i32.const 112) (i32.const 0))
    (call $number (i64.load (i32.const 0)))
    (call $text (i32.const 208) (i32.const 0))
    (if (local.get $from)
      (then
        (call $text (i32.const 240) (i32.const 0))
        (call $text (local.get $from) (i32.const 34))
        (call $text (i32.const 272) (i32.const 0))))
    (call $text (i32.const 352) (i32.const 0))
    (call $byte (i32.const 0))
    (i32.const 1024)))
