//! A slot that is pushed more than once.

use oxbeam_protocol::Message;
use oxbeam_store::EntryKey;

use super::scene::{Scene, map, now, text};

#[actix_rt::test]
async fn a_slot_that_is_pushed_again_leads_to_the_same_slots() {
    let scene = Scene::new().await;
    let first = scene.push(scene.sends([("1", scene.to_b("Hello"))])).await;
    let path = format!("/{}/push&slot+integer=1", scene.a);
    let again = scene.post(&path, Message::new()).await.message;
    assert_eq!(again.without(&["status"]), first.without(&["status"]));
    assert_eq!(scene.slot_of(scene.b).await, 1);
}

#[actix_rt::test]
async fn a_slot_that_is_pushed_again_sends_nothing_to_other_nodes_again() {
    let scene = Scene::new().await;
    let target = scene.foreign(Message::new()).await;
    scene.push(scene.sends([("1", Message::from([("target", &*target)]))])).await;
    let key = EntryKey { process: scene.a, slot: 1, index: 1 };
    let store = scene.node.node.store().unwrap();
    let again = async || {
        let again = Message::new().with("slot", 1);
        let answer = scene.post(&format!("/{}/push", scene.a), again).await;
        map(answer.message.get("1"))
    };
    store.begin(key, now() + 60_000).await.unwrap();
    assert_eq!(text(&again().await, "response"), "pending", "it is tried later");
    store.delivered(key, Some(7)).await.unwrap();
    let report = again().await;
    assert_eq!(report.get("slot"), Some(&7.into()), "{report:?}");
    let entry = store.entry(key).await.unwrap().unwrap();
    assert_eq!(text(&report, "id"), entry.id.to_string());
}
