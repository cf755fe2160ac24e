//! What goes on when a push has answered.

use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{EntryKey, Status};

use super::scene::{Scene, map, rows, text};

#[actix_rt::test]
async fn what_a_push_owed_is_delivered_after_a_restart() {
    let mut scene = Scene::new().await;
    let relayed = Message::new().with("1", Message::from([("target", scene.a.to_string())]));
    let sent = scene.to_b("Relay").with("send", relayed);
    let message = scene.sends([("1", sent)]);
    scene.post(&format!("/{}/schedule", scene.a), message).await;
    scene.seen(scene.a).await;
    // As a push does first, and then its program ends.
    let key = EntryKey { process: scene.a, slot: 1, index: 1 };
    scene.node.node.owe(&[oxbeam_kernel::outbox::Owed { key, not_before: 0 }], 0).await.unwrap();
    scene.node = scene.node.restarted(NodeMessage::default(), rows()).await;
    scene.reaches(scene.b, 1).await;
    scene.reaches(scene.a, 2).await;
    let store = scene.node.node.store().unwrap();
    let entry = store.entry(key).await.unwrap().unwrap();
    assert_eq!(entry.status, Status::Delivered { slot: Some(1) });
}

#[actix_rt::test]
async fn an_asynchronous_push_answers_at_once_and_delivers_in_the_background() {
    let scene = Scene::new().await;
    let message = scene.sends([("1", scene.to_b("Hello"))]);
    scene.post(&format!("/{}/schedule", scene.a), message).await;
    let path = format!("/{}/push?slot=1&push-mode=async", scene.a);
    let answer = scene.post(&path, Message::new()).await;
    assert_eq!((answer.status, text(&answer.message, "body")), (200, String::new()));
    scene.reaches(scene.b, 1).await;
}

#[actix_rt::test]
async fn a_target_that_never_answers_holds_up_no_other() {
    let scene = Scene::new().await;
    let c = scene.spawn("c").await;
    let pushed = async |slot: u64, sent: Message| {
        let message = scene.sends([("1", sent)]);
        scene.post(&format!("/{}/schedule", scene.a), message).await;
        let path = format!("/{}/push?slot={slot}&push-mode=async", scene.a);
        assert_eq!(scene.post(&path, Message::new()).await.status, 200);
    };
    pushed(1, scene.to_b("Hold")).await;
    scene.reaches(scene.b, 1).await;
    // From here on the courier waits for what this slot of the target comes to.
    pushed(2, Message::from([("Action", "Hello")]).with("target", c.to_string())).await;
    scene.reaches(c, 1).await;
}

#[actix_rt::test]
async fn a_target_whose_definition_leads_nowhere_stops_no_other_message() {
    let scene = Scene::new().await;
    let nowhere = oxbeam_protocol::Link::from(Id::of(b"nowhere"));
    let target = scene.foreign(Message::new().with("scheduler", nowhere)).await;
    let sent = [("1", Message::from([("target", &*target)])), ("2", scene.to_b("Hello"))];
    let report = scene.push(scene.sends(sent)).await;
    let first = map(report.get("1"));
    assert!(text(&first, "reason").contains("no location of it is known"), "{first:?}");
    assert_eq!(map(report.get("2")).get("slot"), Some(&1.into()), "{report:?}");
}

#[actix_rt::test]
async fn what_another_node_schedules_stays_owed_until_somebody_says_where_that_is() {
    let scene = Scene::new().await;
    let target = scene.foreign(Message::new()).await;
    let report = scene.push(scene.sends([("1", Message::from([("target", &*target)]))])).await;
    let report = map(report.get("1"));
    assert_eq!(text(&report, "response"), "error");
    assert!(text(&report, "reason").contains("no location of it is known"), "{report:?}");
    let key = EntryKey { process: scene.a, slot: 1, index: 1 };
    scene.node.node.leave_to_courier(key, "for the test").await.unwrap();
    let store = scene.node.node.store().unwrap();
    let tried = async {
        loop {
            let entry = store.entry(key).await.unwrap().unwrap();
            if entry.reason.as_ref().is_some_and(|reason| reason.contains("no location")) {
                return entry;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let entry = timeout(Duration::from_secs(20), tried).await.unwrap();
    assert_eq!(entry.status, Status::Pending);
}
