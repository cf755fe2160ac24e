//! Which function a request calls, with what, and what becomes of its results.

use oxbeam_kernel::{NodeMessage, Outcome, Status};
use oxbeam_protocol::{Atom, List, Message, Value};

use super::{call, expression, map, scripted, text, value};
use crate::node::TestNode;

fn list<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Value {
    values.into_iter().map(Into::into).collect::<List>().into()
}

const NAMES: &str = "
    function a() return 'a' end
    function b() return 'b' end
    function c() return 'c' end
    function d() return 'd' end
    _G['credit-notice'] = function() return 'credited' end
    function credit_notice() return 'other' end
    function sum(...) local s = 0 for _, n in ipairs({...}) do s = s + n end return s end
    function count(...) return #{ ... } end
    function first(base, req, opts) return type(base) .. type(req) .. type(opts) .. #opts end";

async fn ask(node: &TestNode, base: Message, request: Message) -> Outcome {
    node.context().resolve(base, request).await.unwrap()
}

#[actix_rt::test]
async fn the_body_the_request_the_base_and_the_key_name_the_function_in_this_order() {
    let node = TestNode::start().await;
    let base = scripted(NAMES);
    let request = Message::from([("path", "a")]);
    assert_eq!(ask(&node, base.clone(), request.clone()).await, Outcome::ok("a"));
    let base = base.with("function", "b");
    assert_eq!(ask(&node, base.clone(), request.clone()).await, Outcome::ok("b"));
    let request = request.with("function", "c");
    assert_eq!(ask(&node, base.clone(), request.clone()).await, Outcome::ok("c"));
    let request = request.with("body", Message::from([("function", "d")]));
    assert_eq!(ask(&node, base, request).await, Outcome::ok("d"));
}

#[actix_rt::test]
async fn names_are_taken_as_they_are_written() {
    let node = TestNode::start().await;
    let base = scripted(NAMES);
    assert_eq!(value(&node, &base, "credit-notice").await, "credited".into());
    assert_eq!(value(&node, &base, "credit_notice").await, "other".into());
    assert!(!call(&node, &base, "A").await.unwrap().is_ok());
}

#[actix_rt::test]
async fn parameters_replace_the_three_arguments() {
    let node = TestNode::start().await;
    let base = scripted(NAMES);
    assert_eq!(value(&node, &base, "first").await, "tabletabletable0".into());
    let sum = Message::from([("path", "sum")]);
    let with = |numbers: &[i64]| list(numbers.iter().copied());
    let base = base.with("parameters", with(&[1, 2]));
    assert_eq!(ask(&node, base.clone(), sum.clone()).await, Outcome::ok(3));
    let sum = sum.with("parameters", with(&[3, 4]));
    assert_eq!(ask(&node, base.clone(), sum.clone()).await, Outcome::ok(7));
    let sum = sum.with("body", Message::new().with("parameters", with(&[5])));
    assert_eq!(ask(&node, base.clone(), sum).await, Outcome::ok(5));
    let none = Message::from([("path", "count")]).with("parameters", List::default());
    assert_eq!(ask(&node, base, none).await, Outcome::ok(0));
}

#[actix_rt::test]
async fn keys_of_the_base_are_looked_up_and_never_called() {
    let node = TestNode::start().await;
    let base =
        scripted("function count() return 'called' end function Other() return 'called' end");
    let base = base.with("count", 5).with("Other", 6).with("a_b", 7);
    for (key, held) in [("count", 5), ("Other", 6), ("a_b", 7)] {
        assert_eq!(value(&node, &base, key).await, held.into());
    }
    let keys = value(&node, &base, "keys").await;
    assert!(keys.as_list().unwrap().contains(&"count".into()));
    let changed = ask(&node, base, Message::from([("path", "set"), ("x", "y")])).await;
    assert_eq!(text(map(&changed.value), "x"), "y");
}

#[actix_rt::test]
async fn a_function_is_given_the_base_and_the_request_without_what_the_node_keeps() {
    let node = TestNode::start().await;
    let base = scripted("function show(base, req) return { base = base, req = req } end");
    let mut base = base.with("here", "x").with("deep", Message::from([("a", "b")]));
    base.set_private("secret", "s");
    let shown = ask(&node, base.clone(), Message::from([("path", "show"), ("k", "v")])).await;
    let shown = map(&shown.value);
    let given = map(shown.get("base").unwrap());
    assert_eq!(given.get("deep"), base.get("deep"));
    assert!(given.keys().all(|key| !key.to_text().contains("secret")));
    assert_eq!(shown.get("req").unwrap(), &Message::from([("path", "show"), ("k", "v")]).into());
}

#[actix_rt::test]
async fn results_are_a_value_or_a_status_and_a_value() {
    let node = TestNode::start().await;
    let base = scripted(
        "function one() return 5 end
         function two() return 'error', { status = 418, body = 'teapot' } end
         function skip(base) return 'skip', base end
         function none() end
         function three() return 'ok', 1, 2 end
         function odd() return 'whatever', 1 end
         function missing() return 'not_found', 'nothing' end
         function null() return nil end",
    );
    assert_eq!(call(&node, &base, "one").await.unwrap(), Outcome::ok(5));
    assert_eq!(call(&node, &base, "two").await.unwrap(), Outcome::refused(418, "teapot"));
    assert_eq!(call(&node, &base, "skip").await.unwrap().status, Status::Skip);
    let missing = call(&node, &base, "missing").await.unwrap();
    assert_eq!(missing.status, Status::named(b"not_found"));
    let null = value(&node, &base, "null").await;
    assert_eq!(null, Value::Atom(Atom::from_static("nil")));
    for function in ["none", "three", "odd"] {
        let error = call(&node, &base, function).await.unwrap_err();
        assert_eq!(error.http_status(), 500, "{error}");
    }
}

#[actix_rt::test]
async fn what_a_function_answers_is_all_of_the_next_message() {
    let node = TestNode::start().await;
    let base = scripted("function answer(base) return { a = 1 } end").with("b", 2);
    let answer = value(&node, &base, "answer").await;
    assert_eq!(answer, Message::new().with("a", 1).into());
    assert!(map(&answer).has_handles(), "with the script that made it");
}

#[actix_rt::test]
async fn values_cross_the_border_as_they_are() {
    let node = TestNode::start().await;
    let cases: [(&str, Value); 12] = [
        ("{}", Message::new().into()),
        ("{ b = { {} } }", Message::new().with("b", list([List::default()])).into()),
        ("{ 1, 'two', 3.5, true }", list([1.into(), "two".into(), Value::Float(3.5), true.into()])),
        ("{ ['1'] = 'a', ['2'] = 'b' }", list(["a", "b"])),
        ("{ [1] = 'a', [3] = 'c' }", Message::from([("1", "a"), ("3", "c")]).into()),
        ("{ a = 1, [1] = 'x' }", Message::new().with("a", 1).with("1", "x").into()),
        ("2.0", Value::Float(2.0)),
        ("7 // 2", 3.into()),
        ("9007199254740993", 9_007_199_254_740_993_i64.into()),
        ("'\\0\\255'", Value::bytes(vec![0, 255])),
        ("false", Value::Atom(Atom::FALSE)),
        ("{ x = nil, y = 1 }", Message::new().with("y", 1).into()),
    ];
    for (source, expected) in cases {
        assert_eq!(expression(&node, source).await, expected, "{source}");
    }
    let base = scripted("function kinds(b) return type(b.e) .. b.w .. type(b.yes) .. #b.l end");
    let base = base.with("e", List::default()).with("w", Atom::from_static("word"));
    let base = base.with("yes", true).with("l", list([1, 2]));
    assert_eq!(value(&node, &base, "kinds").await, "tablewordboolean2".into());
}

#[actix_rt::test]
async fn functions_are_listed_in_byte_order() {
    let node = TestNode::start().await;
    let base = scripted("function zz() return 1 end function Aa() end");
    assert!(call(&node, &base, "functions").await.unwrap().is_not_found());
    let base = map(&value(&node, &base, "init").await).clone();
    let names = value(&node, &base, "functions").await;
    let names: Vec<_> =
        names.as_list().unwrap().iter().map(|it| it.as_name().unwrap().clone()).collect();
    assert!(names.is_sorted());
    assert!(names.iter().any(|name| name == "Aa") && names.iter().any(|name| name == "zz"));
    assert_eq!(value(&node, &base, "zz").await, 1.into(), "it can be called after that");
}

#[actix_rt::test]
async fn a_script_is_a_handler_of_hooks() {
    let source = "function request(base, req)
        return 'ok', { body = { { body = 'i like turtles' } } } end";
    let handler = scripted(source);
    let on = Message::new().with("request", handler);
    let options = NodeMessage::from_message(&Message::new().with("on", on)).unwrap();
    let node = TestNode::configured(options).await;
    for _ in 0..3 {
        let answer = node.answer(Message::from([("path", "/anything")])).await;
        assert_eq!(text(&answer.message, "body"), "i like turtles", "{answer:?}");
    }
}
