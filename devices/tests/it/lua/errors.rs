//! How scripts end that do not return, and that nobody else notices.

use std::time::Duration;

use actix_rt::time::timeout;
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Message, Value};

use super::{call, map, now, read, scripted, send, spawn, text};
use crate::node::TestNode;

async fn limited(fuel: i64, memory: i64) -> TestNode {
    let options = Message::new().with("guest_fuel", fuel).with("guest_memory_bytes", memory);
    TestNode::configured(NodeMessage::from_message(&options).unwrap()).await
}

async fn failed(node: &TestNode, source: &str) -> Message {
    let outcome = call(node, &scripted(source), "answer").await.unwrap();
    map(&outcome.into_result().unwrap_err().value).clone()
}

#[actix_rt::test]
async fn an_error_says_what_and_where_and_who_called() {
    let node = TestNode::start().await;
    let source =
        "local function inner(x)\n error('boom') \nend\nfunction answer(base)\n inner(7)\n end";
    let error = failed(&node, source).await;
    assert_eq!(error.get("status"), Some(&500.into()));
    assert_eq!(text(&error, "body"), "main.lua:2: boom");
    let trace = map(error.get("trace").unwrap());
    let lines: Vec<_> = trace.iter().filter_map(|(_, frame)| map(frame).get("line")).collect();
    assert!(lines.contains(&&"main.lua:2".into()), "{trace:?}");
    assert!(lines.contains(&&"main.lua:5".into()), "{trace:?}");
    let first = map(trace.get("1").unwrap());
    assert_eq!(map(first.get("parameters").unwrap()).get("1"), Some(&"boom".into()));
}

#[actix_rt::test]
async fn a_function_that_is_not_there_is_an_error() {
    let node = TestNode::start().await;
    let error = failed(&node, "function other() end").await;
    assert_eq!(error.get("status"), Some(&500.into()));
    assert!(text(&error, "body").contains("undefined function"), "{error:?}");
}

#[actix_rt::test]
async fn what_uses_up_its_fuel_or_memory_ends_and_is_told_the_limit() {
    let node = limited(50_000_000, 16 << 20).await;
    let endless = failed(&node, "function answer() while true do end end").await;
    assert!(text(&endless, "body").contains("50000000"), "{endless:?}");
    let caught = "function answer() while true do pcall(function() while true do end end) end end";
    assert!(text(&failed(&node, caught).await, "body").contains("50000000"));
    let node = limited(10_000_000_000, 16 << 20).await;
    let huge =
        failed(&node, "function answer() local t = {} while true do t[#t + 1] = { #t } end end")
            .await;
    assert!(text(&huge, "body").contains("16777216"), "{huge:?}");
}

#[actix_rt::test]
async fn a_runaway_script_holds_up_nobody() {
    let node = limited(1 << 60, 16 << 20).await;
    let runaway = spawn(&node, "function compute() while true do end end").await;
    let other = spawn(&node, "function compute(b) b.n = (b.n or 0) + 1 return b end").await;
    let node = &node;
    let computed = async {
        for n in 1..20 {
            send(node, other, Message::new().with("n", n)).await;
            assert_eq!(now(node, other, "n").await, Value::from(n + 1));
        }
    };
    let others = async {
        tokio::select! {
            ended = read(node, runaway, "now") => panic!("an endless script ended: {ended:?}"),
            () = computed => {}
        }
    };
    timeout(Duration::from_secs(60), others).await.expect("the other process waits for it");
}

#[actix_rt::test]
async fn a_slot_that_fails_leaves_the_script_as_it_was_before() {
    let node = TestNode::start().await;
    let process = spawn(
        &node,
        "n = 0
         function compute(base, req)
             n = n + 1
             if req.body.action == 'Fail' then return 'error', { status = 418, body = 'teapot' } end
             if req.body.action == 'Raise' then error('boom') end
             base.n = n
             return base
         end",
    )
    .await;
    send(&node, process, Message::from([("action", "Fine")])).await;
    assert_eq!(now(&node, process, "n").await, 2.into());
    send(&node, process, Message::from([("action", "Fail")])).await;
    for _ in 0..3 {
        let failed = read(&node, process, "now").await.unwrap().into_result().unwrap_err();
        let failed = map(&failed.value);
        assert_eq!(failed.get("status"), Some(&418.into()));
        assert_eq!(failed.get("attempted-slot"), Some(&2.into()));
        assert_eq!(text(failed, "phase"), "compute");
    }
    let last = read(&node, process, "compute/n").await.unwrap().into_result().unwrap();
    assert_eq!(last, 2.into(), "earlier slots stay");
    let path = format!("/{process}~process@1.0/as=execution/compute");
    let request = Message::from([("action", "x")]).with("body", Message::new());
    let dry = node.run(&path, request).await.unwrap().into_result().unwrap();
    assert_eq!(map(&dry).get("n"), Some(&3.into()));
}
