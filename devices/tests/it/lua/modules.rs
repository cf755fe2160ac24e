//! Where the source of a script lies, and what it finds there.

use oxbeam_kernel::Outcome;
use oxbeam_protocol::commitment::unsigned_id;
use oxbeam_protocol::{List, Message, Value};
use oxbeam_store::Persist;

use super::{call, map, module, scripted, text, value};
use crate::node::TestNode;

const ANSWER: &str = "function answer() return 'from here' end";

fn with_module(module: impl Into<Value>) -> Message {
    Message::from([("device", "lua@5.3a")]).with("module", module)
}

#[actix_rt::test]
async fn a_module_is_a_message_a_list_a_map_or_an_id() {
    let node = TestNode::start().await;
    let source = Message::from([("content-type", "application/lua"), ("body", ANSWER)]);
    let typed = Message::from([("content-type", "text/x-lua"), ("data", ANSWER)]);
    let list: List = [module("a.lua", ANSWER)].into_iter().collect();
    let numbered = Message::new().with("1", module("a.lua", ANSWER));
    let kept = Message::from([("body", ANSWER)]);
    node.node.contents().unwrap().keep(&crate::node::proven(&kept), Persist::Synced).await.unwrap();
    let id = unsigned_id(&kept.into()).unwrap().to_string();
    let ids: List = [Value::from(id.clone())].into_iter().collect();
    let forms: [Value; 6] =
        [source.into(), typed.into(), list.into(), numbered.into(), id.into(), ids.into()];
    for form in forms {
        let base = with_module(form.clone());
        assert_eq!(value(&node, &base, "answer").await, "from here".into(), "{form:?}");
    }
}

#[actix_rt::test]
async fn later_modules_see_the_globals_of_earlier_ones() {
    let node = TestNode::start().await;
    let modules: List = [
        module("a", "x = 1"),
        module("b", "x = x + 1"),
        module("c", "function answer() return x end"),
    ]
    .into_iter()
    .collect();
    assert_eq!(value(&node, &with_module(modules), "answer").await, 2.into());
}

#[actix_rt::test]
async fn a_module_that_is_not_there_is_told() {
    let node = TestNode::start().await;
    let nothing = Message::from([("device", "lua@5.3a")]);
    let outcome = call(&node, &nothing, "answer").await.unwrap();
    assert_eq!(outcome, Outcome::error("no-modules-found"));
    let id = "a".repeat(43);
    let missing = call(&node, &with_module(id.clone()), "answer").await.unwrap();
    let sentence = format!("Lua module '{id}' not found.");
    assert_eq!(missing, Outcome::refused(404, sentence));
    let empty: List = [Value::from(Message::from([("name", "x")]))].into_iter().collect();
    let empty = call(&node, &with_module(empty), "answer").await.unwrap().into_result();
    let empty = empty.unwrap_err().value;
    assert_eq!(map(&empty).get("status"), Some(&404.into()));
    assert!(map(&empty).contains("module"));
    call(&node, &with_module("return 1"), "answer").await.unwrap_err();
}

#[actix_rt::test]
async fn a_module_that_does_not_load_says_where() {
    let node = TestNode::start().await;
    for source in ["function answer( return 1 end", "local x = nil; x.y = 1", "error('no')"] {
        let error = call(&node, &scripted(source), "answer").await.unwrap_err();
        assert_eq!(error.http_status(), 500);
        assert!(error.to_string().contains("main.lua"), "{error}");
    }
}

#[actix_rt::test]
async fn starting_twice_changes_nothing() {
    let node = TestNode::start().await;
    let base = scripted("n = 0 function count(base) n = n + 1 base.n = n return base end");
    let base = map(&value(&node, &base, "init").await).clone();
    assert!(base.has_handles());
    let base = map(&value(&node, &base, "count").await).clone();
    let base = map(&value(&node, &base, "init").await).clone();
    let base = map(&value(&node, &base, "count").await).clone();
    assert_eq!(base.get("n"), Some(&2.into()));
}

#[actix_rt::test]
async fn a_script_goes_on_with_what_it_answered_and_leaves_what_it_was_asked_on() {
    let node = TestNode::start().await;
    let base = scripted("n = 0 function count(base) n = n + 1 base.n = n return base end");
    let first = map(&value(&node, &base, "count").await).clone();
    let second = map(&value(&node, &first, "count").await).clone();
    assert_eq!(second.get("n"), Some(&2.into()));
    let error = call(&node, &first, "count").await.unwrap_err();
    assert!(error.to_string().contains("has gone on"), "{error}");
    // Without a script it begins anew.
    let again = value(&node, &second.without_handles(), "count").await;
    assert_eq!(map(&again).get("n"), Some(&1.into()));
}

const TYPES: &str = "
    early = type(os.exit) .. ' ' .. type(ao)
    function answer()
        return { early = early, exit = type(os.exit), io = type(io), load = type(load),
            time = type(os.time), by = type(os.exit) ~= 'function' and os.exit or nil }
    end";

#[actix_rt::test]
async fn a_sandbox_replaces_what_it_names_once_the_modules_are_loaded() {
    let node = TestNode::start().await;
    let open = value(&node, &scripted(TYPES), "answer").await;
    assert_eq!(text(map(&open), "load"), "function");
    let closed = scripted(TYPES).with("sandbox", true);
    let closed = value(&node, &closed, "answer").await;
    let closed = map(&closed);
    for (key, kind) in [("exit", "string"), ("io", "string"), ("load", "string")] {
        assert_eq!(text(closed, key), kind, "{key}");
    }
    assert_eq!(text(closed, "time"), "function");
    assert_eq!(text(closed, "by"), "sandboxed");
    assert!(text(closed, "early").ends_with(" nil"), "no ao while loading");
    let some: List = ["os.exit"].map(Value::from).into_iter().collect();
    let some = value(&node, &scripted(TYPES).with("sandbox", some), "answer").await;
    assert_eq!(
        (text(map(&some), "exit"), text(map(&some), "load")),
        ("string".into(), "function".into())
    );
    let other = Message::new().with("os.exit", 7);
    let other = value(&node, &scripted(TYPES).with("sandbox", other), "answer").await;
    assert_eq!(map(&other).get("by"), Some(&7.into()));
}
