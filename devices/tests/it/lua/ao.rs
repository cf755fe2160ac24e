//! What a script asks its node.

use oxbeam_protocol::{List, Value};

use super::{call, expression, map, scripted, text, value};
use crate::node::TestNode;

#[actix_rt::test]
async fn resolve_takes_a_path_a_message_or_steps() {
    let node = TestNode::start().await;
    for (source, expected) in [
        ("select(2, ao.resolve({ path = '/hello', hello = 'world' }))", "world"),
        ("select(2, ao.resolve({ a = { b = 'deep' } }, 'a/b'))", "deep"),
        ("select(2, ao.resolve({ a = { b = 'deep' } }, { path = 'a' }, { path = 'b' }))", "deep"),
        ("select(2, ao.resolve({ a = { b = 'deep' } }, 'a', 'b'))", "deep"),
        ("(ao.resolve({ a = 1 }, 'a'))", "ok"),
        ("table.concat({ ao.resolve({ a = 1 }, 'missing') }, ' ')", "error not_found"),
        ("select(2, ao.resolve({ a = '1' }, { path = 'set', b = '2' })).b", "2"),
        ("ao.get('a/b', { a = { b = 'deep' } })", "deep"),
        ("ao.get('x', { a = 1 })", "not_found"),
        ("ao.set({ x = '1' }, 'y', '2').y", "2"),
        ("ao.set({ x = { y = '1' } }, 'x/z', '2').x.z", "2"),
        ("ao.set({ x = { y = '1' } }, { x = { z = '2' } }).x.y", "1"),
        ("ao.event('group', { x = 1 })", "ok"),
    ] {
        assert_eq!(expression(&node, source).await, expected.into(), "{source}");
    }
    let second = "select(2, ao.resolve({ a = { 1, 2 } }, { path = 'a' }, { path = '2' }))";
    assert_eq!(expression(&node, second).await, 2.into());
    let address = "select(2, ao.resolve({ path = '/~meta@1.0/info/address' }))";
    assert_eq!(expression(&node, address).await, node.node.address().into());
}

#[actix_rt::test]
async fn a_message_can_be_run_as_another_device() {
    let node = TestNode::start().await;
    let index =
        "select(2, ao.resolve({ 'as', 'test-device@1.0', { name = 'dogs' } }, 'index')).body";
    assert_eq!(expression(&node, index).await, "i like dogs!".into());
    let key = "select(2, ao.resolve({ name = 'cats' }, { 'as', 'test-device@1.0', { path = 'index' } })).body";
    assert_eq!(expression(&node, key).await, "i like cats!".into());
    let get = "ao.get('test_func', { 'as', 'test-device@1.0', {} })";
    assert_eq!(expression(&node, get).await, "GOOD_FUNCTION".into());
}

#[actix_rt::test]
async fn the_library_is_added_to_a_table_that_the_script_has_made() {
    let node = TestNode::start().await;
    let base = scripted(
        "ao = { mine = function() return 'mine' end } old = ao
         function answer()
             local names = {} for name in pairs(ao) do names[#names + 1] = name end
             return { names = table.concat(names, ' '), mine = ao.mine(), old = type(old.get) }
         end",
    );
    let answer = value(&node, &base, "answer").await;
    assert_eq!(text(map(&answer), "names"), "event get mine resolve set");
    assert_eq!(text(map(&answer), "mine"), "mine");
    assert_eq!(text(map(&answer), "old"), "nil");
}

#[actix_rt::test]
async fn wrong_arguments_can_be_caught_and_unknown_devices_cannot() {
    let node = TestNode::start().await;
    for source in ["ao.resolve", "ao.get", "ao.set", "function() return ao.set({}) end"] {
        let caught = expression(&node, &format!("(pcall({source}))")).await;
        assert!(caught.is_name("false"), "{source}: {caught:?}");
    }
    let base = scripted(
        "function answer() return pcall(ao.resolve, { device = 'nosuch@1.0' }, 'x') and 1 or 2 end",
    );
    let ended = call(&node, &base, "answer").await.unwrap().into_result().unwrap_err();
    assert_eq!(map(&ended.value).get("status"), Some(&500.into()));
    assert!(text(map(&ended.value), "body").contains("nosuch@1.0"));
}

#[actix_rt::test]
async fn a_device_sandbox_holds_however_deep_the_script_asks() {
    let node = TestNode::start().await;
    let base = scripted(
        "function direct() return select(2, ao.resolve({ device = 'test-device@1.0' }, 'test_func')) end
         function nested() return select(2, ao.resolve({ device = 'stack@1.0',
             ['device-stack'] = { 'test-device@1.0' } }, 'load')).device end
         function plain() return ao.get('a', { a = 'b' }) end",
    );
    let names = |names: &[&str]| -> List { names.iter().map(|name| Value::from(*name)).collect() };
    assert_eq!(value(&node, &base, "direct").await, "GOOD_FUNCTION".into());
    let closed = base.clone().with("device-sandbox", names(&["stack@1.0"]));
    for function in ["direct", "nested"] {
        assert!(!call(&node, &closed, function).await.unwrap().is_ok(), "{function}");
    }
    assert_eq!(value(&node, &closed, "plain").await, "b".into());
    let open = base.clone().with("device-sandbox", names(&["test-device@1.0"]));
    assert_eq!(value(&node, &open, "direct").await, "GOOD_FUNCTION".into());
    let unknown = base.with("device-sandbox", names(&["nosuch@1.0"]));
    call(&node, &unknown, "plain").await.unwrap_err();
}

#[actix_rt::test]
async fn a_device_sandbox_holds_after_a_restart() {
    let node = TestNode::start().await;
    let base = scripted(
        "function direct() return select(2, ao.resolve({ device = 'test-device@1.0' }, 'test_func')) end
         function drop(base) base['device-sandbox'] = nil return base end",
    );
    let none: List = ["structured@1.0"].map(Value::from).into_iter().collect();
    let base = map(&value(&node, &base.with("device-sandbox", none), "drop").await).clone();
    assert!(!base.contains("device-sandbox"));
    let snapshot = value(&node, &base, "snapshot").await;
    let base = base.without_handles().with("snapshot", snapshot);
    let base = map(&value(&node, &base, "normalize").await).clone();
    assert!(!call(&node, &base, "direct").await.unwrap().is_ok());
}
