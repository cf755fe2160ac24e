;; {{name}}: keeps a total.
;;
;; A message names an exported function and its numbers: {"function": "add", "parameters": [5]}.
;; The memory is the agent's state. Globals and tables begin anew with each message.
(module
  (memory (export "memory") 1)

  ;; Adds to the total, and answers with it.
  (func (export "add") (param $quantity i64) (result i64)
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $quantity)))
    (i64.load (i32.const 0)))

  ;; Answers with the total.
  (func (export "total") (result i64)
    (i64.load (i32.const 0))))
