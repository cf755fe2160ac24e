//! Tasks that the node runs by itself, over whole nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::{Answer, Call, CallError, Device, NodeMessage, Outcome, Reply, Row, reply};
use oxbeam_protocol::{Id, Message, Value, Wallet};
use oxbeam_store::{CatchUp, Ended, Persist, StoreError, Timer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::node::TestNode;

const HOUR: u64 = 3_600_000;

/// A device that shows its calls to the test. `fail` it refuses, at `crash` it panics, `hang` it
/// never answers, and in each of `troubles` the node fails in another way, but the last time.
struct Probe {
    calls: UnboundedSender<Message>,
    troubles: AtomicUsize,
}

/// What the node may be unable to do for a while: to wait for what answers too late, to write to a store
/// that starts anew, to go on in a part of it that crashes.
fn trouble(number: usize) -> Option<CallError> {
    match number {
        0 => Some(CallError::Timeout { limit: Duration::from_secs(10) }),
        1 => Some(StoreError::Ended { ended: Ended::Closed }.into()),
        2 => panic!("in the midst of it"),
        _ => None,
    }
}

impl Device for Probe {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "tick" | "fail" | "crash" | "hang" | "troubles")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        let _ = self.calls.send(call.request.clone());
        match call.function().as_str() {
            "tick" => reply(Ok(Outcome::ok("ticked"))),
            "fail" => reply(Ok(Outcome::refused(418, "I am a teapot."))),
            "hang" => Box::pin(std::future::pending()),
            "troubles" => match trouble(self.troubles.fetch_add(1, Relaxed)) {
                Some(error) => reply(Err(error)),
                None => reply(Ok(Outcome::ok("done"))),
            },
            _ => panic!("as it was asked to"),
        }
    }
}

struct Scene {
    node: TestNode,
    calls: UnboundedReceiver<Message>,
}

fn probe() -> (Vec<Row>, UnboundedReceiver<Message>) {
    let (sender, calls) = unbounded_channel();
    (
        vec![Row {
            names: &["probe@1.0"],
            device: Arc::new(Probe { calls: sender, troubles: AtomicUsize::new(0) }),
        }],
        calls,
    )
}

impl Scene {
    async fn new() -> Self {
        Self::with(Message::new()).await
    }

    async fn with(options: Message) -> Self {
        let (rows, calls) = probe();
        let configuration = NodeMessage::from_message(&options).unwrap();
        Self { node: TestNode::with_devices(configuration, rows).await, calls }
    }

    async fn restarted(self) -> Self {
        let (rows, calls) = probe();
        Self { node: self.node.restarted(NodeMessage::default(), rows).await, calls }
    }

    async fn ask(&self, key: &str, request: Message) -> Answer {
        self.node.answer(request.with("path", format!("/~cron@1.0/{key}"))).await
    }

    async fn ask_as(&self, signer: &Wallet, key: &str, request: Message) -> Answer {
        self.ask_with(crate::node::signed(&request, signer), key, Message::new()).await
    }

    /// Asks with a signed message, to which somebody has added something.
    async fn ask_with(&self, signed: Message, key: &str, added: Message) -> Answer {
        let mut request = self.node.node.authenticate(signed).await.unwrap().into_message();
        request.extend(added);
        self.node.node.answer(request.with("path", format!("/~cron@1.0/{key}"))).await
    }

    /// Starts a task, and answers with its id.
    async fn start(&self, key: &str, request: Message) -> Id {
        let answer = self.ask(key, request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        body(&answer).parse().unwrap()
    }

    /// The request of the next call of the probe.
    async fn call(&mut self) -> Message {
        timeout(Duration::from_secs(20), self.calls.recv()).await.expect("nothing ran").unwrap()
    }

    async fn shown(&self, task: Id) -> Option<Message> {
        let request = Message::new().with("task", task.to_string());
        let answer = self.ask("list", request).await;
        tasks(&answer).pop()
    }

    /// Waits until a task that everybody may see is as it should be, or `None` if it is gone.
    async fn until(&self, task: Id, is: impl Fn(Option<&Message>) -> bool) -> Option<Message> {
        let becomes = async {
            loop {
                let shown = self.shown(task).await;
                if is(shown.as_ref()) {
                    return shown;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), becomes).await.expect("it does not become so")
    }

    /// Waits until a task is gone, whoever might see it.
    async fn until_gone(&self, task: Id) {
        let goes = async {
            while self.node.node.timer(task).await.unwrap().is_some() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), goes).await.expect("it stays");
    }

    /// Puts a task into the store whose runs were due every hour since so many half hours ago.
    async fn slept(&self, name: &str, catch_up: CatchUp, half_hours: u64) -> Id {
        let id = Id::of(name.as_bytes());
        let request = Message::from([("path", "/~probe@1.0/tick"), ("name", "x")]);
        let request = oxbeam_kernel::record::encode(&request.into()).unwrap();
        let timer = Timer {
            id,
            request,
            next_run: Some(now() - half_hours * HOUR / 2),
            interval: Some(HOUR),
            last_run: None,
            runs: 0,
            missed: 0,
            began: None,
            catch_up,
            owners: Vec::new(),
            failure: None,
        };
        self.node.node.store().unwrap().put_timer(timer, Persist::Synced).await.unwrap();
        id
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn body(answer: &Answer) -> String {
    text(&answer.message, "body")
}

fn text(message: &Message, key: &str) -> String {
    let value = message.get(key).unwrap_or_else(|| panic!("no {key} in {message:?}"));
    String::from_utf8(value.as_bytes().unwrap().to_vec()).unwrap()
}

fn number(message: &Message, key: &str) -> u64 {
    match message.get(key) {
        Some(Value::Integer(number)) => u64::try_from(number).unwrap(),
        other => panic!("{key} is {other:?}"),
    }
}

fn tasks(answer: &Answer) -> Vec<Message> {
    let tasks = answer.message.get("tasks").and_then(Value::as_list);
    let all = tasks.map(|tasks| tasks.iter().map(|task| task.as_map().unwrap().clone()));
    all.map(Iterator::collect).unwrap_or_default()
}

fn tick() -> Message {
    Message::from([("cron-path", "/~probe@1.0/tick"), ("name", "x")])
}

fn every(interval: &'static str) -> Message {
    tick().with("interval", interval)
}

#[actix_rt::test]
async fn once_runs_at_once_with_the_rest_of_the_request_and_is_gone() {
    let mut scene = Scene::new().await;
    let task = scene.start("once", tick()).await;
    let call = scene.call().await;
    assert_eq!(text(&call, "name"), "x");
    assert!(!call.contains("cron-path"));
    scene.until_gone(task).await;
    let stopped = scene.ask("stop", Message::new().with("task", task.to_string())).await;
    assert_eq!((stopped.status, body(&stopped).as_str()), (400, "Task not found."));
}

#[actix_rt::test]
async fn once_with_a_delay_waits_for_it_and_outlives_a_restart() {
    let scene = Scene::new().await;
    let due = now() + 500;
    let task = scene.start("once", tick().with("cron-delay", "500-milliseconds")).await;
    let mut scene = scene.restarted().await;
    scene.call().await;
    assert!(now() >= due);
    scene.until_gone(task).await;
}

#[actix_rt::test]
async fn every_runs_until_it_is_stopped_each_time_with_a_key_of_its_own() {
    let mut scene = Scene::new().await;
    let task = scene.start("every", every("100-milliseconds")).await;
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(text(&scene.call().await, "idempotency-key"));
    }
    let due = |key: &String| key.split_once('/').unwrap().1.parse::<u64>().unwrap();
    assert!(keys.iter().all(|key| key.starts_with(&task.to_string())), "{keys:?}");
    assert!(keys.is_sorted_by(|a, b| due(a) < due(b) && (due(b) - due(a)) % 100 == 0), "{keys:?}");

    let stopped = scene.ask("stop", Message::new().with("task", task.to_string())).await;
    let said = stopped.message.get("body").and_then(Value::as_map).unwrap();
    assert_eq!(stopped.status, 200);
    assert_eq!(text(said, "message"), "Task stopped successfully");
    assert_eq!(text(said, "task_id"), task.to_string());
    assert_eq!(scene.shown(task).await, None);
    let again = scene.ask("stop", Message::new().with("task", task.to_string())).await;
    assert_eq!((again.status, body(&again).as_str()), (400, "Task not found."));
}

#[actix_rt::test]
async fn the_same_request_starts_one_task() {
    let mut scene = Scene::new().await;
    let first = scene.start("every", every("1-hour")).await;
    assert_eq!(scene.start("every", every("1-hour")).await, first);
    assert_ne!(scene.start("every", every("2-hours")).await, first);
    scene.call().await;
    scene.call().await;
    let shown = scene.until(first, |task| number(task.unwrap(), "runs") > 0).await.unwrap();
    assert_eq!(number(&shown, "runs"), 1);
    assert!(scene.calls.try_recv().is_err(), "two tasks, two runs");
}

#[actix_rt::test]
async fn a_signed_request_that_somebody_has_kept_starts_no_second_task() {
    let mut scene = Scene::new().await;
    let owner = Wallet::generate_secp256k1().unwrap();
    let captured = crate::node::signed(&tick(), &owner);
    let first = scene.ask_with(captured.clone(), "once", Message::new()).await;
    assert_eq!(first.status, 200, "{first:?}");
    scene.call().await;
    scene.until_gone(body(&first).parse().unwrap()).await;
    let again = scene.ask_with(captured.clone(), "once", Message::new()).await;
    assert_eq!(again.status, 409, "{again:?}");

    let recurring = crate::node::signed(&every("1-hour"), &owner);
    let started = scene.ask_with(recurring.clone(), "every", Message::new()).await;
    scene.call().await;
    let repeated = scene.ask_with(recurring.clone(), "every", Message::new()).await;
    assert_eq!((repeated.status, body(&repeated)), (200, body(&started)), "it goes on");
    let task = Message::new().with("task", body(&started));
    assert_eq!(scene.ask_as(&owner, "stop", task).await.status, 200);
    let mut scene = scene.restarted().await;
    for (key, request) in [("every", recurring), ("once", captured)] {
        let again = scene.ask_with(request, key, Message::new()).await;
        assert_eq!(again.status, 409, "{again:?}");
    }
    let anew = scene.ask_as(&owner, "once", tick().with("nonce", "2")).await;
    assert_eq!(anew.status, 200, "its signer may ask for another: {anew:?}");
    scene.call().await;
    assert!(scene.calls.try_recv().is_err());
}

#[actix_rt::test]
async fn a_signed_request_that_was_refused_may_be_sent_again() {
    let scene = Scene::with(Message::new().with("cron_max_tasks", 1)).await;
    let task = scene.start("every", every("1-hour")).await;
    let owner = Wallet::generate_secp256k1().unwrap();
    let request = crate::node::signed(&every("2-hours"), &owner);
    let full = scene.ask_with(request.clone(), "every", Message::new()).await;
    assert_eq!(full.status, 503, "{full:?}");
    scene.ask("stop", Message::new().with("task", task.to_string())).await;
    let taken = scene.ask_with(request, "every", Message::new()).await;
    assert_eq!(taken.status, 200, "{taken:?}");
}

#[actix_rt::test]
async fn a_task_that_is_stopped_in_the_middle_of_a_run_runs_no_more() {
    let mut scene = Scene::new().await;
    let hangs = Message::from([("cron-path", "/~probe@1.0/hang"), ("interval", "1-second")]);
    let task = scene.start("every", hangs).await;
    scene.call().await;
    let shown = scene.until(task, |task| task.is_some()).await.unwrap();
    assert!(shown.get("running").unwrap().is_name("true"));
    let stopped = scene.ask("stop", Message::new().with("task", task.to_string())).await;
    assert_eq!(stopped.status, 200);
    assert_eq!(scene.shown(task).await, None);
}

#[actix_rt::test]
async fn after_a_restart_each_task_makes_up_for_what_it_says() {
    let scene = Scene::new().await;
    let skip = scene.slept("skip", CatchUp::Skip, 5).await;
    let once = scene.slept("once", CatchUp::Once, 5).await;
    let all = scene.slept("all", CatchUp::All, 5).await;
    let mut scene = scene.restarted().await;
    let runs = |least: u64| move |task: Option<&Message>| number(task.unwrap(), "runs") >= least;
    let all = scene.until(all, runs(3)).await.unwrap();
    let once = scene.until(once, runs(1)).await.unwrap();
    let skip = scene.until(skip, runs(0)).await.unwrap();
    let counts = |task: &Message| (number(task, "runs"), number(task, "missed"));
    assert_eq!([&skip, &once, &all].map(counts), [(0, 3), (1, 2), (3, 0)]);
    assert!([&skip, &once, &all].iter().all(|task| number(task, "next-run") > now()));
    for _ in 0..4 {
        scene.call().await;
    }
    assert!(scene.calls.try_recv().is_err());
}

#[actix_rt::test]
async fn limits_hold_for_each_client_and_for_all() {
    let limits = Message::new().with("cron_max_tasks", 3).with("cron_max_tasks_of_client", 2);
    let scene = Scene::with(limits.with("cron_min_interval", 1000)).await;
    let soon = scene.ask("every", every("999-milliseconds")).await;
    assert_eq!(soon.status, 400, "{soon:?}");
    scene.start("every", every("1-hour")).await;
    scene.start("every", every("2-hours")).await;
    let third = scene.ask("every", every("3-hours")).await;
    assert_eq!(third.status, 429, "{third:?}");
    scene.start("every", every("1-hour")).await;

    let somebody = Wallet::generate_secp256k1().unwrap();
    let other = scene.ask_as(&somebody, "every", every("3-hours")).await;
    assert_eq!(other.status, 200, "another client's limit is another: {other:?}");
    let fourth = scene.ask_as(&somebody, "every", every("4-hours")).await;
    assert_eq!(fourth.status, 503, "{fourth:?}");
}

#[actix_rt::test]
async fn a_node_may_take_tasks_from_signers_or_admins_alone() {
    let somebody = Wallet::generate_secp256k1().unwrap();
    let scene = Scene::with(Message::from([("cron_access", "signed")])).await;
    assert_eq!(scene.ask("once", tick()).await.status, 403);
    assert_eq!(scene.ask_as(&somebody, "once", tick()).await.status, 200);
    let scene = Scene::with(Message::from([("cron_access", "admin")])).await;
    assert_eq!(scene.ask_as(&somebody, "once", tick()).await.status, 403);
    assert_eq!(scene.ask_as(scene.node.node.wallet(), "once", tick()).await.status, 200);
}

#[actix_rt::test]
async fn a_task_is_seen_and_stopped_by_who_signed_it_and_by_admins() {
    let scene = Scene::new().await;
    let [owner, stranger] = [(), ()].map(|()| Wallet::generate_secp256k1().unwrap());
    let answer = scene.ask_as(&owner, "every", every("1-hour")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let task = body(&answer);
    let named = || Message::new().with("task", task.clone());
    assert_eq!(scene.ask("stop", named()).await.status, 403);
    assert_eq!(scene.ask_as(&stranger, "stop", named()).await.status, 403);
    assert_eq!(scene.ask("list", named()).await.status, 400);
    assert_eq!(scene.ask("list", Message::new()).await.status, 403);
    let any = || Message::from([("any", "thing")]);
    assert!(tasks(&scene.ask_as(&stranger, "list", any()).await).is_empty());
    let own = tasks(&scene.ask_as(&owner, "list", any()).await);
    assert_eq!(
        own.iter().map(|task| text(task, "id")).collect::<Vec<_>>(),
        std::slice::from_ref(&task)
    );
    let all = scene.node.answer_own(Message::from([("path", "/~cron@1.0/list")])).await;
    assert_eq!(tasks(&all).len(), 1, "{all:?}");

    // What somebody else adds to a signed message is not asked for by its signer.
    let added = scene.ask_with(crate::node::signed(&any(), &owner), "stop", named()).await;
    assert_ne!(added.status, 200, "{added:?}");
    assert_eq!(scene.ask_as(&owner, "stop", named()).await.status, 200);
}

#[actix_rt::test]
async fn a_run_is_signed_by_nobody() {
    let mut scene = Scene::new().await;
    let admin = scene.node.node.wallet().clone();
    let info = Message::from([("cron-path", "/~probe@1.0/tick")]);
    assert_eq!(scene.ask_as(&admin, "once", info).await.status, 200);
    assert!(!scene.call().await.contains("commitments"));
}

#[actix_rt::test]
async fn a_task_that_fails_says_why_and_stops_no_other() {
    let mut scene = Scene::new().await;
    let failing = |path: &'static str| every("1-hour").with("cron-path", path);
    let fails = scene.start("every", failing("/~probe@1.0/fail")).await;
    let crashes = scene.start("every", failing("/~probe@1.0/crash")).await;
    let hangs = scene.start("every", failing("/~probe@1.0/hang")).await;
    let ticks = scene.start("every", every("100-milliseconds")).await;
    let failed = |task: Option<&Message>| task.unwrap().contains("last-error");
    let fails = scene.until(fails, failed).await.unwrap();
    assert_eq!(text(&fails, "last-error"), "418: I am a teapot.");
    assert!(number(&fails, "last-error-at") <= now());
    assert_eq!((number(&fails, "runs"), text(&fails, "path").as_str()), (1, "/~probe@1.0/fail"));
    let crashed = scene.until(crashes, failed).await.unwrap();
    assert!(text(&crashed, "last-error").starts_with("500: "), "{crashed:?}");
    scene.until(ticks, |task| number(task.unwrap(), "runs") >= 3).await;
    assert!(scene.shown(hangs).await.unwrap().get("running").unwrap().is_name("true"));
    for _ in 0..6 {
        scene.call().await;
    }
}

#[actix_rt::test]
async fn a_task_that_runs_once_is_not_given_up_for_what_the_node_cannot_do_just_now() {
    let mut scene = Scene::new().await;
    let task = scene.start("once", Message::from([("cron-path", "/~probe@1.0/troubles")])).await;
    let mut keys = Vec::new();
    for _ in 0..4 {
        keys.push(text(&scene.call().await, "idempotency-key"));
    }
    assert!(keys.iter().all(|key| *key == keys[0]), "the same run each time: {keys:?}");
    scene.until_gone(task).await;
    assert!(scene.calls.try_recv().is_err());
}

#[actix_rt::test]
async fn what_cannot_be_a_task_is_refused_with_a_sentence() {
    let scene = Scene::new().await;
    let path = || Message::from([("cron-path", "/~probe@1.0/tick")]);
    let table = [
        ("once", Message::new(), "No cron path found in message."),
        ("every", Message::new().with("interval", "1-day"), "No cron path found in message."),
        ("every", path(), "No interval found in message."),
        ("every", path().with("interval", "1-fortnight"), "Invalid time unit: fortnight"),
        ("every", path().with("interval", "0-days"), "Invalid interval value."),
        ("stop", Message::new(), "No task ID found in message."),
        ("stop", Message::new().with("task", "nothing"), "Task not found."),
    ];
    for (key, request, sentence) in table {
        let answer = scene.ask(key, request).await;
        assert_eq!((answer.status, body(&answer).as_str()), (400, sentence));
    }
    let long = path().with("data", vec![b'x'; 300 << 10]);
    assert_eq!(scene.ask("once", long).await.status, 413);
}

#[actix_rt::test]
async fn info_says_what_there_is() {
    let scene = Scene::new().await;
    let answer = scene.ask("info", Message::new()).await;
    let said = answer.message.get("body").and_then(Value::as_map).unwrap();
    assert_eq!((answer.status, text(said, "version").as_str()), (200, "1.0"));
    let paths = said.get("paths").and_then(Value::as_map).unwrap();
    let keys: Vec<_> = paths.keys().map(|key| key.to_text().into_owned()).collect();
    assert_eq!(keys, ["every", "info", "once", "stop"]);
}
