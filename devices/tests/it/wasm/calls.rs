//! Calls over a path, on an instance that goes with the request.

use oxbeam_kernel::{CallError, Outcome};
use oxbeam_protocol::{Atom, Message, Value};

use super::{image, list, texts};
use crate::node::TestNode;

const NUMBERS: &str = r#"(module
  (func (export "i32") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "i64") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
  (func (export "f32") (param f32) (result f32) (f32.add (local.get 0) (f32.const 0.5)))
  (func (export "f64") (param f64) (result f64) (f64.add (local.get 0) (f64.const 0.5)))
  (func (export "two") (result i32 i64) (i32.const 1) (i64.const 2))
  (func (export "nan") (result f64) (f64.div (f64.const 0) (f64.const 0)))
  (func (export "trap") unreachable))"#;

fn base(text: &str) -> Message {
    image(text).with("device", "wasm-64@1.0")
}

async fn ask(node: &TestNode, base: Message, path: &str) -> Result<Value, CallError> {
    let outcome = node.run(path, base).await?;
    Ok(outcome.into_result().unwrap())
}

async fn called(node: &TestNode, function: &str, parameters: Value) -> (Value, Value) {
    let base = base(NUMBERS).with("function", function).with("parameters", parameters);
    let results = ask(node, base, "/init/compute/results").await.unwrap();
    let results = results.as_map().unwrap();
    (results.get("type").unwrap().clone(), results.get("output").unwrap().clone())
}

fn ok() -> Value {
    Atom::from_static("ok").into()
}

fn error() -> Value {
    Atom::from_static("error").into()
}

#[actix_rt::test]
async fn numbers_go_in_and_come_out_by_their_types() {
    let node = TestNode::start().await;
    let cases: [(&str, Value, Value); 8] = [
        ("i32", 5.into(), 6.into()),
        ("i32", i64::from(i32::MAX).into(), i64::from(i32::MIN).into()),
        ("i32", 4_294_967_295_i64.into(), 0.into()),
        ("i64", 9_000_000_000_i64.into(), 9_000_000_001_i64.into()),
        ("f32", Value::Float(1.0), Value::Float(1.5)),
        ("f64", Value::Float(1.0), Value::Float(1.5)),
        ("f64", 1.into(), Value::Float(1.5)),
        ("i64", Value::Float(2.9), 3.into()),
    ];
    for (function, given, expected) in cases {
        assert_eq!(called(&node, function, list([given])).await, (ok(), list([expected])));
    }
    assert_eq!(called(&node, "two", list([])).await, (ok(), list([1.into(), 2.into()])));
}

#[actix_rt::test]
async fn what_a_guest_does_wrong_is_a_result() {
    let node = TestNode::start().await;
    for (function, given, expected) in [
        ("nothing", list([]), "Function not found: nothing"),
        ("trap", list([]), "Exception: unreachable"),
        ("nan", list([]), "Exception: a result is no finite number"),
        ("i32", list([]), "Exception: i32 takes (i32) -> (i32), more than was given"),
    ] {
        let (kind, output) = called(&node, function, given).await;
        assert_eq!((kind, super::text(&output).as_str()), (error(), expected));
    }
}

#[actix_rt::test]
async fn a_call_of_what_is_no_number_is_refused() {
    let node = TestNode::start().await;
    let base = base(NUMBERS).with("function", "i32").with("parameters", texts(&["x"]));
    let refused = ask(&node, base, "/init/compute").await.unwrap_err();
    assert_eq!(refused.http_status(), 500);
}

#[actix_rt::test]
async fn without_a_function_nothing_is_called() {
    let node = TestNode::start().await;
    let state = ask(&node, base(NUMBERS), "/init/compute").await.unwrap();
    assert!(!state.as_map().unwrap().contains("results"));
}

#[actix_rt::test]
async fn what_is_no_module_is_refused_with_the_reason() {
    let node = TestNode::start().await;
    let refused = |base: Message| async {
        let refused = ask(&node, base, "/init").await.unwrap_err();
        assert_eq!(refused.http_status(), 500);
        refused.to_string()
    };
    let none = refused(Message::from([("device", "wasm-64@1.0")])).await;
    assert!(none.contains("No viable image found in /image."), "{none}");
    let text = Message::from([("device", "wasm-64@1.0"), ("image", "not a module, nor an id")]);
    let invalid = refused(text).await;
    assert!(invalid.contains("wasm_init_error: ") && invalid.contains("valid"), "{invalid}");
    let native = base(NUMBERS).with("Mode", "AOT");
    assert!(refused(native).await.contains("the only Mode is WASM"));
    let unknown = Message::from([
        ("device", "wasm-64@1.0"),
        ("image", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ]);
    let missing = ask(&node, unknown, "/init").await.unwrap_err();
    assert!(matches!(missing, CallError::Missing { .. }), "{missing}");
}

#[actix_rt::test]
async fn the_device_has_the_names_that_documents_use() {
    let node = TestNode::start().await;
    for name in ["wasm-64@1.0", "wasm64@1.0"] {
        let base = base(NUMBERS).with("device", name).with("function", "two");
        let output = ask(&node, base, "/init/compute/results/output/2").await.unwrap();
        assert_eq!(output, 2.into(), "{name}");
    }
}

#[actix_rt::test]
async fn an_instance_can_be_ended_and_is_gone() {
    let node = TestNode::start().await;
    let base = base(NUMBERS).with("function", "two");
    let gone = ask(&node, base.clone(), "/init/terminate/compute").await.unwrap_err();
    assert!(gone.to_string().contains("no_wasm_instance_or_snapshot"), "{gone}");
    let never = ask(&node, base, "/compute").await.unwrap_err();
    assert!(never.to_string().contains("no_wasm_instance_or_snapshot"), "{never}");
}

const HOST: &str = r#"(module
  (import "my_lib" "mul" (func $mul (param i32 i32) (result i32)))
  (import "env" "unknown" (func $unknown (param i64)))
  (func (export "pow") (param i32) (result i32)
    (call $mul (local.get 0) (call $mul (local.get 0) (local.get 0))))
  (func (export "ask") (call $unknown (i64.const 7))))"#;

#[actix_rt::test]
async fn a_library_of_the_state_answers_the_guest() {
    let node = TestNode::start().await;
    let library = Message::from([("device", "test-device@1.0")]);
    let stdlib = Message::new().with("my_lib", library);
    let base = base(HOST).with("function", "pow").with("parameters", list([3.into()]));
    let with = base.clone().with("stdlib", stdlib);
    let output = ask(&node, with, "/init/compute/results/output/1").await.unwrap();
    assert_eq!(output, 27.into());
    let without = ask(&node, base, "/init/compute").await.unwrap();
    let without = without.as_map().unwrap();
    let undefined = node.context().find(without, "state/results/undefined-calls").await.unwrap();
    assert_eq!(undefined.unwrap().as_list().unwrap().len(), 2);
}

#[actix_rt::test]
async fn a_call_to_nobody_is_noted_as_the_reference_notes_it() {
    let node = TestNode::start().await;
    let base = base(HOST).with("function", "ask");
    let state = ask(&node, base, "/init/compute").await.unwrap();
    let state = state.as_map().unwrap();
    let noted = node.context().find(state, "state/results/undefined-calls").await.unwrap();
    let expected = Message::from([
        ("path", "import"),
        ("module", "env"),
        ("func", "unknown"),
        // The reference cuts off one character, of the result or, without one, of the parameters.
        ("func-sig", "(I"),
    ]);
    let expected = expected.with("args", list([7.into()]));
    assert_eq!(noted, Some(list([expected.into()])));
}

#[actix_rt::test]
async fn a_library_that_fails_ends_the_guest_and_not_the_slot() {
    let node = TestNode::start().await;
    let library = Message::from([("device", "test-device@1.0")]);
    let stdlib = Message::new().with("env", library);
    // test-device@1.0 has no function unknown, so this is a stub; mul of one number is an error.
    let module = r#"(module (import "env" "mul" (func $mul (param i32) (result i32)))
      (func (export "f") (drop (call $mul (i32.const 1)))))"#;
    let base = base(module).with("function", "f").with("stdlib", stdlib);
    let output = ask(&node, base, "/init/compute/results/output").await.unwrap();
    assert_eq!(
        super::text(&output),
        "Exception: host call env.mul failed: mul needs args, a list of two integers"
    );
}

#[actix_rt::test]
async fn imports_are_answered_without_a_guest_as_well() {
    let node = TestNode::start().await;
    let library = Message::from([("device", "test-device@1.0")]);
    let base = Message::from([("device", "wasm-64@1.0")])
        .with("stdlib", Message::new().with("my_lib", library));
    let request = Message::from([("path", "import"), ("module", "my_lib"), ("func", "mul")])
        .with("args", list([6.into(), 7.into()]));
    let answer = node.context().resolve(base.clone(), request.clone()).await.unwrap();
    let answer = answer.value.as_map().unwrap().clone();
    assert_eq!(answer.get("results"), Some(&list([42.into()])));
    let unknown = node.context().resolve(base, request.with("func", "add")).await.unwrap();
    let Outcome { value: Value::Map(unknown), .. } = unknown else { panic!("{unknown:?}") };
    assert_eq!(unknown.get("results"), Some(&list([0.into()])));
}
