//! Processes that do not get past a slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, Row};
use oxbeam_protocol::{Id, Message, Value, Wallet, commitment};
use oxbeam_store::StoreError;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{ask, number, of, open, operator, order, rows, seen, text};
use crate::node::{TestNode, signed};

/// An execution device that does what a message tells it: panics a few times more, comes to an
/// error, needs more fuel than there is by default, never ends, or gives how often it was called.
#[derive(Default)]
struct Fragile {
    panics: AtomicU32,
    calls: AtomicU32,
    /// Calls that do not end have begun.
    stuck: Notify,
}

/// What `Thirsty` needs.
const NEEDED: u64 = 5_000_000_000;

impl Device for Fragile {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            if call.function() == "init" {
                return Ok(Outcome::ok(call.base));
            }
            let body = call.request.get("body").and_then(Value::as_map).cloned();
            let action = body.and_then(|body| body.get("action").cloned());
            let is = |word| action.as_ref().is_some_and(|action| action.is_name(word));
            if is("Panic") {
                let left = self.panics.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
                assert!(left.is_err(), "told to");
            }
            if is("Stuck") {
                self.stuck.notify_one();
                return std::future::pending().await;
            }
            let calls = self.calls.fetch_add(1, SeqCst);
            if is("Fickle") {
                let results = Message::new().with("calls", i64::from(calls));
                return Ok(Outcome::ok(call.base.with("results", results)));
            }
            let out_of_fuel = is("Thirsty") && call.context.settings().guest.fuel < NEEDED;
            if is("Fail") || out_of_fuel {
                return Ok(Outcome::refused(500, "the script was ended: out of fuel"));
            }
            Ok(Outcome::ok(call.base))
        })
    }
}

/// A node with a process of the device, and its operator.
struct Ward {
    node: TestNode,
    device: Arc<Fragile>,
    operator: Wallet,
    process: Id,
}

impl Ward {
    async fn new(panics: u32) -> Self {
        let operator = operator();
        let device = Arc::new(Fragile { panics: panics.into(), ..Fragile::default() });
        let node = TestNode::with_devices(of(&operator), rows_of(&device)).await;
        let definition = Message::from([
            ("device", "process@1.0"),
            ("type", "Process"),
            ("execution-device", "fragile@1.0"),
        ]);
        let definition = definition.with("scheduler", node.node.address());
        let definition = node.node.sign(definition, None).await.unwrap();
        let process = commitment::signed_id(&definition.clone().into()).unwrap();
        node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
        Self { node, device, operator, process }
    }

    async fn send(&self, action: &str) {
        let message = Message::from([("action", action)]).with("target", self.process.to_string());
        let message = self.node.node.sign(message, None).await.unwrap();
        self.node.node.schedule(self.process, crate::node::proven(&message), None).await.unwrap();
    }

    async fn now(&self) -> Result<i64, CallError> {
        let path = format!("/{}/now", self.process);
        let outcome = self.node.run(&path, Message::new()).await?;
        Ok(match outcome.into_result() {
            Ok(state) => number(state.as_map().unwrap(), "at-slot"),
            Err(_) => -1,
        })
    }

    fn request(&self) -> Message {
        Message::new().with("process", self.process.to_string())
    }

    async fn act(&self, action: &str, request: Message) {
        seen(&self.node, action, request, &self.operator).await;
    }

    /// What the quarantine tells of the process; none if it is not in it.
    async fn told(&self) -> Option<Message> {
        let list = seen(&self.node, "quarantine", Message::new(), &self.operator).await;
        rows(&list, "processes").pop()
    }

    /// How many processes the summary counts as held.
    async fn held(&self) -> i64 {
        number(&open(&self.node, "summary").await, "held")
    }

    /// Asks until the process is set aside.
    async fn set_aside(&self) {
        while !matches!(self.now().await, Err(CallError::Quarantined { .. })) {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn restarted(self) -> Self {
        let node = self.node.restarted(of(&self.operator), rows_of(&self.device)).await;
        Self { node, ..self }
    }
}

fn rows_of(device: &Arc<Fragile>) -> Vec<Row> {
    vec![Row { names: &["fragile@1.0"], device: device.clone() }]
}

#[actix_rt::test]
async fn a_process_set_aside_tells_its_slot_its_cause_since_when_and_how_often() {
    let ward = Ward::new(3).await;
    ward.send("Panic").await;
    for times in 1..=3 {
        assert!(matches!(ward.now().await, Err(CallError::Panicked { .. })));
        let told = ward.told().await.unwrap();
        assert_eq!((number(&told, "times"), text(&told, "held")), (times, "stopped".into()));
    }
    assert!(matches!(ward.now().await, Err(CallError::Quarantined { .. })));
    let ward = ward.restarted().await;
    let told = ward.told().await.unwrap();
    assert_eq!(text(&told, "process"), ward.process.to_string());
    assert_eq!((number(&told, "slot"), number(&told, "times")), (1, 3));
    assert_eq!((text(&told, "cause"), text(&told, "held")), ("panic".into(), "set-aside".into()));
    assert!(text(&told, "reason").contains("told to"), "{told:?}");
    assert!(number(&told, "since") <= number(&told, "last"));
    let open = open(&ward.node, "quarantine").await;
    assert!(!rows(&open, "processes")[0].contains("reason"), "that is for admins");
    assert!(matches!(ward.now().await, Err(CallError::Quarantined { .. })), "still");
}

#[actix_rt::test]
async fn it_goes_on_taking_messages_and_when_resumed_computes_them() {
    let ward = Ward::new(3).await;
    ward.send("Panic").await;
    for _ in 0..4 {
        ward.now().await.unwrap_err();
    }
    ward.send("Hello").await;
    ward.send("Hello").await;
    assert_eq!(ward.node.node.head(ward.process).await.unwrap().unwrap().slot, 3);
    assert_eq!(ward.held().await, 1);
    ward.act("resume", ward.request()).await;
    assert_eq!(ward.held().await, 0);
    assert_eq!(text(&ward.told().await.unwrap(), "held"), "resumed");
    assert_eq!(ward.now().await.unwrap(), 3);
    assert_eq!(ward.told().await, None, "it has got past the slot");
    let crashes = rows(&open(&ward.node, "crashes").await, "crashes");
    assert_eq!(number(&crashes[0], "count"), 3);
    assert!(!crashes[0].contains("text"), "that is for admins");
}

#[actix_rt::test]
async fn a_slot_that_needs_more_fuel_is_given_it_and_no_other_slot() {
    let ward = Ward::new(0).await;
    ward.send("Thirsty").await;
    assert_eq!(ward.now().await.unwrap(), -1);
    let told = ward.told().await.unwrap();
    assert_eq!((text(&told, "cause"), text(&told, "held")), ("outcome".into(), "stopped".into()));
    assert!(text(&told, "reason").contains("out of fuel"));
    ward.act("resume", ward.request()).await;
    assert_eq!(ward.now().await.unwrap(), -1, "it needs more than it had");
    ward.act("resume", ward.request().with("fuel", NEEDED as i64)).await;
    let ward = ward.restarted().await;
    assert_eq!(number(&ward.told().await.unwrap(), "fuel"), NEEDED as i64);
    assert_eq!(ward.now().await.unwrap(), 1);
    assert_eq!(ward.told().await, None);
    ward.send("Thirsty").await;
    assert_eq!(ward.now().await.unwrap(), -1);
    let little = ward.request().with("fuel", 1);
    assert_eq!(ask(&ward.node, "resume", little, &ward.operator).await.status, 400);
}

#[actix_rt::test]
async fn an_abandoned_process_computes_nothing_and_stays_readable() {
    let ward = Ward::new(0).await;
    assert_eq!(ward.now().await.unwrap(), 0);
    ward.act("abandon", ward.request()).await;
    ward.send("Hello").await;
    let ward = ward.restarted().await;
    let refused = ward.now().await.unwrap_err();
    assert!(matches!(refused, CallError::Abandoned { slot: 1, .. }), "{refused}");
    assert_eq!(refused.http_status(), 410);
    assert_eq!(ward.held().await, 0, "the operator has decided");
    let told = ward.told().await.unwrap();
    assert_eq!(
        (text(&told, "cause"), text(&told, "held")),
        ("operator".into(), "abandoned".into())
    );
    let read = ward.node.run(&format!("/{}/compute&slot=0", ward.process), Message::new()).await;
    assert!(read.unwrap().is_ok(), "what is computed stays readable");
    ward.act("resume", ward.request()).await;
    assert_eq!(ward.now().await.unwrap(), 1);
    assert_eq!(ward.told().await, None);
}

#[actix_rt::test]
async fn an_order_that_is_cut_off_has_used_up_its_signature_only_if_it_was_made() {
    let mut ward = Ward::new(0).await;
    let mut turns = 0;
    loop {
        let order = signed(&order("abandon", ward.request()), &ward.operator);
        let answer = ward.node.answer_within(order.clone(), turns).await;
        ward = ward.restarted().await;
        let is_made = ward.told().await.is_some_and(|told| text(&told, "held") == "abandoned");
        let again = ward.node.answer(order).await;
        assert_eq!(again.status, if is_made { 409 } else { 200 }, "{turns} turns: {again:?}");
        ward.act("resume", ward.request()).await;
        if answer.is_some() {
            assert!(is_made);
            return;
        }
        turns += 1 + turns / 8;
    }
}

#[actix_rt::test]
async fn attempts_that_the_operator_breaks_off_are_none() {
    let mut ward = Ward::new(0).await;
    ward.send("Stuck").await;
    for restart in 1..=8 {
        tokio::select! {
            () = ward.device.stuck.notified() => {}
            () = ward.set_aside() => panic!("set aside after {restart} restarts"),
        }
        match restart % 2 {
            0 => ward = ward.restarted().await,
            _ => {
                let actor = Message::new().with("actor", ward.process.to_string());
                ward.act("restart", actor).await;
            }
        }
    }
    assert_eq!(ward.told().await, None);
}

#[actix_rt::test]
async fn a_slot_that_comes_to_another_result_is_for_the_operator_to_see() {
    let ward = Ward::new(0).await;
    ward.send("Fickle").await;
    assert_eq!(ward.now().await.unwrap(), 1);
    let ward = ward.restarted().await;
    let refused = ward.now().await.unwrap_err();
    assert!(matches!(refused, CallError::Store(StoreError::ResultDiffers { .. })), "{refused}");
    let told = ward.told().await.unwrap();
    assert_eq!((text(&told, "cause"), text(&told, "held")), ("error".into(), "stopped".into()));
    assert_eq!((number(&told, "slot"), ward.held().await), (1, 1));
}

#[actix_rt::test]
async fn a_process_that_is_not_there_is_not_found() {
    let ward = Ward::new(0).await;
    let unknown = || Message::new().with("process", Id::of(b"nobody").to_string());
    for action in ["resume", "abandon"] {
        let answer = ask(&ward.node, action, unknown(), &ward.operator).await;
        assert_eq!(answer.status, 404, "{action}: {answer:?}");
        let wrong = Message::from([("process", "x")]);
        let answer = ask(&ward.node, action, wrong, &ward.operator).await;
        assert_eq!(answer.status, 400, "{action}: {answer:?}");
    }
    let answer = ask(&ward.node, "quarantine", unknown(), &ward.operator).await;
    assert_eq!(answer.status, 404, "{answer:?}");
}
