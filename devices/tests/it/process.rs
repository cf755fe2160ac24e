//! Processes on native execution devices, from schedule to state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use oxbeam_kernel::{Call, CallError, Device, NodeMessage, Outcome, Reply, Row, Status, Wanted};
use oxbeam_protocol::{Id, Message, Value, commitment};

use crate::node::TestNode;

/// An execution device that counts its slots, and does what a message tells it.
#[derive(Default)]
struct Counter {
    computed: AtomicUsize,
    /// How often a state came back from a checkpoint.
    restored: AtomicUsize,
    /// How many more calls with `action` `Crash` panic.
    crashes: AtomicU32,
}

impl Device for Counter {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute" | "snapshot" | "normalize")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            let base = call.base.clone();
            match call.function().as_str() {
                "init" => Ok(Outcome::ok(base.with("count", 0))),
                "snapshot" => Ok(Outcome::ok(Message::new().with("saved", "yes"))),
                "normalize" => {
                    assert!(base.contains("snapshot"), "a checkpoint has a snapshot");
                    self.restored.fetch_add(1, SeqCst);
                    Ok(Outcome::ok(base.with("restored", "yes").without(&["restored"])))
                }
                _ => self.compute(call).await,
            }
        })
    }
}

impl Counter {
    async fn compute(&self, call: Call) -> Result<Outcome, CallError> {
        self.computed.fetch_add(1, SeqCst);
        let count = match call.base.get("count") {
            Some(Value::Integer(count)) => Value::from(count.clone() + 1),
            other => panic!("no count: {other:?}"),
        };
        let body = call.request.get("body").and_then(Value::as_map).cloned().unwrap_or_default();
        let action = body.get("action").and_then(Value::as_name).cloned().unwrap_or_default();
        match &*action {
            b"Fail" => {
                return Ok(Outcome::error(Message::from([("body", "teapot")]).with("status", 418)));
            }
            b"Skip" => return Ok(Outcome { status: Status::Skip, value: call.base.into() }),
            b"Crash" => {
                let left = self.crashes.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
                assert!(left.is_err(), "told to crash");
            }
            b"Deep" => {
                let deep = (0..200).fold(Message::new(), |deep, _| Message::new().with("a", deep));
                return Ok(Outcome::ok(call.base.with("count", count).with("results", deep)));
            }
            b"Ask" => {
                let path = body.get("ask").cloned().unwrap();
                let asked = call.context.run(&Message::new().with("path", path)).await?;
                let results = Message::new().with("asked", asked.value);
                return Ok(Outcome::ok(call.base.with("count", count).with("results", results)));
            }
            _ => {}
        }
        let results = Message::new().with("output", count.clone());
        Ok(Outcome::ok(call.base.with("count", count).with("results", results)))
    }
}

async fn node_with(counter: &Arc<Counter>) -> TestNode {
    TestNode::with_devices(NodeMessage::default(), rows(counter)).await
}

fn rows(counter: &Arc<Counter>) -> Vec<Row> {
    vec![Row { names: &["counter@1.0"], device: counter.clone() }]
}

/// Spawns a process of the counter; slot 0 is its definition.
async fn spawn(node: &TestNode, name: &str) -> Id {
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "counter@1.0"),
        ("name", name),
    ])
    .with("scheduler", node.node.address());
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
    process
}

async fn send(node: &TestNode, process: Id, message: Message) {
    let message = message.with("target", process.to_string());
    let message = node.node.sign(message, None).await.unwrap();
    node.node.schedule(process, crate::node::proven(&message), None).await.unwrap();
}

async fn send_many(node: &TestNode, process: Id, number: usize) {
    let sends = (0..number).map(|n| send(node, process, Message::new().with("n", n as i64)));
    join_all(sends).await;
}

async fn read(node: &TestNode, process: Id, path: &str) -> Result<Outcome, CallError> {
    node.run(&format!("/{process}/{path}"), Message::new()).await
}

async fn count(node: &TestNode, process: Id, path: &str) -> Value {
    read(node, process, &format!("{path}/count")).await.unwrap().into_result().unwrap()
}

#[actix_rt::test]
async fn each_slot_is_computed_once_and_any_of_them_can_be_read_again() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let process = spawn(&node, "a").await;
    send_many(&node, process, 9).await;
    assert_eq!(count(&node, process, "now").await, 10.into());
    assert_eq!(count(&node, process, "compute&slot=9").await, 10.into());
    assert_eq!(counter.computed.load(SeqCst), 10);
    for slot in [0, 3, 3, 9, 1] {
        assert_eq!(count(&node, process, &format!("compute&slot={slot}")).await, (slot + 1).into());
        assert_eq!(count(&node, process, &format!("compute={slot}")).await, (slot + 1).into());
    }
    assert_eq!(count(&node, process, "compute").await, 10.into());
    let at = read(&node, process, "compute&slot=4/at-slot").await.unwrap();
    assert_eq!(at, Outcome::ok(4));
}

#[actix_rt::test]
async fn reading_the_past_does_not_disturb_the_present() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let process = spawn(&node, "a").await;
    send_many(&node, process, 60).await;
    assert_eq!(count(&node, process, "now").await, 61.into());
    // Further back than what is kept in memory.
    assert_eq!(count(&node, process, "compute&slot=5").await, 6.into());
    let computed = counter.computed.load(SeqCst);
    send(&node, process, Message::new()).await;
    assert_eq!(count(&node, process, "now").await, 62.into());
    assert_eq!(counter.computed.load(SeqCst), computed + 1);
    assert_eq!(count(&node, process, "compute&slot=6").await, 7.into());
    assert_eq!(counter.computed.load(SeqCst), computed + 2, "the past goes on from where it was");
}

#[actix_rt::test]
async fn all_who_wait_for_a_slot_get_its_state() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let process = spawn(&node, "a").await;
    send_many(&node, process, 49).await;
    let reads = (0..200).map(|n| {
        let (slot, node) = (n % 50, &node);
        async move { (slot, count(node, process, &format!("compute&slot={slot}")).await) }
    });
    for (slot, count) in join_all(reads).await {
        assert_eq!(count, (slot + 1).into());
    }
}

#[actix_rt::test]
async fn a_slot_beyond_the_log_is_not_found() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let process = spawn(&node, "a").await;
    send_many(&node, process, 2).await;
    let outcome = read(&node, process, "compute&slot=9").await.unwrap();
    let expected = Message::new()
        .with("status", 404)
        .with("reason", "Requested slot not yet available in schedule.")
        .with("phase", "get-schedule")
        .with("attempted-slot", 3);
    assert_eq!(outcome, Outcome::error(expected));
    assert_eq!(count(&node, process, "compute").await, 3.into());
}

#[actix_rt::test]
async fn a_process_that_nobody_wrote_to_has_its_first_state() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let definition =
        Message::from([("device", "process@1.0"), ("execution-device", "counter@1.0")]);
    let definition = node.node.sign(definition, None).await.unwrap();
    let contents = node.node.contents().unwrap();
    contents.keep(&crate::node::proven(&definition), oxbeam_store::Persist::Synced).await.unwrap();
    let process = commitment::signed_id(&definition.into()).unwrap();
    for path in ["now", "compute"] {
        let state = read(&node, process, path).await.unwrap().into_result().unwrap();
        let state = state.as_map().unwrap();
        assert_eq!(state.get("at-slot"), Some(&Value::from(-1)));
        assert_eq!(state.get("count"), Some(&0.into()));
        assert_eq!(state.get("initialized"), Some(&"true".into()));
        assert_eq!(state.get("input-prefix"), Some(&"process".into()));
        assert_eq!(state.get("device"), Some(&"process@1.0".into()));
    }
}

#[actix_rt::test]
async fn a_slot_without_a_state_stops_the_process_there_and_says_why() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let process = spawn(&node, "a").await;
    send(&node, process, Message::from([("action", "Fail")])).await;
    send(&node, process, Message::new()).await;
    for path in ["compute&slot=1", "compute&slot=2", "now"] {
        let outcome = read(&node, process, path).await.unwrap();
        let expected = Message::from([("body", "teapot"), ("phase", "compute")])
            .with("status", 418)
            .with("attempted-slot", 1);
        assert_eq!(outcome, Outcome::error(expected), "{path}");
    }
    assert_eq!(count(&node, process, "compute").await, 1.into(), "what came before stays");
    assert_eq!(count(&node, process, "compute&slot=0").await, 1.into());

    let other = spawn(&node, "b").await;
    send(&node, other, Message::from([("action", "Skip")])).await;
    assert!(matches!(read(&node, other, "now").await, Err(CallError::Raised(_))));
}

#[actix_rt::test]
async fn a_slot_that_panics_is_tried_again_and_then_set_aside_until_somebody_resumes_it() {
    let counter: Arc<Counter> = Arc::default();
    counter.crashes.store(3, SeqCst);
    let node = node_with(&counter).await;
    let process = spawn(&node, "a").await;
    let sibling = spawn(&node, "b").await;
    send(&node, process, Message::from([("action", "Crash")])).await;
    for _ in 0..3 {
        let crashed = read(&node, process, "now").await.unwrap_err();
        assert!(matches!(crashed, CallError::Panicked { .. }), "{crashed}");
        assert_eq!(count(&node, sibling, "now").await, 1.into());
    }
    let aside = read(&node, process, "now").await.unwrap_err();
    assert!(matches!(aside, CallError::Quarantined { .. }), "{aside}");
    assert_eq!(count(&node, process, "compute").await, 1.into(), "what came before stays");
    let resume =
        || Message::from([("path", "/~supervisor@1.0/resume"), ("process", &*process.to_string())]);
    let stranger = oxbeam_protocol::Wallet::generate_secp256k1().unwrap();
    assert_eq!(node.answer(resume()).await.status, 403);
    assert_eq!(node.answer_signed(resume(), &stranger).await.status, 403);
    assert_eq!(node.answer_own(resume()).await.status, 200);
    assert_eq!(count(&node, process, "now").await, 2.into());
}

#[actix_rt::test]
async fn a_process_that_waits_for_itself_is_refused_and_does_not_hang() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let (a, b) = (spawn(&node, "a").await, spawn(&node, "b").await);
    let ask = |path: String| Message::from([("action", "Ask"), ("ask", path.as_str())]);
    send(&node, a, ask(format!("/{a}/now"))).await;
    let refused = read(&node, a, "now").await.unwrap_err();
    assert!(matches!(refused, CallError::Recursion), "{refused}");

    let (c, d) = (spawn(&node, "c").await, spawn(&node, "d").await);
    send(&node, c, ask(format!("/{d}/now"))).await;
    send(&node, d, ask(format!("/{c}/now"))).await;
    let refused = read(&node, c, "now").await.unwrap_err();
    assert!(matches!(refused, CallError::Recursion), "{refused}");

    send(&node, b, ask(format!("/{a}/compute&slot=0/count"))).await;
    let asked = read(&node, b, "now/results/asked").await.unwrap();
    assert_eq!(asked, Outcome::ok(1), "what does not wait for it can be read");
}

#[actix_rt::test]
async fn a_node_that_starts_again_goes_on_from_the_last_checkpoint() {
    let counter: Arc<Counter> = Arc::default();
    let mut configuration = NodeMessage::default();
    configuration.settings.checkpoint_slots = 10;
    let node = TestNode::with_devices(configuration.clone(), rows(&counter)).await;
    let process = spawn(&node, "a").await;
    send_many(&node, process, 34).await;
    assert_eq!(count(&node, process, "now").await, 35.into());
    let hashpath = node.node.store().unwrap().result(process, 34).await.unwrap().unwrap().hashpath;

    let node = node.restarted(configuration, rows(&counter)).await;
    counter.computed.store(0, SeqCst);
    assert_eq!(count(&node, process, "now").await, 35.into());
    let again = counter.computed.load(SeqCst);
    assert!(again < 10, "{again} slots were computed again");
    assert_eq!(count(&node, process, "compute&slot=12").await, 13.into());
    send(&node, process, Message::new()).await;
    assert_eq!(count(&node, process, "now").await, 36.into());
    let store = node.node.store().unwrap();
    assert_eq!(store.result(process, 34).await.unwrap().unwrap().hashpath, hashpath);
}

#[actix_rt::test]
async fn a_small_state_without_work_leaves_memory_and_comes_back() {
    let counter: Arc<Counter> = Arc::default();
    let mut configuration = NodeMessage::default();
    configuration.settings.rest_after = Duration::from_millis(5);
    let node = TestNode::with_devices(configuration, rows(&counter)).await;
    let process = spawn(&node, "a").await;
    send_many(&node, process, 3).await;
    assert_eq!(count(&node, process, "now").await, 4.into());
    let left = async {
        while counter.restored.load(SeqCst) < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(count(&node, process, "now").await, 4.into());
        }
    };
    tokio::time::timeout(Duration::from_secs(20), left).await.expect("it stays in memory");
    assert_eq!(counter.computed.load(SeqCst), 4, "nothing is computed again");
    assert_eq!(count(&node, process, "compute&slot=2").await, 3.into());
    send(&node, process, Message::new()).await;
    assert_eq!(count(&node, process, "now").await, 5.into());
}

#[actix_rt::test]
async fn a_process_nobody_knows_is_missing() {
    let node = node_with(&Arc::default()).await;
    let context = node.context();
    let unknown = Id::of(b"nobody");
    let missing = node.node.state(&context, unknown, Wanted::Now).await.unwrap_err();
    assert!(matches!(missing, CallError::Missing { .. }), "{missing}");
    let outcome = read(&node, unknown, "now").await.unwrap();
    assert_eq!(outcome.value.as_map().unwrap().get("status"), Some(&404.into()));
}

#[actix_rt::test]
async fn a_state_can_be_asked_as_another_role_without_a_trace() {
    let counter = Arc::default();
    let node = node_with(&counter).await;
    let process = spawn(&node, "a").await;
    assert_eq!(count(&node, process, "now").await, 1.into());
    let device = read(&node, process, "as/device").await.unwrap();
    assert_eq!(device, Outcome::ok("counter@1.0"));
    assert_eq!(count(&node, process, "as/compute").await, 2.into());
    assert_eq!(count(&node, process, "now").await, 1.into());
    let device = read(&node, process, "as&as=scheduler/device").await.unwrap();
    assert_eq!(device, Outcome::ok("scheduler@1.0"));
    assert!(read(&node, process, "as&as=nothing/device").await.is_err());
}

#[actix_rt::test]
async fn a_stranger_who_signs_a_definition_does_not_change_what_its_id_means() {
    let node = node_with(&Arc::default()).await;
    let process = spawn(&node, "a").await;
    send(&node, process, Message::new()).await;
    let known = node.node.contents().unwrap().read(process).await.unwrap().unwrap();
    let unsigned = known.as_map().unwrap().clone().without(&["commitments"]);
    let stranger = oxbeam_protocol::Wallet::generate_secp256k1().unwrap();
    let request = commitment::CommitRequest::default();
    let again =
        commitment::commit(&unsigned, &request, &stranger, &oxbeam_protocol::NoContent).unwrap();
    node.node
        .contents()
        .unwrap()
        .keep(&crate::node::proven(&again), oxbeam_store::Persist::Synced)
        .await
        .unwrap();
    assert_eq!(count(&node, process, "now").await, 2.into());
    let current = read(&node, process, "slot/current").await.unwrap();
    assert_eq!(current, Outcome::ok(1));
}

/// Puts an assignment into the log that the node has not signed.
async fn forged(node: &TestNode, process: Id) {
    let store = node.node.store().unwrap();
    let head = store.head(process).await.unwrap().unwrap();
    let read = oxbeam_kernel::assignment::read(&*store, process, head.slot).await.unwrap().unwrap();
    let slot = head.slot + 1;
    let body = Message::from([("action", "Evil")]);
    let body_id = commitment::signed_id(&body.clone().into()).unwrap();
    let chain = oxbeam_kernel::assignment::chain(Some(head.chain), body_id);
    let assignment = read
        .without(&["commitments"])
        .with("slot", i64::try_from(slot).unwrap())
        .with("hash-chain", chain.to_string())
        .with("body", body);
    let assignment =
        crate::node::signed(&assignment, &oxbeam_protocol::Wallet::generate_secp256k1().unwrap());
    let append = oxbeam_store::Append {
        process,
        slot,
        assignment: oxbeam_kernel::record::encode(&assignment.into()).unwrap(),
        chain,
        body: Some(body_id),
        origin: None,
        content: Default::default(),
    };
    store.append(append).await.unwrap();
}

#[actix_rt::test]
async fn what_the_log_holds_that_no_scheduler_signed_is_not_computed() {
    for (verifies, status) in [("true", 500), ("false", 200)] {
        let options = Message::from([("verify_assignments", verifies)]);
        let node = TestNode::with(options).await;
        let definition = Message::from([
            ("device", "process@1.0"),
            ("type", "Process"),
            ("execution-device", "test-device@1.0"),
            ("scheduler", node.node.address()),
        ]);
        let definition = node.node.sign(definition, None).await.unwrap();
        let process = commitment::signed_id(&definition.clone().into()).unwrap();
        let spawn = definition.with("path", "/~scheduler@1.0/schedule").with("method", "POST");
        assert_eq!(node.node.answer(spawn).await.status, 200);
        forged(&node, process).await;
        let get = async |slot: u8| {
            let path = format!("/{process}/compute&slot={slot}");
            node.answer(Message::new().with("path", path)).await
        };
        assert_eq!(get(0).await.status, 200);
        let answer = get(1).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 500 {
            let said = format!("{:?}", answer.message.get("body"));
            assert!(said.contains("no scheduler of the process has signed it"), "{said}");
        }
    }
}

/// An execution device that runs something for its state, and counts how often it had to begin.
#[derive(Default)]
struct Guest {
    begun: AtomicUsize,
}

impl Device for Guest {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute" | "snapshot" | "normalize")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        let mut base = call.base.clone();
        match call.function().as_str() {
            "init" | "normalize" => {
                self.begun.fetch_add(1, SeqCst);
                base.set_handle("guest", Arc::new(()));
            }
            "snapshot" => base = Message::from([("saved", "yes")]),
            _ => {}
        }
        oxbeam_kernel::reply(Ok(Outcome::ok(base)))
    }
}

#[actix_rt::test]
async fn asking_for_a_slot_that_is_not_there_leaves_what_runs_alone() {
    let guest = Arc::<Guest>::default();
    let row = Row { names: &["guest@1.0"], device: guest.clone() };
    let node = TestNode::with_devices(NodeMessage::default(), vec![row]).await;
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "guest@1.0"),
        ("scheduler", node.node.address()),
    ]);
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
    read(&node, process, "now").await.unwrap().into_result().unwrap();
    for slot in [1, 1, 100] {
        let path = format!("/{process}/compute&slot={slot}");
        let answer = node.answer(Message::new().with("path", path)).await;
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    send(&node, process, Message::new()).await;
    let slot = read(&node, process, "now/at-slot").await.unwrap();
    assert_eq!(slot.value, 1.into());
    assert_eq!(guest.begun.load(SeqCst), 1);
}

#[actix_rt::test]
async fn results_that_cannot_be_kept_are_an_error_of_their_slot_alone() {
    let node = node_with(&Arc::default()).await;
    let process = spawn(&node, "a").await;
    send(&node, process, Message::from([("action", "Deep")])).await;
    send(&node, process, Message::new()).await;
    assert_eq!(count(&node, process, "now").await, 3.into());
    let result = node.node.store().unwrap().result(process, 1).await.unwrap().unwrap();
    let kept = node.node.contents().unwrap().read(result.result).await.unwrap().unwrap();
    assert_eq!(kept.as_map().unwrap().get("status"), Some(&413.into()));
}
