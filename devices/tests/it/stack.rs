use oxbeam_kernel::{CallError, Outcome};
use oxbeam_protocol::{Atom, List, Message, Value};
use oxbeam_store::Persist;

use crate::node::TestNode;
use crate::script::{self, SCRIPT};

fn list<const N: usize>(items: [&str; N]) -> Value {
    items.into_iter().map(Value::from).collect()
}

fn stack<const N: usize>(devices: [&str; N]) -> Message {
    Message::from([("device", "stack@1.0")]).with("device-stack", list(devices))
}

async fn ask(node: &TestNode, base: Message, key: &str) -> Result<Outcome, CallError> {
    let request = Message::from([("path", key), ("bin", "_")]);
    node.context().resolve(base, request).await
}

async fn state(node: &TestNode, base: Message, key: &str) -> Message {
    let outcome = ask(node, base, key).await.unwrap();
    assert!(outcome.is_ok(), "{outcome:?}");
    outcome.value.as_map().unwrap().clone()
}

fn says<const N: usize>(says: [(&str, &str); N]) -> Message {
    says.into_iter().collect()
}

#[actix_rt::test]
async fn devices_answer_in_order_each_on_what_the_one_before_made() {
    let node = script::node().await;
    let result = state(&node, stack([SCRIPT, SCRIPT]).with("seen", "INIT"), "run").await;
    let expected = stack([SCRIPT, SCRIPT])
        .with("seen", "INIT 1.1_ 2.1_")
        .with("previous-device", Atom::from_static("dev_message"));
    assert_eq!(result, expected, "device, pass and device-key are as before");
}

#[actix_rt::test]
async fn a_numbered_map_is_a_stack_too_and_a_gap_ends_it() {
    let node = script::node().await;
    let devices = Message::from([("1", SCRIPT), ("2", SCRIPT), ("4", SCRIPT), ("named", SCRIPT)]);
    let result = state(&node, stack([]).with("device-stack", devices), "run").await;
    assert_eq!(result.get("seen"), Some(&"- 1.1_ 2.1_".into()));
}

#[actix_rt::test]
async fn a_skip_ends_the_run_with_its_message() {
    let node = script::node().await;
    let base = stack([SCRIPT, SCRIPT]).with("says", says([("1", "skip")]));
    let result = state(&node, base, "run").await;
    assert_eq!(result.get("seen"), Some(&"- 1.1_".into()));
    assert_eq!(result.get("device"), Some(&"stack@1.0".into()), "it is restored after a skip");
    assert!(!result.contains("device-key") && !result.contains("pass"));
}

#[actix_rt::test]
async fn a_pass_begins_again_and_devices_see_its_number() {
    let node = script::node().await;
    let base = stack([SCRIPT, SCRIPT]).with("says", says([("2.1", "pass")])).with("pass", 7);
    let result = state(&node, base, "run").await;
    assert_eq!(result.get("seen"), Some(&"- 1.1_ 2.1_ 1.2_ 2.2_".into()));
    assert_eq!(result.get("pass"), Some(&7.into()), "as it was before the run");
}

#[actix_rt::test]
async fn a_device_without_the_key_is_left_out() {
    let node = script::node().await;
    let result = state(&node, stack(["message@1.0", SCRIPT, "patch@1.0"]), "run").await;
    assert_eq!(result.get("seen"), Some(&"- 2.1_".into()));
    assert_eq!(result.get("device"), Some(&"stack@1.0".into()));
}

#[actix_rt::test]
async fn a_value_that_is_no_message_is_the_result() {
    let node = script::node().await;
    let outcome = ask(&node, stack(["message@1.0", SCRIPT, SCRIPT]), "value").await.unwrap();
    assert_eq!(outcome, Outcome::ok("a plain value"));
}

#[actix_rt::test]
async fn an_error_of_a_device_fails_the_stack_and_says_whose_it_is() {
    let node = script::node().await;
    let base = stack([SCRIPT, SCRIPT]).with("says", says([("2", "error")]));
    let error = ask(&node, base, "run").await.unwrap_err();
    assert_eq!(error.to_string(), "device 2 of the stack, script@1.0: error: this is wrong");
    assert_eq!(error.http_status(), 500);
    let base = stack([SCRIPT]).with("says", says([("1", "odd")]));
    assert_eq!(ask(&node, base, "run").await.unwrap_err().http_status(), 500);
}

#[actix_rt::test]
async fn only_stack_keys_are_answered_by_the_devices() {
    let node = script::node().await;
    let base = stack([SCRIPT]).with("stack-keys", list(["run"])).with("value", "stored");
    assert_eq!(ask(&node, base.clone(), "value").await.unwrap(), Outcome::ok("stored"));
    assert!(state(&node, base, "Run").await.contains("seen"));
}

#[actix_rt::test]
async fn stack_keys_and_devices_are_found_where_they_are_linked() {
    let node = script::node().await;
    let base = stack([SCRIPT]).with("stack-keys", list(["run"])).with("value", "stored");
    let contents = node.node.contents().unwrap();
    let id = contents.keep(&crate::node::proven(&base), Persist::Buffered).await.unwrap();
    let kept = contents.read(id).await.unwrap().unwrap().as_map().unwrap().clone();
    assert!(matches!(kept.get("stack-keys"), Some(Value::Link(_))));
    assert_eq!(ask(&node, kept.clone(), "value").await.unwrap(), Outcome::ok("stored"));
    assert_eq!(state(&node, kept, "run").await.get("seen"), Some(&"- 1.1_".into()));
}

#[actix_rt::test]
async fn a_map_collects_what_each_device_makes_of_the_same_base() {
    let node = script::node().await;
    let devices = Message::from([("1", SCRIPT), ("2", "message@1.0"), ("cool", SCRIPT)])
        .with("path", "no device");
    let base = stack([]).with("device-stack", devices).with("mode", "Map");
    let result = state(&node, base, "run").await;
    let seen = |key: &str| result.get(key).unwrap().as_map().unwrap().get("seen").cloned();
    assert_eq!(result.keys().map(|key| key.to_text()).collect::<Vec<_>>(), ["1", "cool"]);
    assert_eq!(seen("1"), Some("- 1.-_".into()));
    assert_eq!(seen("cool"), Some("- cool.-_".into()));
}

#[actix_rt::test]
async fn the_mode_of_the_request_comes_first() {
    let node = script::node().await;
    let request = Message::from([("path", "run"), ("mode", "Map")]);
    let base = stack([SCRIPT, SCRIPT]).with("mode", "Fold");
    let outcome = node.context().resolve(base.clone(), request.clone()).await.unwrap();
    assert_eq!(outcome.value.as_map().unwrap().len(), 2);
    let error = node.context().resolve(base, request.with("mode", "map")).await.unwrap_err();
    assert_eq!(error.to_string(), "the mode of a stack is Fold or Map");
}

#[actix_rt::test]
async fn a_snapshot_holds_no_copies_of_the_state() {
    let node = script::node().await;
    let base = stack(["dedup@1.0", SCRIPT, "patch@1.0"]).with("mode", "Map").with("count", 5);
    assert_eq!(state(&node, base, "snapshot").await, Message::new());
}

#[actix_rt::test]
async fn each_device_has_its_prefixes_and_the_first_ones_come_back() {
    let node = script::node().await;
    let prefixes = Message::from([("1", "in1/"), ("2", "in2/")]);
    let base =
        stack([SCRIPT, SCRIPT]).with("input-prefixes", prefixes).with("input-prefix", "own/");
    let member = node.run("/transform/2/show/shown", base.clone()).await.unwrap().value;
    let member = member.as_map().unwrap();
    assert_eq!(member.get("input-prefix"), Some(&"in2/".into()));
    assert_eq!(member.get("previous-input-prefix"), Some(&"own/".into()));
    let result = state(&node, base, "run").await;
    assert_eq!(result.get("input-prefix"), Some(&"in1/".into()), "the last step's view, as ever");
    assert_eq!(result.get("previous-input-prefix"), Some(&"in1/".into()));
    assert!(!result.contains("output-prefix"));
}

#[actix_rt::test]
async fn one_prefix_holds_for_all_devices() {
    let node = script::node().await;
    let base = stack([SCRIPT, SCRIPT]).with("output-prefix", "combined-out/");
    for number in ["1", "2"] {
        let path = format!("/transform/{number}/show/shown/output-prefix");
        let prefix = node.run(&path, base.clone()).await.unwrap();
        assert_eq!(prefix, Outcome::ok("combined-out/"));
    }
}

#[actix_rt::test]
async fn transform_asks_one_device_by_its_name() {
    let node = script::node().await;
    let devices = Message::from([("make-cool", SCRIPT), ("other", "message@1.0")]);
    let base = stack([]).with("device-stack", devices);
    let seen = node.run("/transform/make-cool/run/seen", base.clone()).await.unwrap();
    assert_eq!(seen, Outcome::ok("- make-cool.--"));
    assert!(node.run("/transform/none/run", base).await.unwrap().is_not_found());
}

#[actix_rt::test]
async fn keys_does_not_run_the_stack() {
    let node = script::node().await;
    let outcome = ask(&node, stack(["multipass@1.0"]).with("keys", "mine"), "keys").await.unwrap();
    assert!(outcome.is_ok() && !matches!(outcome.value, Value::Map(_)), "{outcome:?}");
}

#[actix_rt::test]
async fn a_stack_without_devices_is_refused() {
    let node = script::node().await;
    let base = stack([]).without(&["device-stack"]);
    let error = ask(&node, base.clone(), "run").await.unwrap_err();
    assert_eq!(error.to_string(), "no_valid_device_stack: the stack has no devices");
    for mode in ["Fold", "Map"] {
        let base = base.clone().with("device-stack", "script@1.0").with("mode", mode);
        let error = ask(&node, base, "run").await.unwrap_err();
        assert_eq!(error.to_string(), "device-stack is neither a list nor a map");
    }
    let unknown = stack(["no-such-device@1.0"]);
    assert_eq!(ask(&node, unknown, "run").await.unwrap_err().http_status(), 500);
    let keys = stack([SCRIPT]).with("stack-keys", 5);
    assert_eq!(ask(&node, keys, "run").await.unwrap_err().http_status(), 500);
    let odd: List = [Value::from(5), Message::new().into()].into_iter().collect();
    let odd = stack([]).with("device-stack", odd);
    assert_eq!(ask(&node, odd, "run").await.unwrap_err().http_status(), 500);
}

#[actix_rt::test]
async fn an_empty_stack_answers_with_its_base() {
    let node = script::node().await;
    assert_eq!(state(&node, stack([]), "run").await, stack([]));
}

#[actix_rt::test]
async fn passes_without_end_are_ended() {
    let node = script::node().await;
    let base = stack(["multipass@1.0"]).with("passes", i64::MAX);
    let error = ask(&node, base, "run").await.unwrap_err();
    assert!(matches!(error, CallError::TooManyPasses { limit: 1000 }), "{error:?}");
    assert_eq!(error.http_status(), 508);
    // Setting the number back does not help either.
    let base = stack([SCRIPT, "multipass@1.0"]).with("says", says([("1", "pass")]));
    assert_eq!(ask(&node, base, "run").await.unwrap_err().http_status(), 508);
}

#[actix_rt::test]
async fn a_stack_of_itself_is_ended() {
    let node = script::node().await;
    for mode in ["Fold", "Map"] {
        let base = stack(["stack@1.0", "stack@1.0"]).with("mode", mode);
        let error = ask(&node, base, "run").await.unwrap_err();
        assert!(matches!(error, CallError::TooDeep { .. }), "{error:?}");
        assert_eq!(error.http_status(), 508);
    }
}

#[actix_rt::test]
async fn over_http_a_stack_answers_like_any_device() {
    let node = script::node().await;
    let request = stack(["message@1.0", "message@1.0"]).with("path", "/append");
    let answer = node.node.answer(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let pass = Message::from([("device", "multipass@1.0"), ("passes", "2"), ("path", "/compute")]);
    assert_eq!(node.node.answer(pass).await.status, 500, "pass means nothing outside a stack");
}
