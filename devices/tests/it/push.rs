//! What processes send, from the slot that sends it to the slots that it leads to.

mod background;

use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::{Answer, Call, Device, NodeMessage, Outcome, Reply, Row, Wanted, reply};
use oxbeam_protocol::commitment::{self, CommitRequest, signed_id, unsigned_id};
use oxbeam_protocol::{Id, Message, NoContent, Value, Wallet};
use oxbeam_store::{EntryKey, Status};

use crate::node::TestNode;

/// An execution device that sends what a message tells it to. `Ping` it sends back, and for `Thirsty` it
/// needs [`PLENTY`] of fuel.
struct Parrot;

/// More fuel than guests have, unless the operator gives it to them.
const PLENTY: u64 = u64::MAX >> 1;

impl Device for Parrot {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        let body = call.request.get("body").and_then(Value::as_map);
        if body.and_then(|body| body.get("action")).is_some_and(|action| action.is_name("Hold")) {
            return Box::pin(async move {
                call.context.cancelled().await;
                Err(oxbeam_kernel::CallError::Cancelled)
            });
        }
        reply(Ok(match call.function().as_str() {
            "init" => Outcome::ok(call.base.with("seen", "")),
            _ => compute(&call),
        }))
    }
}

fn compute(call: &Call) -> Outcome {
    let body = map(call.request.get("body"));
    let action = body.get("action").cloned().unwrap_or_else(|| "-".into());
    let seen =
        [text(&call.base, "seen"), String::from_utf8_lossy(action.as_name().unwrap()).into()];
    let outbox = match &**action.as_name().unwrap() {
        b"Fail" => return Outcome::error(Message::from([("body", "teapot")]).with("status", 418)),
        b"Thirsty" if call.context.settings().guest.fuel < PLENTY => {
            return Outcome::error(Message::from([("body", "out of fuel")]));
        }
        b"Ping" => {
            let back = body.get("from-process").or_else(|| body.get("peer")).unwrap().clone();
            Message::new().with("1", Message::from([("action", "Ping")]).with("target", back))
        }
        _ => body.get("send").map(|send| map(Some(send))).unwrap_or_default(),
    };
    let results = Message::new().with("outbox", outbox).with("data", "done");
    Outcome::ok(call.base.clone().with("seen", seen.concat()).with("results", results))
}

fn map(value: Option<&Value>) -> Message {
    value.unwrap().as_map().unwrap().clone()
}

fn text(message: &Message, key: &str) -> String {
    let value = message.get(key).unwrap_or_else(|| panic!("no {key} in {message:?}"));
    String::from_utf8(value.as_bytes().unwrap().to_vec()).unwrap()
}

fn rows() -> Vec<Row> {
    vec![Row { names: &["parrot@1.0"], device: Arc::new(Parrot) }]
}

/// Two processes on a node, and their owner.
pub(crate) struct Scene {
    pub(crate) node: TestNode,
    owner: Wallet,
    pub(crate) a: Id,
    b: Id,
}

impl Scene {
    async fn new() -> Self {
        Self::configured(NodeMessage::default()).await
    }

    pub(crate) async fn configured(configuration: NodeMessage) -> Self {
        let node = TestNode::with_devices(configuration, rows()).await;
        let owner = Wallet::generate_secp256k1().unwrap();
        let zero = Id::of(b"");
        let mut scene = Self { node, owner, a: zero, b: zero };
        scene.a = scene.spawn("a").await;
        scene.b = scene.spawn("b").await;
        scene
    }

    fn sign(&self, message: &Message) -> Message {
        commitment::commit(message, &CommitRequest::default(), &self.owner, &NoContent).unwrap()
    }

    fn definition(&self, name: &str, scheduler: &str) -> Message {
        let definition = Message::from([
            ("device", "process@1.0"),
            ("type", "Process"),
            ("execution-device", "parrot@1.0"),
            ("name", name),
            ("scheduler", scheduler),
            ("authority", self.node.node.address()),
        ]);
        self.sign(&definition)
    }

    /// A process that another node schedules, whose definition this one knows.
    pub(crate) async fn foreign(&self, more: Message) -> String {
        let mut definition = self.definition("foreign", "somebody-else").without(&["commitments"]);
        definition.extend(more);
        let definition = self.sign(&definition);
        let contents = self.node.node.contents().unwrap();
        contents
            .keep(&crate::node::proven(&definition), oxbeam_store::Persist::Buffered)
            .await
            .unwrap();
        signed_id(&definition.into()).unwrap().to_string()
    }

    async fn spawn(&self, name: &str) -> Id {
        let definition = self.definition(name, self.node.node.address());
        let answer = self.post("/push", definition.clone()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.message.get("slot"), Some(&0.into()));
        let process = text(&answer.message, "process").parse().unwrap();
        assert_eq!(process, signed_id(&definition.into()).unwrap());
        process
    }

    async fn post(&self, path: &str, message: Message) -> Answer {
        self.node.node.answer(message.with("path", path).with("method", "POST")).await
    }

    /// A signed message to the first process, as the body of a request.
    fn message(&self, message: Message) -> Message {
        let message = message.with("type", "Message").with("target", self.a.to_string());
        Message::new().with("body", self.sign(&message))
    }

    pub(crate) fn sends(
        &self,
        entries: impl IntoIterator<Item = (&'static str, Message)>,
    ) -> Message {
        self.message(Message::new().with("send", entries.into_iter().collect::<Message>()))
    }

    pub(crate) async fn push(&self, message: Message) -> Message {
        let answer = self.post(&format!("/{}/push", self.a), message).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.message
    }

    fn to_b(&self, action: &str) -> Message {
        Message::from([("Action", action)]).with("target", self.b.to_string())
    }

    async fn slot_of(&self, process: Id) -> u64 {
        self.node.node.head(process).await.unwrap().unwrap().slot
    }

    async fn seen(&self, process: Id) -> String {
        let context = self.node.context();
        let state = self.node.node.state(&context, process, Wanted::Now).await.unwrap();
        text(state.value.as_map().unwrap(), "seen")
    }

    /// Waits until the background has brought a process so far.
    async fn reaches(&self, process: Id, slot: u64) {
        let reached = async {
            while self.slot_of(process).await < slot {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), reached).await.expect("nothing was delivered");
    }
}

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
async fn a_slot_that_is_pushed_again_leads_to_the_same_slots() {
    let scene = Scene::new().await;
    let first = scene.push(scene.sends([("1", scene.to_b("Hello"))])).await;
    let path = format!("/{}/push&slot+integer=1", scene.a);
    let again = scene.post(&path, Message::new()).await.message;
    assert_eq!(again.without(&["status"]), first.without(&["status"]));
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

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

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
