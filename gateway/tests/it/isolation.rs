//! Where a part of the node fails, hangs or is slow, requests to others hardly wait, and the tree, the
//! metrics and the answers name what it is.

use std::future::Future;
use std::net::TcpListener;
use std::pin::pin;
use std::time::{Duration, Instant};

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Message, Wallet, commitment};

use crate::client::{Client, Response};
use crate::metrics::sample;
use crate::node::TestNode;
use crate::processes::{message_to, spawn};
use crate::wire::{post, signed, stranger};

/// Requests of each run.
const REQUESTS: usize = 200;
/// How much of the slowest requests is the machine's own doing: it may run other programs.
const NOISE: Duration = Duration::from_millis(50);
/// How often it is measured: what others do on the machine can only make requests slower.
const ROUNDS: usize = 4;

/// Somebody who has nothing to do with what fails.
struct Bystander {
    client: Client,
    process: String,
    owner: Wallet,
}

impl Bystander {
    async fn new(node: &TestNode) -> Self {
        let owner = stranger();
        let process = spawn(node, &owner, "bystander").await;
        Self { client: Client::connect(node.address).await, process, owner }
    }

    /// Asks for the state of their process.
    async fn reads(&mut self) {
        let target = format!("/{}/now", self.process);
        self.client.request(&format!("GET {target} HTTP/1.1\r\nhost: x"), b"").await;
        assert_eq!(self.client.response().await.status, 200);
    }

    /// Sends their process a message, and asks for its state.
    async fn writes(&mut self, node: &TestNode) {
        let answer = sent(node, &self.process, &self.owner).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.reads().await;
    }
}

/// Somebody who writes to what fails.
struct Writer {
    process: String,
    owner: Wallet,
}

impl Writer {
    /// Beside somebody whose process is in memory.
    async fn beside(node: &TestNode, bystander: &mut Bystander) -> Self {
        let owner = stranger();
        let process = spawn(node, &owner, "victim").await;
        bystander.reads().await;
        Self { process, owner }
    }

    async fn writes(&self, node: &TestNode) -> Response {
        sent(node, &self.process, &self.owner).await
    }
}

/// What is answered to a message for a process.
async fn sent(node: &TestNode, process: &str, owner: &Wallet) -> Response {
    post(node, &format!("/{process}/schedule"), &message_to(process, owner)).await
}

/// What 99 of 100 requests take at most.
async fn p99(mut request: impl AsyncFnMut()) -> Duration {
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        request().await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[REQUESTS * 99 / 100 - 1]
}

/// Holds requests beside what never ends against those that nothing disturbs.
async fn hardly_wait(mut request: impl AsyncFnMut(), trouble: impl Future<Output = ()>) {
    p99(&mut request).await;
    let undisturbed = p99(&mut request).await;
    let held = async {
        let mut disturbed = Vec::new();
        for _ in 0..ROUNDS {
            disturbed.push(p99(&mut request).await);
            if disturbed.last() <= Some(&(2 * undisturbed + NOISE)) {
                return;
            }
        }
        panic!("{disturbed:?} beside the trouble, {undisturbed:?} without");
    };
    tokio::select! {
        () = pin!(trouble) => panic!("the trouble ended"),
        () = held => {}
    }
}

async fn metrics(node: &TestNode) -> String {
    node.get("/metrics").await.text().to_string()
}

#[actix_rt::test]
async fn beside_a_device_that_panics() {
    let node = TestNode::start().await;
    let mut bystander = Bystander::new(&node).await;
    let panics = async {
        loop {
            assert_eq!(node.get("/~gated@1.0/panic").await.status, 500);
        }
    };
    hardly_wait(async || bystander.writes(&node).await, panics).await;
    let route = "oxbeam_http_requests_total{route=\"gated@1.0\",status=\"500\"}";
    assert!(sample(&metrics(&node).await, route) >= 1.0);
    let answer = node.get("/~gated@1.0/panic").await;
    assert!(answer.text().contains("gated@1.0"), "{}", answer.text());
}

#[actix_rt::test]
async fn beside_a_process_that_fails_its_slot() {
    let node = TestNode::start().await;
    let mut bystander = Bystander::new(&node).await;
    let owner = stranger();
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "gated@1.0"),
        ("scheduler", node.node.address()),
    ]);
    let definition = signed(&definition, &owner);
    assert_eq!(post(&node, "/~scheduler@1.0/schedule", &definition).await.status, 200);
    let victim = commitment::signed_id(&definition.into()).unwrap().to_string();
    let fails = async {
        loop {
            assert!(node.get(&format!("/{victim}/now")).await.status >= 500);
        }
    };
    hardly_wait(async || bystander.writes(&node).await, fails).await;
    let aside = node.get("/~supervisor@1.0/quarantine").await;
    assert!(aside.text().contains(&victim), "{}", aside.text());
    let crashes = node.get("/~supervisor@1.0/crashes").await;
    assert!(crashes.text().contains("gated@1.0"), "{}", crashes.text());
    let group = "oxbeam_actor_crashes_total{group=\"devices\"}";
    assert!(sample(&metrics(&node).await, group) >= 1.0);
}

#[actix_rt::test]
async fn beside_a_full_disk_what_only_reads() {
    let node = TestNode::start().await;
    let mut bystander = Bystander::new(&node).await;
    let writer = Writer::beside(&node, &mut bystander).await;
    let refused = async {
        node.disk.set_capacity(Some(node.disk.used()));
        loop {
            let answer = writer.writes(&node).await;
            assert!(answer.status >= 500, "{}", answer.text());
        }
    };
    hardly_wait(async || bystander.reads().await, refused).await;
    assert!(node.get("/readyz").await.text().contains("the disk is full"));
    let text = metrics(&node).await;
    assert_eq!(sample(&text, "oxbeam_ready"), 0.0);
    assert!(sample(&text, "oxbeam_store_failures_total") >= 1.0);
}

#[actix_rt::test]
async fn beside_a_slow_disk_what_only_reads() {
    let node = TestNode::start().await;
    let mut bystander = Bystander::new(&node).await;
    let writer = Writer::beside(&node, &mut bystander).await;
    let waits = async {
        node.disk.set_delay(Duration::from_millis(100));
        loop {
            let answer = writer.writes(&node).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    };
    hardly_wait(async || bystander.reads().await, waits).await;
    // At least this one is written to its end.
    assert_eq!(writer.writes(&node).await.status, 200);
    let slow = "oxbeam_store_write_seconds_bucket{le=\"0.05\",synced=\"true\"}";
    let all = "oxbeam_store_write_seconds_count{synced=\"true\"}";
    let text = metrics(&node).await;
    assert!(sample(&text, slow) < sample(&text, all), "{text}");
}

#[actix_rt::test]
async fn beside_a_target_node_that_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let options = Message::from([("remote_networks", "any")]);
    let configuration = NodeMessage::from_message(&options).unwrap();
    let node = TestNode::with(Default::default(), configuration).await;
    let mut bystander = Bystander::new(&node).await;
    let (owner, elsewhere) = (stranger(), stranger());
    let record =
        Message::from([("type", "scheduler-location"), ("url", url.as_str()), ("nonce", "1")]);
    let record = signed(&record, &elsewhere);
    assert_eq!(post(&node, "/~scheduler@1.0/location", &record).await.status, 200);
    let far = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "echo@1.0"),
        ("scheduler", &*elsewhere.address().to_string()),
    ]);
    let far = signed(&far, &owner);
    // What is signed is kept: from now on the node knows the process.
    assert_eq!(post(&node, "/~scheduler@1.0/schedule", &far).await.status, 307);
    let far = commitment::signed_id(&far.into()).unwrap().to_string();
    let sender = spawn(&node, &owner, "sender").await;
    let sends = async {
        for number in 0.. {
            let message =
                Message::from([("type", "Message"), ("target", &*sender), ("peer", &*far)]);
            let message = signed(&message.with("number", number), &owner);
            let answer = post(&node, &format!("/{sender}/push&push-mode=async"), &message).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    };
    hardly_wait(async || bystander.writes(&node).await, sends).await;
    let letters = node.get("/~supervisor@1.0/outbox").await;
    assert!(letters.text().contains(&far), "{}", letters.text());
    let waiting = "oxbeam_outbox_messages{state=\"waiting\"}";
    assert!(sample(&metrics(&node).await, waiting) >= 1.0);
}
