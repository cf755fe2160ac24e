//! Messages for later, and those of timers.

use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{EntryKey, Status};

use super::scene::{Scene, map, now, rows, text};

#[actix_rt::test]
async fn a_process_that_sends_itself_a_message_for_later_is_woken_then() {
    let mut scene = Scene::new().await;
    let at = now() + 1500;
    let alarm = Message::from([("action", "Alarm")]).with("target", scene.a.to_string());
    let alarm = alarm.with("deliver-at", at.to_string());
    let report = scene.push(scene.sends([("1", alarm)])).await;
    let report = map(report.get("1"));
    assert_eq!(text(&report, "response"), "pending");
    assert_eq!(scene.slot_of(scene.a).await, 1);

    // Whoever pushes the slot again changes nothing about the time, and neither does a restart.
    let again = Message::new().with("slot", 1);
    scene.post(&format!("/{}/push", scene.a), again).await;
    scene.node = scene.node.restarted(NodeMessage::default(), rows()).await;
    assert!(now() >= at || scene.slot_of(scene.a).await == 1);
    scene.reaches(scene.a, 2).await;
    assert!(now() >= at);
    assert_eq!(scene.seen(scene.a).await, "--Alarm");
    let key = EntryKey { process: scene.a, slot: 1, index: 1 };
    let store = scene.node.node.store().unwrap();
    let arrived = async {
        while store.entry(key).await.unwrap().unwrap().status == Status::Pending {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), arrived).await.unwrap();
    assert_eq!(scene.slot_of(scene.a).await, 2, "once");
}

#[actix_rt::test]
async fn a_timers_message_gets_one_slot_however_often_the_run_is_made() {
    let mut scene = Scene::new().await;
    let task = Message::new()
        .with("cron-path", format!("/{}/push", scene.a))
        .with("interval", "1-hour")
        .with("method", "POST");
    let task = task.with(
        "body",
        scene.message(Message::from([("action", "Tick")])).get("body").cloned().unwrap(),
    );
    let answer = scene.post("/~cron@1.0/every", task).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let id: Id = text(&answer.message, "body").parse().unwrap();
    scene.reaches(scene.a, 1).await;

    // The node dies before it can record that the run has ended.
    let begun = scene.recorded(id, 1).await;
    let store = scene.node.node.store().unwrap();
    let due = begun.next_run.unwrap() - begun.interval.unwrap();
    let died = oxbeam_store::Timer { began: Some(due), runs: 0, ..begun };
    store.put_timer(died, oxbeam_store::Persist::Synced).await.unwrap();
    drop(store);
    scene.node = scene.node.restarted(NodeMessage::default(), rows()).await;
    let made = scene.recorded(id, 1).await;
    assert_eq!(made.failure, None, "it was made again");
    assert_eq!(scene.slot_of(scene.a).await, 1, "and came to the slot of the first time");
    assert_eq!(scene.seen(scene.a).await, "-Tick");
}

impl Scene {
    /// A timer's record, once so many of its runs have ended.
    async fn recorded(&self, id: Id, runs: u64) -> oxbeam_store::Timer {
        let recorded = async {
            loop {
                let timer = self.node.node.timer(id).await.unwrap().unwrap();
                if timer.runs >= runs && timer.began.is_none() {
                    return timer;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), recorded).await.expect("it does not run")
    }
}
