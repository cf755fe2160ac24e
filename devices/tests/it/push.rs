//! What processes send, from the slot that sends it to the slots that it leads to.

mod again;
mod background;
mod later;
mod refused;
mod scene;
mod stopped;

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::commitment::{self, signed_id, unsigned_id};
use oxbeam_protocol::{Message, Value};

pub(crate) use self::scene::Scene;
use self::scene::{map, text};

#[actix_rt::test]
async fn a_push_delivers_and_computes_what_the_slot_sends() {
    let scene = Scene::new().await;
    let sent = [("1", scene.to_b("Hello")), ("2", scene.to_b("Again"))];
    let report = scene.push(scene.sends(sent)).await;
    assert_eq!(report.get("slot"), Some(&1.into()));
    assert_eq!(text(&report, "process"), scene.a.to_string());
    assert_eq!(text(&report, "data"), "done", "the results are in the answer");
    for (key, slot) in [("1", 1), ("2", 2)] {
        let one = map(report.get(key));
        assert_eq!(text(&one, "target"), scene.b.to_string());
        assert_eq!(one.get("slot"), Some(&slot.into()));
        let led_to = map(one.get("resulted-in"));
        assert_eq!(led_to.len(), 2, "deeper levels are without results: {led_to:?}");
        assert_eq!(led_to.get("slot"), Some(&slot.into()));
        assert_eq!(text(&led_to, "process"), scene.b.to_string());
    }
    assert_eq!(scene.seen(scene.b).await, "-HelloAgain");
}

#[actix_rt::test]
async fn a_delivered_message_says_who_sent_it_and_is_signed_by_the_node() {
    let scene = Scene::new().await;
    let report = scene.push(scene.sends([("1", scene.to_b("Hello"))])).await;
    let store = scene.node.node.store().unwrap();
    let assignment = oxbeam_kernel::assignment::read(&*store, scene.b, 1).await.unwrap().unwrap();
    let body = map(assignment.get("body"));
    let definition = scene.node.node.contents().unwrap().read(scene.a).await.unwrap().unwrap();
    let uncommitted = unsigned_id(&definition).unwrap().to_string();
    assert_eq!(text(&body, "action"), "Hello", "keys are in lower case");
    assert_eq!(text(&body, "from-process"), scene.a.to_string());
    assert_eq!(text(&body, "from-uncommitted"), uncommitted);
    assert_eq!(text(&body, "from-base"), uncommitted);
    assert_eq!(text(&body, "from-scheduler"), scene.node.node.address());
    assert_eq!(text(&body, "from-authority"), scene.node.node.address());
    assert_eq!(text(&body, "type"), "Message");
    assert_eq!(commitment::committers(&body), [scene.node.node.address()]);
    let id = signed_id(&body.clone().into()).unwrap().to_string();
    assert_eq!(text(&map(report.get("1")), "id"), id);
    scene.node.node.authenticate(body).await.unwrap();
}

#[actix_rt::test]
async fn a_slot_that_sends_nothing_answers_with_its_results() {
    let scene = Scene::new().await;
    let report = scene.push(scene.message(Message::new())).await;
    assert_eq!(map(report.get("outbox")), Message::new());
    assert_eq!(text(&report, "data"), "done");
}

#[actix_rt::test]
async fn what_nobody_pushes_is_not_delivered_until_somebody_does() {
    let scene = Scene::new().await;
    let message = scene.sends([("1", scene.to_b("Hello"))]);
    let answer = scene.post(&format!("/{}/schedule", scene.a), message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(scene.seen(scene.a).await, "--", "the slot is computed");
    let store = scene.node.node.store().unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(u64::MAX), "and nothing is due");
    assert_eq!(scene.slot_of(scene.b).await, 0);
    let path = format!("/{}/push?slot=1", scene.a);
    let report = scene.post(&path, Message::new()).await.message;
    assert_eq!(report.get("slot"), Some(&"1".into()), "as the client wrote it");
    assert_eq!(scene.slot_of(scene.b).await, 1);
}

#[actix_rt::test]
async fn depth_says_how_many_levels_hold_results() {
    let scene = Scene::new().await;
    scene.push(scene.sends([("1", scene.to_b("Hello"))])).await;
    for (depth, outer, inner) in [("0", false, false), ("1", true, false), ("2", true, true)] {
        let path = format!("/{}/push?slot=1&result-depth={depth}", scene.a);
        let report = scene.post(&path, Message::new()).await.message;
        assert_eq!(report.contains("data"), outer, "{depth}");
        let led_to = map(map(report.get("1")).get("resulted-in"));
        assert_eq!(led_to.contains("data"), inner, "{depth}");
    }
}

#[actix_rt::test]
async fn processes_that_never_stop_hold_no_push_for_ever() {
    let mut configuration = NodeMessage::default();
    configuration.settings.push_depth = 3;
    let scene = Scene::configured(configuration).await;
    let ping = Message::from([("action", "Ping")]).with("peer", scene.b.to_string());
    let mut at = scene.push(scene.message(ping)).await;
    let mut levels = 0;
    while let Some(Value::Map(next)) = map(at.get("1")).get("resulted-in") {
        (at, levels) = (next.clone(), levels + 1);
    }
    assert_eq!(levels, 3);
    assert_eq!(text(&map(at.get("1")), "response"), "pending");
    scene.reaches(scene.b, 6).await;
}

#[actix_rt::test]
async fn an_entry_may_say_what_to_resolve_when_it_is_sent() {
    let scene = Scene::new().await;
    let resolve = |path: &str| scene.to_b("x").with("resolve", path);
    let sent = [("1", resolve("/~scheduler@1.0/status")), ("2", resolve("/nothing/there"))];
    scene.push(scene.sends(sent)).await;
    let store = scene.node.node.store().unwrap();
    let body = async |slot| {
        let read = oxbeam_kernel::assignment::read(&*store, scene.b, slot).await;
        map(read.unwrap().unwrap().get("body"))
    };
    let first = body(1).await;
    assert_eq!(text(&first, "address"), scene.node.node.address());
    assert_eq!(text(&first, "from-process"), scene.a.to_string());
    let second = body(2).await;
    assert_eq!(text(&second, "resolve"), "error");
    assert_eq!(text(&second, "outbox-index"), "2");
}
