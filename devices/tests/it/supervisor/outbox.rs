//! Letters: listed, looked at and tried again.

use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::CallError;
use oxbeam_protocol::{Message, Wallet};

use super::{ask, configured, number, open, operator, rows, seen, text};
use crate::push::Scene;

/// Processes that send to those of other nodes, of which nobody knows where they are.
struct Office {
    scene: Scene,
    operator: Wallet,
    targets: Vec<String>,
}

impl Office {
    /// So many letters to different targets, each given up after one attempt.
    async fn new(letters: usize) -> Self {
        let operator = operator();
        let options = Message::from([("outbox_max_attempts", "1")]);
        let scene = Scene::configured(configured(&operator, options)).await;
        let mut targets = Vec::new();
        for number in 0..letters {
            let target = scene.foreign(Message::new().with("n", number as i64)).await;
            scene.push(scene.sends([("1", Message::from([("target", &*target)]))])).await;
            targets.push(target);
        }
        let office = Self { scene, operator, targets };
        office.dead(letters).await;
        office
    }

    /// Waits until so many are given up.
    async fn dead(&self, letters: usize) {
        let given_up = async {
            while rows(&open(&self.scene.node, "outbox?of=dead").await, "letters").len() != letters
            {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), given_up).await.expect("they are given up");
    }

    fn letter(&self, slot: u64) -> String {
        format!("{}/{slot}/1", self.scene.a)
    }

    async fn redrive(&self, key: &'static str, value: &str) -> i64 {
        let request = Message::from([(key, value)]);
        number(&seen(&self.scene.node, "redrive", request, &self.operator).await, "redriven")
    }
}

#[actix_rt::test]
async fn a_letter_tells_where_it_goes_how_often_it_was_tried_and_to_admins_why_not() {
    let office = Office::new(1).await;
    let name = office.letter(1);
    let shown = open(&office.scene.node, &format!("outbox?letter={name}")).await;
    let letter = rows(&shown, "letters").remove(0);
    assert_eq!(text(&letter, "letter"), name);
    assert_eq!(text(&letter, "state"), "dead");
    assert_eq!(text(&letter, "target"), office.targets[0]);
    assert_eq!(text(&letter, "process"), office.scene.a.to_string());
    assert!(number(&letter, "attempts") >= 1 && number(&letter, "size") > 0);
    assert!(!letter.contains("last-error"), "that is for admins");
    let request = Message::from([("letter", &*name)]);
    let shown = seen(&office.scene.node, "outbox", request, &office.operator).await;
    let error = text(&rows(&shown, "letters")[0], "last-error");
    assert!(error.contains("no location"), "{error}");
}

#[actix_rt::test]
async fn dead_letters_are_read_page_by_page() {
    let office = Office::new(3).await;
    let node = &office.scene.node;
    let (mut found, mut query) = (Vec::new(), "outbox?of=dead&limit=2".to_owned());
    loop {
        let page = open(node, &query).await;
        found.extend(rows(&page, "letters").iter().map(|letter| text(letter, "letter")));
        if !page.contains("next") {
            break;
        }
        query = format!("outbox?of=dead&limit=2&after={}", text(&page, "next"));
    }
    assert_eq!(found, [1, 2, 3].map(|slot| office.letter(slot)));
    for of in ["waiting", "asleep"] {
        assert!(rows(&open(node, &format!("outbox?of={of}")).await, "letters").is_empty());
    }
}

#[actix_rt::test]
async fn dead_letters_are_tried_again_one_by_one_by_target_or_all() {
    let office = Office::new(3).await;
    assert_eq!(office.redrive("letter", &office.letter(2)).await, 1);
    office.dead(3).await;
    assert_eq!(office.redrive("target", &office.targets[0]).await, 1);
    office.dead(3).await;
    assert_eq!(office.redrive("all", "true").await, 3);
    office.dead(3).await;
    assert_eq!(office.redrive("target", "nobody").await, 0);
}

#[actix_rt::test]
async fn a_letter_that_is_not_there_or_not_named_is_refused() {
    let office = Office::new(0).await;
    let node = &office.scene.node;
    let unknown = format!("{}/99/1", office.scene.a);
    let redrive = async |request| ask(node, "redrive", request, &office.operator).await.status;
    assert_eq!(redrive(Message::from([("letter", &*unknown)])).await, 404);
    assert_eq!(redrive(Message::from([("letter", "no/such/letter")])).await, 400);
    assert_eq!(redrive(Message::new()).await, 400);
    for wrong in ["letter=x", "of=lost", "after=x", "of=dead&after=1/2"] {
        let path = format!("/~supervisor@1.0/outbox?{wrong}");
        let answer = node.run(&path, Message::new()).await;
        assert!(matches!(answer, Err(CallError::BadRequest(_))), "{wrong}: {answer:?}");
    }
}
