//! Scripts that live in processes: what they keep from slot to slot, and over restarts.

use oxbeam_kernel::{NodeMessage, Wanted, record};
use oxbeam_protocol::{Id, List, Message, Value};
use oxbeam_store::NewCheckpoint;

use super::{map, module, now, read, scripted, send, spawn, spawn_with, text};
use crate::node::TestNode;

/// State in a global, in an upvalue, in a closure, in a metatable, and in the message.
const KEEPER: &str = "
    count = 0
    local function counter() local n = 0 return function() n = n + 10 return n end end
    local tens = counter()
    local shadow = setmetatable({}, { __index = function(_, key) return key .. count end })
    history = {}
    function compute(base, req)
        count = count + 1
        history[#history + 1] = req.body.data or 'none'
        base.count = count
        base.tens = tens()
        base.shadow = shadow.at
        base.random = math.random(1000000)
        base.history = table.concat(history, ',')
        base.table = base.table or {}
        base.table['k' .. count] = { n = count }
        return base
    end
    function inc(base, req) base.by = (base.by or 0) + (req.body.by or 1) return base end";

async fn whole(node: &TestNode, process: Id) -> Message {
    let state = node.node.state(&node.context(), process, Wanted::Now).await.unwrap();
    map(&state.into_result().unwrap()).clone().without_private()
}

async fn send_data(node: &TestNode, process: Id, data: &str) {
    send(node, process, Message::from([("data", data)])).await;
}

#[actix_rt::test]
async fn globals_closures_and_the_state_go_from_slot_to_slot() {
    let node = TestNode::start().await;
    let process = spawn(&node, KEEPER).await;
    for data in ["a", "b", "c"] {
        send_data(&node, process, data).await;
    }
    let state = whole(&node, process).await;
    assert_eq!(state.get("count"), Some(&4.into()));
    assert_eq!(state.get("tens"), Some(&40.into()));
    assert_eq!(text(&state, "shadow"), "at4");
    assert_eq!(text(&state, "history"), "none,a,b,c");
    assert_eq!(map(state.get("table").unwrap()).len(), 4);
    assert_eq!(state.get("at-slot"), Some(&3.into()));
    assert_eq!(text(&state, "device"), "process@1.0");
    assert!(!state.contains("snapshot") && state.contains("process"));
}

#[actix_rt::test]
async fn a_message_with_a_path_calls_that_function() {
    let node = TestNode::start().await;
    let process = spawn(&node, KEEPER).await;
    send(&node, process, Message::from([("path", "inc")]).with("by", 4)).await;
    send(&node, process, Message::from([("path", "inc")])).await;
    assert_eq!(now(&node, process, "by").await, 5.into());
    assert_eq!(now(&node, process, "count").await, 1.into());
}

#[actix_rt::test]
async fn after_a_restart_a_process_goes_on_as_if_nothing_had_been() {
    let checkpoints = Message::new().with("process_snapshot_slots", 3);
    let node = TestNode::with(checkpoints.clone()).await;
    let process = spawn(&node, KEEPER).await;
    let twin = spawn_with(&node, scripted(KEEPER).with("name", "twin")).await;
    for data in ["a", "b", "c", "d", "e"] {
        send_data(&node, process, data).await;
        send_data(&node, twin, data).await;
        now(&node, process, "count").await;
    }
    let before = whole(&node, process).await;
    let options = NodeMessage::from_message(&checkpoints).unwrap();
    let node = node.restarted(options.clone(), Vec::new()).await;
    assert_eq!(whole(&node, process).await, before);
    let node = node.restarted(options, Vec::new()).await;
    for data in ["f", "g"] {
        send_data(&node, process, data).await;
        send_data(&node, twin, data).await;
    }
    let (state, twin) = (whole(&node, process).await, whole(&node, twin).await);
    assert_eq!(state.get("tens"), Some(&80.into()));
    for key in ["count", "tens", "shadow", "random", "history", "table"] {
        assert_eq!(state.get(key), twin.get(key), "{key}: one computed in one go, one in three");
    }
}

#[actix_rt::test]
async fn a_checkpoint_of_a_guest_that_is_no_more_is_passed_over() {
    let node = TestNode::start().await;
    let process = spawn(&node, KEEPER).await;
    for data in ["a", "b", "c"] {
        send_data(&node, process, data).await;
    }
    let before = whole(&node, process).await;
    let strange = Message::from([("body", "memory"), ("rest", "OXS1, and another guest's id")]);
    let state = record::encode(&before.clone().with("snapshot", strange).into()).unwrap();
    let hashpath = String::new();
    let checkpoint = NewCheckpoint { process, slot: 3, hashpath, state, memory: None };
    node.node.store().unwrap().put_checkpoint(checkpoint).await.unwrap();
    let node = node.restarted(NodeMessage::default(), Vec::new()).await;
    assert_eq!(whole(&node, process).await, before);
    send_data(&node, process, "d").await;
    assert_eq!(now(&node, process, "history").await, "none,a,b,c,d".into());
}

#[actix_rt::test]
async fn the_past_is_computed_by_a_script_of_its_own() {
    let node = TestNode::start().await;
    let process = spawn(&node, KEEPER).await;
    for n in 0..40 {
        send_data(&node, process, &n.to_string()).await;
    }
    assert_eq!(now(&node, process, "count").await, 41.into());
    for slot in [3, 20, 1] {
        let past = read(&node, process, &format!("compute&slot={slot}/tens")).await.unwrap();
        assert_eq!(past.value, (10 * (slot + 1)).into());
    }
    send_data(&node, process, "last").await;
    assert_eq!(now(&node, process, "tens").await, 420.into());
}

#[actix_rt::test]
async fn a_dry_run_sees_the_globals_and_changes_nothing() {
    let node = TestNode::start().await;
    let source = format!(
        "{KEEPER} function info(base, req) count = count + 100 return tostring(count) .. req.who end"
    );
    let process = spawn(&node, &source).await;
    send_data(&node, process, "a").await;
    assert_eq!(now(&node, process, "count").await, 2.into());
    let ask = || async {
        let path = format!("/{process}~process@1.0/as=execution/info&who=me");
        node.run(&path, Message::new()).await.unwrap().into_result().unwrap()
    };
    assert_eq!(ask().await, "102me".into());
    assert_eq!(ask().await, "102me".into());
    let asked = read(&node, process, "as/device").await.unwrap();
    assert_eq!(asked.value, "lua@5.3a".into());
    send_data(&node, process, "b").await;
    assert_eq!(now(&node, process, "count").await, 3.into());
}

#[actix_rt::test]
async fn a_snapshot_without_a_script_is_refused() {
    let node = TestNode::start().await;
    let outcome = super::call(&node, &scripted(""), "snapshot").await.unwrap();
    let text = "Cannot snapshot Lua state: state not initialized.";
    assert_eq!(outcome, oxbeam_kernel::Outcome::error(text));
    super::call(&node, &scripted(""), "normalize").await.unwrap_err();
}

#[actix_rt::test]
async fn a_script_is_restored_in_a_stack_by_its_place() {
    let checkpoints = Message::new().with("process_snapshot_slots", 1);
    let node = TestNode::with(checkpoints.clone()).await;
    let devices: List = ["dedup@1.0", "lua@5.3a"].map(Value::from).into_iter().collect();
    let modules: List = [module("m.lua", KEEPER)].into_iter().collect();
    let definition = Message::from([("execution-device", "stack@1.0")]);
    let definition = definition.with("device-stack", devices).with("module", modules);
    let process = spawn_with(&node, definition).await;
    send_data(&node, process, "a").await;
    assert_eq!(now(&node, process, "tens").await, 20.into());
    let options = NodeMessage::from_message(&checkpoints).unwrap();
    let node = node.restarted(options, Vec::new()).await;
    send_data(&node, process, "b").await;
    assert_eq!(now(&node, process, "tens").await, 30.into());
    assert_eq!(now(&node, process, "history").await, "none,a,b".into());
}

#[actix_rt::test]
async fn time_is_that_of_the_assignment() {
    let node = TestNode::start().await;
    let source = "loaded = os.time()
        function compute(base, req)
            base.loaded = loaded == 0
            base.same = math.abs(os.time() * 1000 - req.timestamp) < 2
            return base
        end";
    let process = spawn(&node, source).await;
    assert!(now(&node, process, "same").await.is_name("true"));
    assert!(now(&node, process, "loaded").await.is_name("true"));
}
