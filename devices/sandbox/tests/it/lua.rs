//! Scripts, called as a process calls them.

use oxbeam_protocol::{Atom, Message, Value};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, LuaError, NoAo, Raised, Vm};

/// A state that has run this source.
pub(crate) async fn vm(source: &str) -> Vm {
    let mut vm = Vm::new(Limits::default()).await.expect("a fresh state");
    vm.load(b"main.lua", source.as_bytes(), &mut NoAo).await.expect("the source runs");
    vm
}

/// What `return …` gives in a fresh state.
pub(crate) async fn eval(expression: &str) -> Result<Vec<Value>, LuaError> {
    let mut vm = vm(&format!("function f(...) {expression} end")).await;
    vm.call(b"f", Vec::new(), Context::default(), &mut NoAo).await
}

/// The text that an expression gives.
pub(crate) async fn text(expression: &str) -> String {
    match eval(&format!("return tostring({expression})")).await {
        Ok(values) => match values.as_slice() {
            [Value::Bytes(bytes)] => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("{expression} gave {other:?}"),
        },
        Err(error) => panic!("{expression}: {error}"),
    }
}

pub(crate) fn raised(result: Result<Vec<Value>, LuaError>) -> Raised {
    match result {
        Err(LuaError::Raised(raised)) => raised,
        other => panic!("not an error of the script: {other:?}"),
    }
}

pub(crate) fn integer(number: i64) -> Value {
    Value::Integer(number.into())
}

#[tokio::test]
async fn every_state_begins_as_the_first_one_did_and_needs_what_that_needed() {
    let first = Vm::new(Limits::default()).await.expect("a fresh state");
    let memory_bytes = first.memory_bytes();
    let enough = Limits { memory_bytes, ..Limits::default() };
    let second = Vm::new(enough.clone()).await.expect("another one");
    assert_eq!(first.snapshot().unwrap().instance, second.snapshot().unwrap().instance);
    for too_little in [
        Limits { fuel: 1, ..enough.clone() },
        Limits { memory_bytes: memory_bytes - 1, ..enough.clone() },
        Limits { table_elements: 1, ..enough },
    ] {
        let none = Vm::new(too_little.clone()).await;
        assert!(none.is_err(), "{too_little:?} is enough");
    }
}

#[tokio::test]
async fn a_function_is_called_with_values_and_returns_values() {
    let mut vm = vm("function add(a, b) return a + b, 'done', true, nil end").await;
    let results = vm
        .call(b"add", vec![integer(2), Value::Float(0.5)], Context::default(), &mut NoAo)
        .await
        .expect("it returns");
    assert_eq!(
        results,
        [
            Value::Float(2.5),
            Value::from_static("done"),
            Value::Atom(Atom::TRUE),
            Value::Atom(Atom::from_static("nil"))
        ]
    );
}

#[tokio::test]
async fn state_stays_from_call_to_call() {
    let mut vm = vm("n = 0 function inc() n = n + 1 return n end").await;
    for expected in 1..=3 {
        let results = vm.call(b"inc", Vec::new(), Context::default(), &mut NoAo).await;
        assert_eq!(results.expect("it returns"), [integer(expected)]);
    }
}

#[tokio::test]
async fn a_message_goes_in_and_comes_out_as_it_was() {
    let base = Message::new()
        .with("text", Value::from_static("\u{e9}"))
        .with("big", Value::Integer("123456789012345678901234567890".parse().expect("digits")))
        .with("list", Value::List([integer(1), Value::from_static("two")].into_iter().collect()))
        .with("map", Message::new().with("deep", Value::Float(-0.0)));
    let mut vm = vm("function id(base) return base end").await;
    let results =
        vm.call(b"id", vec![Value::Map(base.clone())], Context::default(), &mut NoAo).await;
    assert_eq!(results.expect("it returns"), [Value::Map(base)]);
}

#[tokio::test]
async fn errors_have_text_line_and_trace() {
    let mut vm = vm(
        "local function inner(x)\n  error('boom')\nend\nfunction f(a)\n  inner(a)\n  return 1\nend",
    )
    .await;
    let error = raised(vm.call(b"f", vec![integer(7)], Context::default(), &mut NoAo).await);
    assert_eq!(error.message, "boom");
    assert_eq!(error.line().map(|line| line.as_ref()), Some(&b"main.lua:2"[..]));
    let [raise, inner, f] = error.trace.as_slice() else { panic!("{error:?}") };
    assert_eq!(raise.parameters, [Value::from_static("boom")]);
    assert_eq!(inner.parameters, [integer(7)]);
    assert_eq!(f.function, Some(Value::from_static("f")));
    assert_eq!(f.line.as_ref().map(|line| line.as_ref()), Some(&b"main.lua:5"[..]));
    assert_eq!(f.parameters, [integer(7)]);
}
