use std::cell::RefCell;

use futures_util::future::join_all;
use oxbeam_kernel::{Answer, NodeMessage, assignment};
use oxbeam_protocol::commitment::{self, CommitRequest, signed_id};
use oxbeam_protocol::{Id, List, Message, NoContent, Value, Wallet};
use oxbeam_store::{Limit, MemoryDisk, Origin};
use serde_json::Value as Json;

use crate::node::{TestNode, proven};

fn sign(message: &Message, wallet: &Wallet) -> Message {
    commitment::commit(message, &CommitRequest::default(), wallet, &NoContent).unwrap()
}

fn definition(scheduler: &str) -> Message {
    Message::from([("device", "process@1.0"), ("type", "Process"), ("scheduler", scheduler)])
}

fn id(message: &Message) -> Id {
    signed_id(&message.clone().into()).unwrap()
}

fn text(message: &Message, key: &str) -> String {
    String::from_utf8(message.get(key).unwrap().as_bytes().unwrap().to_vec()).unwrap()
}

fn map(value: Option<&Value>) -> Message {
    value.unwrap().as_map().unwrap().clone()
}

/// A node, and a user who has spawned a process on it.
struct Scene {
    node: TestNode,
    user: Wallet,
    definition: Message,
    process: Id,
}

impl Scene {
    async fn spawned() -> Self {
        Self::on(TestNode::start().await).await
    }

    async fn on(node: TestNode) -> Self {
        let user = Wallet::generate_secp256k1().unwrap();
        let definition = sign(&definition(node.node.address()), &user);
        let process = id(&definition);
        let scene = Self { node, user, definition: definition.clone(), process };
        let spawned = scene.post("/~scheduler@1.0/schedule", definition).await;
        assert_eq!(spawned.status, 200, "{spawned:?}");
        scene
    }

    async fn ask(&self, method: &str, path: &str, message: Message) -> Answer {
        let request = message.with("path", path).with("method", method);
        self.node.node.answer(request).await
    }

    async fn post(&self, path: &str, message: Message) -> Answer {
        self.ask("POST", path, message).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Message::new()).await
    }

    /// A signed message to the process.
    fn message(&self, data: impl Into<Value>) -> Message {
        let message = Message::new()
            .with("type", "Message")
            .with("target", self.process.to_string())
            .with("data", data);
        sign(&message, &self.user)
    }

    async fn schedule(&self, message: Message) -> Answer {
        self.post("/~scheduler@1.0/schedule", Message::new().with("body", message)).await
    }

    /// Every assignment in the log, after the chain through them was followed.
    async fn log(&self) -> Vec<Message> {
        let store = self.node.node.store().unwrap();
        let limit = Limit::count(100_000);
        let page = assignment::range(&*store, self.process, 0, limit).await.unwrap();
        let mut before = None;
        for (expected, (slot, assignment)) in (0..).zip(&page.items) {
            assert_eq!(*slot, expected);
            assert_eq!(assignment.get("slot"), Some(&i64::try_from(*slot).unwrap().into()));
            let chain = assignment::chain(before, id(&map(assignment.get("body"))));
            assert_eq!(text(assignment, "hash-chain"), chain.to_string());
            before = Some(chain);
        }
        page.items.into_iter().map(|(_, assignment)| assignment).collect()
    }
}

#[actix_rt::test]
async fn a_spawn_and_a_message_get_the_first_slots() {
    let scene = Scene::spawned().await;
    let answer = scene.schedule(scene.message("hi")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let assignment = answer.message;
    assert_eq!(assignment.get("slot"), Some(&1.into()));
    assert_eq!(text(&assignment, "process"), scene.process.to_string());
    assert_eq!(text(&assignment, "path"), "compute");
    assert_eq!(text(&assignment, "type"), "assignment");
    assert_eq!(map(assignment.get("body")).get("data"), Some(&"hi".into()));
    let committers = commitment::committers(&assignment);
    assert_eq!(committers, [scene.node.node.address()]);
    let believed = scene.node.node.authenticate(assignment.without(&["status"])).await.unwrap();
    assert_eq!(believed.len(), 14, "13 keys and the commitments: {believed:?}");
    assert_eq!(scene.log().await.len(), 2);
}

#[actix_rt::test]
async fn a_definition_is_readable_by_its_id_and_knows_its_slot() {
    let scene = Scene::spawned().await;
    let answer = scene.get(&format!("/{}~scheduler@1.0/slot/current", scene.process)).await;
    assert_eq!(answer.message.get("body"), Some(&0.into()), "{answer:?}");
    let answer = scene.get(&format!("/~scheduler@1.0/slot?target={}", scene.process)).await;
    let slot = answer.message;
    assert_eq!(slot.get("current"), Some(&0.into()));
    assert_eq!(text(&slot, "cache-control"), "no-store");
    let own = Value::from(scene.node.node.address());
    assert_eq!(slot.get("addresses"), Some(&[own].into_iter().collect::<List>().into()));
    let hinted = format!("/~scheduler@1.0/slot?target={}%3Fhint=http://elsewhere", scene.process);
    assert_eq!(scene.get(&hinted).await.message.get("current"), Some(&0.into()));
}

#[actix_rt::test]
async fn a_process_without_messages_has_slot_minus_one() {
    let scene = Scene::spawned().await;
    let other = sign(&definition(scene.node.node.address()).with("n", "2"), &scene.user);
    scene
        .node
        .node
        .contents()
        .unwrap()
        .keep(&crate::node::proven(&other), oxbeam_store::Persist::Buffered)
        .await
        .unwrap();
    let answer = scene.get(&format!("/~scheduler@1.0/slot?target={}", id(&other))).await;
    assert_eq!(answer.message.get("current"), Some(&(-1).into()), "{answer:?}");
}

#[actix_rt::test]
async fn the_path_of_a_message_becomes_a_list_of_its_parts() {
    let scene = Scene::spawned().await;
    let message = Message::from([("path", "a/b")]).with("target", scene.process.to_string());
    let answer = scene.schedule(sign(&message, &scene.user)).await;
    let parts: Value = ["a", "b"].map(Value::from).into_iter().collect();
    assert_eq!(answer.message.get("path"), Some(&parts), "{answer:?}");
}

#[actix_rt::test]
async fn a_schedule_is_read_from_slot_to_slot() {
    let scene = Scene::spawned().await;
    for number in 1..4 {
        scene.schedule(scene.message(number)).await;
    }
    let base = format!("/{}~scheduler@1.0/schedule", scene.process);
    let all = scene.get(&base).await.message;
    assert_eq!(map(all.get("assignments")).len(), 4);
    assert!(all.get("continues").unwrap().is_name("false"));
    let part = scene.get(&format!("{base}&from+integer=1&to+integer=2")).await.message;
    let keys: Vec<_> = map(part.get("assignments")).keys().cloned().collect();
    assert_eq!(keys, ["1", "2"]);
    let data = scene.get(&format!("{base}&from=1&to=2/assignments/2/body/data")).await.message;
    assert_eq!(data.get("body"), Some(&2.into()));
    let clamped = scene.get(&format!("{base}?from=-5&to=0")).await.message;
    assert_eq!(map(clamped.get("assignments")).len(), 1);
    let none = scene.get(&format!("{base}?from=9")).await.message;
    assert!(map(none.get("assignments")).is_empty());
    let answer = scene.get(&format!("{base}?from=x")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[actix_rt::test]
async fn the_legacy_form_numbers_its_edges_by_slot() {
    let scene = Scene::spawned().await;
    scene.schedule(scene.message("hi")).await;
    let path = format!("/{}~scheduler@1.0/schedule?accept=application/aos-2", scene.process);
    let answer = scene.get(&path).await.message;
    assert_eq!(text(&answer, "content-type"), "application/json");
    let page: Json = serde_json::from_str(&text(&answer, "body")).unwrap();
    assert_eq!(page["page_info"]["has_next_page"], false);
    assert_eq!(page["edges"][1]["cursor"], 1);
    assert_eq!(page["edges"][1]["node"]["message"]["Data"], "hi");
    assert_eq!(page["edges"][1]["node"]["assignment"]["Owner"], scene.node.node.address());
}

#[actix_rt::test]
async fn what_is_unsigned_forged_or_changed_is_refused_and_starts_nothing() {
    let scene = Scene::spawned().await;
    let unsigned = Message::from([("data", "x")]).with("target", scene.process.to_string());
    let changed = scene.message("hi").with("data", "changed");
    let mut forged = scene.message("hi");
    let mut commitments = map(forged.get("commitments"));
    let signed = commitments.iter().find(|(_, one)| one.as_map().unwrap().contains("committer"));
    let (key, one) = signed.map(|(key, one)| (key.clone(), one.as_map().unwrap().clone())).unwrap();
    commitments.insert(key, one.with("committer", "0x0000000000000000000000000000000000000001"));
    forged.insert("commitments", commitments);
    for wrong in [unsigned, changed, forged, Message::new()] {
        let answer = scene.schedule(wrong).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    let strange = Message::from([("type", "Process")]).with("scheduler", scene.node.node.address());
    let strange = sign(&strange, &scene.user).with("scheduler", scene.node.node.address());
    let tampered = strange.with("device", "other").with("type", "Process");
    let mut unsigned = tampered.clone();
    unsigned.remove("commitments");
    assert_eq!(scene.schedule(unsigned).await.status, 400);
    assert_eq!(scene.log().await.len(), 1);
    assert_eq!(scene.node.node.scheduling(), [scene.process], "no scheduler was started");
}

#[actix_rt::test]
async fn a_definition_that_is_not_what_its_id_says_schedules_nothing() {
    let scene = Scene::spawned().await;
    let elsewhere = sign(&definition("elsewhere"), &scene.user);
    let process = id(&elsewhere);
    let here = elsewhere.with("scheduler", scene.node.node.address());
    let base = Message::new().with("device", "scheduler@1.0").with("process", here);
    let message = Message::new().with("target", process.to_string()).with("data", "x");
    let request = Message::from([("path", "schedule"), ("method", "POST")])
        .with("body", sign(&message, &scene.user));
    let outcome = scene.node.context().resolve(base, request).await.unwrap();
    assert_eq!(oxbeam_kernel::http_status(&outcome), 400, "{outcome:?}");
    assert_eq!(scene.node.node.head(process).await.unwrap(), None);
}

#[actix_rt::test]
async fn the_same_content_signed_twice_keeps_each_signature_in_its_slot() {
    let scene = Scene::on(
        TestNode::on_disk(
            Wallet::generate_secp256k1().unwrap(),
            MemoryDisk::default(),
            NodeMessage::default(),
        )
        .await,
    )
    .await;
    let other = Wallet::generate_secp256k1().unwrap();
    let first = scene.message("hi");
    let content = first.clone().without(&["commitments"]);
    let second = sign(&content, &other);
    for message in [&first, &second, &first] {
        assert_eq!(scene.schedule(message.clone()).await.status, 200);
    }
    let log = scene.log().await;
    for (slot, message) in [(1, &first), (2, &second), (3, &first)] {
        assert_eq!(id(&map(log[slot].get("body"))), id(message), "slot {slot}");
    }
}

#[actix_rt::test]
async fn a_process_of_another_node_is_answered_with_the_way_there() {
    let scene = Scene::spawned().await;
    let other = Wallet::generate_secp256k1().unwrap();
    let address = other.address().to_string();
    let foreign = sign(&definition(&address), &scene.user);
    let answer = scene.schedule(foreign.clone()).await;
    assert_eq!((answer.status, text(&answer.message, "body")), (404, "not_found".into()));

    let record = |nonce: i64, url: &str| {
        let record = Message::from([("type", "scheduler-location"), ("url", url)]);
        sign(&record.with("nonce", nonce), &other)
    };
    let post = |record: Message| scene.post("/~scheduler@1.0/location", record);
    assert_eq!(post(record(1, "http://other:1")).await.status, 200);
    assert_eq!(post(record(1, "http://late:1")).await.status, 400, "the nonce is not newer");
    assert_eq!(post(record(2, "javascript:x")).await.status, 400);
    let unsigned = record(2, "http://forged").without(&["commitments"]);
    assert_eq!(post(unsigned).await.status, 400);
    assert_eq!(post(record(3, "http://new:1").with("url", "http://forged")).await.status, 400);

    let answer = scene.schedule(foreign).await;
    assert_eq!(answer.status, 307, "{answer:?}");
    assert_eq!(text(&answer.message, "location"), "http://other:1");
    assert_eq!(text(&answer.message, "body"), "Redirecting to scheduler: http://other:1");
    let known = scene.get(&format!("/~scheduler@1.0/location?address={address}")).await;
    assert_eq!(text(&map(known.message.get("body")), "url"), "http://other:1");
    let own = scene.get("/~scheduler@1.0/location").await;
    assert_eq!(own.status, 404);
}

#[actix_rt::test]
async fn for_one_location_too_many_the_oldest_makes_room() {
    let node = TestNode::with(Message::new().with("scheduler_max_locations", 3)).await;
    let scene = Scene::on(node).await;
    let record = |nonce: i64| {
        let record = Message::from([("type", "scheduler-location"), ("url", "http://other:1")]);
        record.with("nonce", nonce)
    };
    let post = async |record: Message| {
        let answer = scene.post("/~scheduler@1.0/location", record).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let known = async |address: String| {
        scene.get(&format!("/~scheduler@1.0/location?address={address}")).await.status
    };
    post(scene.node.node.sign(record(1), None).await.unwrap()).await;
    let signers: Vec<_> = (0..5).map(|_| Wallet::generate_secp256k1().unwrap()).collect();
    for signer in &signers {
        post(sign(&record(1), signer)).await;
        post(sign(&record(2), signer)).await;
    }
    let mut found = Vec::new();
    for signer in &signers {
        found.push(known(signer.address().to_string()).await);
    }
    assert_eq!(found, [404, 404, 200, 200, 200]);
    post(sign(&sign(&record(3), &signers[0]), &signers[1])).await;
    assert_eq!(known(signers[3].address().to_string()).await, 404, "there are two new ones");
    assert_eq!(known(signers[4].address().to_string()).await, 200);
    assert_eq!(known(scene.node.node.address().to_owned()).await, 200, "its own stays");
}

#[actix_rt::test]
async fn requests_that_mean_no_process_say_so() {
    let scene = Scene::spawned().await;
    assert_eq!(scene.get("/~scheduler@1.0/slot").await.status, 500);
    let unknown = format!("/~scheduler@1.0/slot?target={}", Id::of(b"unknown"));
    let answer = scene.get(&unknown).await;
    assert_eq!((answer.status, text(&answer.message, "type")), (500, "throw".into()));
    let put = scene.ask("PUT", "/~scheduler@1.0/schedule", Message::new()).await;
    assert_eq!(put.status, 405);
    let mut named = Message::from([("data", "x")]);
    named.insert("scheduler", "default");
    let nobody = sign(&Message::from([("data", "x")]), &scene.user);
    let answer = scene.post("/~scheduler@1.0/schedule", nobody).await;
    assert_eq!(
        (answer.status, text(&answer.message, "body")),
        (400, "No scheduler information provided.".into())
    );
    let by_name = sign(&definition("default"), &scene.user);
    assert_eq!(scene.schedule(by_name).await.status, 404, "a name is no address");
}

#[actix_rt::test]
async fn a_thousand_requests_at_once_get_dense_slots_and_answers_in_order() {
    let scene = Scene::spawned().await;
    let messages: Vec<_> = (0..1000).map(|number| scene.message(number)).collect();
    let answered = RefCell::new(Vec::new());
    let all = join_all(messages.into_iter().map(async |message| {
        let assignment =
            scene.node.node.schedule(scene.process, proven(&message), None).await.unwrap();
        answered.borrow_mut().push(assignment.get("slot").cloned().unwrap());
    }));
    // Else tokio lets some of those that wait look later.
    tokio::task::unconstrained(all).await;
    let expected: Vec<_> = (1..=1000).map(Value::from).collect();
    assert_eq!(answered.into_inner(), expected, "dense, and answered in order");
    assert_eq!(scene.log().await.len(), 1001);
}

#[actix_rt::test]
async fn a_repeat_from_the_same_origin_gets_the_first_slot() {
    let scene = Scene::spawned().await;
    let node = &scene.node.node;
    let origin = Origin { process: Id::of(b"sender"), slot: 3, index: 1 };
    let schedule = |data: &'static str| {
        node.schedule(scene.process, proven(&scene.message(data)), Some(origin))
    };
    let both = join_all([schedule("first"), schedule("first")]).await;
    let slots: Vec<_> = both.iter().map(|one| one.as_ref().unwrap().get("slot")).collect();
    assert_eq!(slots, [Some(&1.into()), Some(&1.into())]);
    let again = schedule("again").await.unwrap();
    assert_eq!(again, *both[0].as_ref().unwrap());
    assert_eq!(scene.log().await.len(), 2);
}

#[actix_rt::test]
async fn a_restart_between_any_two_requests_changes_nothing() {
    let disk = MemoryDisk::default();
    let key = Wallet::generate_secp256k1().unwrap().to_text().unwrap();
    let start = || {
        let wallet = Wallet::from_text(&key).unwrap();
        TestNode::on_disk(wallet, disk.clone(), NodeMessage::default())
    };
    let mut scene = Scene::on(start().await).await;
    for slot in 1..6 {
        scene.node.stop().await;
        scene.node = start().await;
        let answer = scene.schedule(scene.message(slot)).await;
        assert_eq!(answer.message.get("slot"), Some(&slot.into()), "{answer:?}");
    }
    assert_eq!(scene.log().await.len(), 6);
    assert_eq!(id(&scene.definition), scene.process);
}

#[actix_rt::test]
async fn a_write_that_fails_costs_its_requests_and_no_slot() {
    let disk = MemoryDisk::default();
    let wallet = Wallet::generate_secp256k1().unwrap();
    let scene =
        Scene::on(TestNode::on_disk(wallet, disk.clone(), NodeMessage::default()).await).await;
    let node = scene.node.node.clone();
    let _held = node.store().unwrap();
    disk.fail_write(40, 7);
    let messages: Vec<_> = (0..200).map(|number| scene.message(number)).collect();
    let answers = join_all(
        messages.into_iter().map(|message| node.schedule(scene.process, proven(&message), None)),
    )
    .await;
    // A fast writer needs few writes for all of them: then it fails for one of the next.
    let mut failed = answers.iter().any(Result::is_err);
    for number in 200..300 {
        if !failed {
            failed =
                node.schedule(scene.process, proven(&scene.message(number)), None).await.is_err();
        }
    }
    assert!(failed, "the write failed for nobody");
    // The store is opened again, though somebody holds the failed one, and the next request starts a scheduler that goes on from it.
    let message = scene.message("after");
    let assignment = loop {
        match node.schedule(scene.process, proven(&message), None).await {
            Ok(assignment) => break assignment,
            Err(error) => assert!(error.http_status() >= 500, "{error}"),
        }
        tokio::task::yield_now().await;
    };
    let log = scene.log().await;
    assert_eq!(log.last(), Some(&assignment));
    for answer in answers.into_iter().flatten() {
        assert!(log.contains(&answer), "what was acknowledged is in the log");
    }
}

async fn configured(option: &'static str, value: &'static str) -> Scene {
    let options = Message::from([(option, value)]);
    Scene::on(TestNode::with(options).await).await
}

#[actix_rt::test]
async fn a_node_that_does_not_schedule_says_so_and_still_answers() {
    let scene = Scene::spawned().await;
    let disable = Message::from([("scheduling-mode", "disabled")]).with("path", "/~meta@1.0/info");
    assert_eq!(scene.node.answer_own(disable.with("method", "POST")).await.status, 200);
    let refused = scene.schedule(scene.message("x")).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(text(&refused.message, "body").contains("scheduling_mode"), "{refused:?}");
    assert_eq!(scene.get(&format!("/{}/slot", scene.process)).await.status, 200);
}

#[actix_rt::test]
async fn unsigned_messages_get_slots_if_the_node_accepts_them() {
    let scene = configured("verify_assignments", "accept_unsigned").await;
    let message = scene.message("x").without(&["commitments"]);
    let answer = scene.schedule(message.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(map(answer.message.get("body")).get("data"), Some(&"x".into()));
    let forged = scene.message("x").with("data", "y");
    assert_eq!(scene.schedule(forged).await.status, 400, "what is signed wrongly is refused");
}

#[actix_rt::test]
async fn a_message_that_is_sent_again_with_its_key_gets_the_slot_that_it_has() {
    let scene = Scene::spawned().await;
    let message = scene.message("x");
    let again = async |key: &'static str| {
        let request = Message::new().with("body", message.clone()).with("idempotency-key", key);
        scene.post("/~scheduler@1.0/schedule", request).await.message.get("slot").cloned()
    };
    assert_eq!(again("one").await, Some(1.into()));
    assert_eq!(again("one").await, Some(1.into()));
    assert_eq!(again("two").await, Some(2.into()));
    let other = Message::new().with("body", scene.message("y")).with("idempotency-key", "one");
    let other = scene.post("/~scheduler@1.0/schedule", other).await;
    assert_eq!(other.message.get("slot"), Some(&3.into()), "the key is another message's");
}
