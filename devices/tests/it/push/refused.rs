//! What is not sent, and what a push says of it.

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::EntryKey;

use super::scene::{Scene, map, text};

#[actix_rt::test]
async fn what_cannot_be_delivered_is_reported_and_not_owed() {
    let scene = Scene::new().await;
    let nobody = Id::of(b"nobody").to_string();
    let sent = [
        ("1", Message::from([("target", &*nobody)])),
        ("2", Message::from([("action", "Lost")])),
        ("3", Message::from([("target", "somebody")])),
    ];
    let report = scene.push(scene.sends(sent)).await;
    let first = map(report.get("1"));
    assert_eq!(text(&first, "reason"), "Could not access target process!");
    assert_eq!(
        (text(&first, "response"), first.get("status")),
        ("error".into(), Some(&404.into()))
    );
    let second = map(report.get("2"));
    assert_eq!(text(&second, "reason"), "Target process not available.");
    assert_eq!(text(&second, "outbox-index"), "2");
    assert_eq!(map(second.get("message")), Message::from([("action", "Lost")]));
    assert_eq!(text(&map(report.get("3")), "target"), "somebody");
    let key = EntryKey { process: scene.a, slot: 1, index: 1 };
    let entry = scene.node.node.store().unwrap().entry(key).await.unwrap().unwrap();
    assert_eq!((entry.attempts, entry.next_try), (0, u64::MAX));
}

#[actix_rt::test]
async fn what_a_target_would_not_trust_is_not_sent_if_that_is_wanted() {
    let options = Message::from([("push_always_sign", "false")]);
    let scene = Scene::configured(NodeMessage::from_message(&options).unwrap()).await;
    let trusts = scene.node.node.address().to_owned();
    let policy = |accepted: &str| {
        let policy =
            Message::from([("path", "/~message@1.0/set"), ("accept-committers", accepted)]);
        Message::new().with("policy", policy)
    };
    let mut reasons = Vec::new();
    for (authority, more) in [
        ("somebody-else", Message::new()),
        (&*trusts, Message::new()),
        ("somebody-else", policy(&trusts)),
        (&*trusts, policy("somebody-else")),
    ] {
        let target = scene.foreign(more.with("authority", authority)).await;
        let report = scene.push(scene.sends([("1", Message::from([("target", &*target)]))])).await;
        reasons.push(text(&map(report.get("1")), "reason"));
    }
    let refused = "Application of security policy failed: No identities matching authority were \
                   found.";
    let is_refused: Vec<bool> = reasons.iter().map(|reason| reason == refused).collect();
    assert_eq!(is_refused, [true, false, false, true], "{reasons:?}");
}

#[actix_rt::test]
async fn errors_keep_their_own_words() {
    let scene = Scene::new().await;
    let unsigned = scene.post(&format!("/{}/push", scene.a), Message::from([("a", "b")])).await;
    assert_eq!(
        (unsigned.status, text(&unsigned.message, "body")),
        (400, "Message is not valid.".into())
    );
    let fails = scene.message(Message::from([("action", "Fail")]));
    let failed = scene.post(&format!("/{}/push", scene.a), fails).await;
    assert_eq!((failed.status, text(&failed.message, "body")), (418, "teapot".into()));
    let bad = scene.post(&format!("/{}/push?slot=x", scene.a), Message::new()).await;
    assert_eq!(bad.status, 400, "{bad:?}");
}
