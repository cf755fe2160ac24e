//! What is pushed in the background arrives in the end, and what does not get on holds up nobody else.

use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{EntryKey, Status};

use super::scene::{PLENTY, Scene, map, text};

impl Scene {
    /// A signed message to a process, with what is to be sent for it.
    fn to(&self, process: Id, action: &str, sends: &[(&'static str, Message)]) -> Message {
        let message = Message::from([("type", "Message"), ("action", action)]);
        let message = message.with("target", process.to_string());
        let message = message.with("send", sends.iter().cloned().collect::<Message>());
        Message::new().with("body", self.sign(&message))
    }

    async fn schedule(&self, process: Id, message: Message) {
        let answer = self.post(&format!("/{process}/schedule"), message).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn push_later(&self, process: Id, slot: u64) {
        let path = format!("/{process}/push?slot={slot}&push-mode=async");
        assert_eq!(self.post(&path, Message::new()).await.status, 200);
    }

    /// Waits until a process has stopped at a slot.
    async fn stops(&self, process: Id) {
        let stopped = async {
            while self.node.node.aside(process).await.unwrap().is_none() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), stopped).await.expect("it does not stop");
    }

    /// Waits until nothing is to be pushed any more.
    async fn has_pushed_all(&self) {
        let store = self.node.node.store().unwrap();
        let pushed = async {
            while store.next_push(0).await.unwrap().is_some() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), pushed).await.expect("pushes are left");
    }
}

#[actix_rt::test]
async fn pushes_of_a_process_that_has_stopped_are_made_once_it_is_resumed() {
    let scene = Scene::new().await;
    for action in ["Thirsty", "Behind"] {
        let sent = [("1", scene.to_b("Hello"))];
        scene.schedule(scene.a, scene.to(scene.a, action, &sent)).await;
    }
    for slot in 1..=2 {
        scene.push_later(scene.a, slot).await;
    }
    scene.stops(scene.a).await;
    assert_eq!(scene.slot_of(scene.b).await, 0);
    scene.node.node.resume(scene.a, Some(PLENTY), Vec::new()).await.unwrap();
    scene.reaches(scene.b, 2).await;
    scene.has_pushed_all().await;
    assert_eq!(scene.slot_of(scene.b).await, 2, "each once");
}

#[actix_rt::test]
async fn what_a_message_leads_to_waits_until_its_target_is_resumed() {
    for is_async in [false, true] {
        let scene = Scene::new().await;
        let back = Message::from([("action", "Back")]).with("target", scene.a.to_string());
        let sent = scene.to_b("Thirsty").with("send", Message::new().with("1", back));
        scene.schedule(scene.a, scene.to(scene.a, "-", &[("1", sent)])).await;
        if is_async {
            scene.push_later(scene.a, 1).await;
        } else {
            let path = format!("/{}/push?slot=1", scene.a);
            let report = scene.post(&path, Message::new()).await.message;
            assert_eq!(text(&map(report.get("1")), "reason"), "out of fuel");
        }
        scene.stops(scene.b).await;
        scene.node.node.resume(scene.b, Some(PLENTY), Vec::new()).await.unwrap();
        scene.reaches(scene.a, 2).await;
        let key = EntryKey { process: scene.a, slot: 1, index: 1 };
        let entry = scene.node.node.store().unwrap().entry(key).await.unwrap().unwrap();
        assert_eq!(entry.status, Status::Delivered { slot: Some(1) });
    }
}

#[actix_rt::test]
async fn what_an_entry_says_to_resolve_is_sent_whoever_pushes_its_slot() {
    let mut configuration = NodeMessage::default();
    configuration.settings.push_depth = 0;
    let scene = Scene::configured(configuration).await;
    let resolve = scene.to_b("-").with("resolve", "/~scheduler@1.0/status");
    for _ in 1..=2 {
        scene.schedule(scene.a, scene.to(scene.a, "-", &[("1", resolve.clone())])).await;
    }
    scene.push_later(scene.a, 1).await;
    scene.reaches(scene.b, 1).await;
    // This push leaves it to the background at once.
    let path = format!("/{}/push?slot=2", scene.a);
    let report = scene.post(&path, Message::new()).await.message;
    assert_eq!(text(&map(report.get("1")), "response"), "pending");
    scene.reaches(scene.b, 2).await;

    scene.push_later(scene.a, 1).await;
    scene.has_pushed_all().await;
    assert_eq!(scene.slot_of(scene.b).await, 2, "each once");
    let store = scene.node.node.store().unwrap();
    let sent = oxbeam_kernel::assignment::read(&*store, scene.b, 2).await.unwrap().unwrap();
    assert_eq!(text(&map(sent.get("body")), "address"), scene.node.node.address());
}

#[actix_rt::test]
async fn a_slot_that_is_not_in_the_log_is_not_pushed() {
    let scene = Scene::new().await;
    scene.push_later(scene.a, 7).await;
    scene.has_pushed_all().await;
}

#[actix_rt::test]
async fn a_process_that_never_ends_a_slot_stops_the_pushes_of_no_other() {
    let scene = Scene::new().await;
    scene.schedule(scene.a, scene.to(scene.a, "Hold", &[])).await;
    for _ in 0..220 {
        scene.schedule(scene.a, scene.to(scene.a, "-", &[])).await;
    }
    for slot in 1..=221 {
        scene.push_later(scene.a, slot).await;
    }
    let c = scene.spawn("c").await;
    let sent = Message::from([("action", "Hello")]).with("target", c.to_string());
    scene.schedule(scene.b, scene.to(scene.b, "-", &[("1", sent)])).await;
    scene.push_later(scene.b, 1).await;
    scene.reaches(c, 1).await;
}
