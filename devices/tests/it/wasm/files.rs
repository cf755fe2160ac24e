//! A guest's files: `wasi@1.0`.

use oxbeam_kernel::Outcome;
use oxbeam_protocol::{Message, Value};

use super::{at, call, image, list, spawn, texts};
use crate::node::TestNode;

/// The functions of WASI, for addresses of this width, and what calls them.
fn module(bits: u32) -> String {
    let (address, memory) = if bits == 64 { ("i64", "i64") } else { ("i32", "") };
    let bytes = bits / 8;
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 {address} {address} {address}) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 {address} {address} {address}) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek"
    (func $seek (param i32 i64 i32 {address}) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 {address} {address} i32 i64 i64 i32 {address}) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 {address}) (result i32)))
  (memory (export "memory") {memory} 1)
  (data ({address}.const 64) "hello world")
  (data ({address}.const 96) "/notes/a.txt")
  ;; Two buffers in memory at 0: bytes 64 to 69, and 69 to 75.
  (func $buffers
    ({address}.store ({address}.const 0) ({address}.const 64))
    ({address}.store ({address}.const {bytes}) ({address}.const 5))
    ({address}.store ({address}.const {second}) ({address}.const 69))
    ({address}.store ({address}.const {third}) ({address}.const 6)))
  (func (export "write") (param i32) (result i32 {address})
    (call $buffers)
    (call $write (local.get 0) ({address}.const 0) ({address}.const 2) ({address}.const 200))
    ({address}.load ({address}.const 200)))
  (func (export "read") (param i32) (result i32 {address} i64)
    (call $buffers)
    (i64.store ({address}.const 64) (i64.const 0))
    (call $read (local.get 0) ({address}.const 0) ({address}.const 2) ({address}.const 200))
    ({address}.load ({address}.const 200))
    (i64.load ({address}.const 64)))
  (func (export "seek") (param i32 i64 i32) (result i32 i64)
    (call $seek (local.get 0) (local.get 1) (local.get 2) ({address}.const 200))
    (i64.load ({address}.const 200)))
  (func (export "open") (param i32) (result i32 i32)
    (call $open (i32.const 3) (i32.const 0) ({address}.const 96) ({address}.const 12)
      (local.get 0) (i64.const 0) (i64.const 0) (i32.const 0) ({address}.const 200))
    (i32.load ({address}.const 200)))
  (func (export "close") (param i32) (result i32) (call $close (local.get 0)))
  (func (export "outside") (result i32)
    (call $write (i32.const 1) ({address}.const 65530) ({address}.const 2) ({address}.const 200)))
  (func (export "time") (result i32)
    (call $time (i32.const 0) (i64.const 0) ({address}.const 200))))"#,
        second = 2 * bytes,
        third = 3 * bytes,
    )
}

async fn process(node: &TestNode, bits: u32) -> oxbeam_protocol::Id {
    let definition = Message::new()
        .with("image", image(&module(bits)))
        .with("output-prefix", "wasm")
        .with("device-stack", texts(&["wasi@1.0", "wasm-64@1.0"]));
    spawn(node, definition).await
}

/// Calls functions one after another; what each of them returned.
async fn run(node: &TestNode, bits: u32, calls: &[(&str, &[i64])]) -> Vec<Vec<i64>> {
    let process = process(node, bits).await;
    for (function, parameters) in calls {
        let parameters = parameters.iter().map(|number| Value::from(*number));
        call(node, process, function, parameters.collect()).await;
    }
    let mut results = Vec::new();
    for slot in 1..=calls.len() as u64 {
        let output = at(node, process, slot, "results/wasm/output").await.unwrap();
        let number = |value: &Value| match value {
            Value::Integer(number) => i64::try_from(number).unwrap(),
            other => panic!("{other:?}"),
        };
        results.push(output.as_list().unwrap().iter().map(number).collect());
    }
    results
}

const HELLO: i64 = i64::from_le_bytes(*b"hello wo");

#[actix_rt::test]
async fn a_file_is_made_written_and_read_in_modules_of_both_widths() {
    let node = TestNode::start().await;
    for bits in [32, 64] {
        let results = run(
            &node,
            bits,
            &[
                ("open", &[0]),
                ("open", &[1]),
                ("write", &[3]),
                ("seek", &[3, 0, 0]),
                ("read", &[3]),
                ("read", &[3]),
                ("seek", &[3, -5, 2]),
                ("close", &[3]),
                ("read", &[3]),
                ("open", &[5]),
                ("open", &[8]),
                ("read", &[3]),
            ],
        )
        .await;
        let expected: [&[i64]; 12] = [
            &[44, 0],
            &[0, 3],
            &[0, 11],
            &[0, 0],
            &[0, 11, HELLO],
            &[0, 0, 0],
            &[0, 6],
            &[0],
            &[8, 6, 0],
            &[20, 6],
            &[0, 3],
            &[0, 0, 0],
        ];
        for (at, (result, expected)) in results.iter().zip(expected).enumerate() {
            assert_eq!(result, expected, "call {at} with {bits} bits");
        }
    }
}

#[actix_rt::test]
async fn what_a_guest_prints_lies_in_the_state() {
    let node = TestNode::start().await;
    for bits in [32, 64] {
        let process = process(&node, bits).await;
        call(&node, process, "write", list([1.into()])).await;
        call(&node, process, "write", list([1.into()])).await;
        let printed = at(&node, process, 2, "vfs/dev/stdout").await;
        assert_eq!(printed, Some("hello worldhello world".into()));
        let offset = at(&node, process, 2, "file-descriptors/1/offset").await;
        assert_eq!(offset, Some(22.into()));
        assert_eq!(at(&node, process, 2, "state").await, None, "no call was undefined");
    }
}

#[actix_rt::test]
async fn pointers_outside_memory_and_clocks_are_errors_for_the_guest() {
    let node = TestNode::start().await;
    for bits in [32, 64] {
        let results = run(&node, bits, &[("outside", &[]), ("time", &[]), ("write", &[77])]).await;
        assert_eq!(results[0], [21]);
        assert_eq!(results[1], [1]);
        assert_eq!(results[2][0], 8);
    }
}

#[actix_rt::test]
async fn the_first_files_are_those_of_the_reference() {
    let node = TestNode::start().await;
    let process = process(&node, 64).await;
    let library = at(&node, process, 0, "wasm/stdlib/wasi_snapshot_preview1/device").await;
    assert_eq!(library, Some("wasi@1.0".into()));
    assert_eq!(at(&node, process, 0, "vfs/dev/stdin").await, Some("".into()));
    let name = at(&node, process, 0, "file-descriptors/2/filename").await;
    assert_eq!(name, Some("/dev/stderr".into()));
}

#[actix_rt::test]
async fn only_guests_have_files() {
    let node = TestNode::start().await;
    let stdout = node.run("/~wasi@1.0/stdout", Message::new()).await.unwrap();
    assert_eq!(stdout, Outcome::not_found());
    let refused = node.run("/~wasi@1.0/fd_write", Message::new()).await.unwrap_err();
    assert!(refused.to_string().contains("needs the state of a guest"), "{refused}");
    let state = Message::new().with("state", Message::new());
    let refused = node.run("/~wasi@1.0/fd_write", state).await.unwrap_err();
    assert!(refused.to_string().contains("for guests alone"), "{refused}");
}
