//! Two nodes: processes of one send to processes of the other, which may be killed meanwhile.

use std::fs;
use std::time::Duration;

use actix_rt::time::sleep;
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::commitment;
use oxbeam_protocol::{Message, Value, Wallet};
use tempfile::TempDir;

use super::folder;
use super::kill::{get, listens};
use super::node::Program;
use crate::client::{Client, Response};
use crate::node::TestNode;
use crate::wire::{post, signed, stranger, wire};

/// After which a message that has not arrived never will.
const PATIENCE: u32 = 600;

/// A process, as its owner defines it.
fn definition(device: &str, scheduler: &str, owner: &Wallet) -> Message {
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", device),
        ("scheduler", scheduler),
    ]);
    signed(&definition, owner)
}

fn id(message: &Message) -> String {
    commitment::signed_id(&message.clone().into()).unwrap().to_string()
}

/// A program that can be killed, and a process of it.
pub(super) struct Far {
    folder: TempDir,
    program: Program,
    wallet: Wallet,
    pub(super) process: String,
    definition: Message,
}

impl Far {
    pub(super) async fn new(owner: &Wallet) -> Self {
        let folder = folder();
        let program = Program::start(folder.path());
        let wallet = fs::read_to_string(folder.path().join("data/wallet.json")).unwrap();
        let wallet = Wallet::from_text(&wallet).unwrap();
        let definition = definition("test-device@1.0", &program.address, owner);
        let mut client = Client::connect(listens(&program)).await;
        let answer = client.post("/~scheduler@1.0/schedule", &wire(&definition)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        Self { folder, program, wallet, process: id(&definition), definition }
    }

    /// Where its scheduler is, as it says itself.
    fn location(&self) -> Message {
        let record = Message::from([
            ("type", "scheduler-location"),
            ("url", self.program.url.trim_end_matches('/')),
            ("nonce", "1"),
        ]);
        signed(&record, &self.wallet)
    }

    /// Kills the program, and starts it again where it was.
    pub(super) async fn killed(self, meanwhile: impl AsyncFnOnce()) -> Self {
        let port = listens(&self.program).port().to_string();
        assert_eq!(self.program.signal("-KILL"), None);
        meanwhile().await;
        Self { program: Program::start_on(self.folder.path(), &port), ..self }
    }

    pub(super) async fn slot(&self) -> i64 {
        let mut client = Client::connect(listens(&self.program)).await;
        match get(&mut client, &format!("/{}/slot", self.process)).await.get("current") {
            Some(Value::Integer(slot)) => i64::try_from(slot).unwrap(),
            other => panic!("no slot: {other:?}"),
        }
    }

    /// Waits until a slot is there, and answers with its message.
    pub(super) async fn message(&self, slot: i64) -> Message {
        for _ in 0..PATIENCE {
            if self.slot().await >= slot {
                let path = format!("/{}/schedule&from+integer={slot}/assignments", self.process);
                let mut client = Client::connect(listens(&self.program)).await;
                let assignments = get(&mut client, &path).await;
                let assignment = assignments.get(slot.to_string()).and_then(Value::as_map);
                return assignment.unwrap().get("body").and_then(Value::as_map).unwrap().clone();
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("slot {slot} never came");
    }
}

/// A node whose process sends to that of the other.
async fn near(networks: &str, far: &Far, owner: &Wallet) -> (TestNode, String) {
    configured(Message::from([("remote_networks", networks)]), far, owner).await
}

/// The same with these options.
pub(super) async fn configured(options: Message, far: &Far, owner: &Wallet) -> (TestNode, String) {
    let configuration = NodeMessage::from_message(&options).unwrap();
    let node = TestNode::with(Default::default(), configuration).await;
    let answer = post(&node, "/~scheduler@1.0/location", &far.location()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // What is signed is kept: from now on the node knows the process.
    assert_eq!(post(&node, "/~scheduler@1.0/schedule", &far.definition).await.status, 307);
    let definition = definition("echo@1.0", node.node.address(), owner);
    assert_eq!(post(&node, "/~scheduler@1.0/schedule", &definition).await.status, 200);
    (node, id(&definition))
}

/// Makes the process near send a message to the one far away.
pub(super) async fn send(node: &TestNode, process: &str, far: &str, owner: &Wallet) -> Response {
    let message = Message::from([("type", "Message"), ("target", process), ("peer", far)]);
    post(node, &format!("/{process}/push"), &signed(&message, owner)).await
}

pub(super) fn report(answer: &Response) -> Message {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.message().get("1").and_then(Value::as_map).unwrap().clone()
}

#[actix_rt::test]
async fn a_message_to_a_process_of_another_node_arrives_once_though_that_is_killed() {
    let owner = stranger();
    let far = Far::new(&owner).await;
    let (node, process) = near("any", &far, &owner).await;
    let target = far.process.clone();
    let far = far
        .killed(async || {
            let report = report(&send(&node, &process, &target, &owner).await);
            assert_eq!(report.get("response"), Some(&"error".into()), "{report:?}");
        })
        .await;
    let message = far.message(1).await;
    assert_eq!(message.get("from-process"), Some(&process.as_str().into()));
    let far = far.killed(async || {}).await;
    // Sent again, as after an answer that was lost, it is known by its place in the outbox.
    let again = node
        .send(
            &format!("POST /{process}/push&slot=1 HTTP/1.1\r\nhost: x\r\naccept-bundle: true"),
            b"",
        )
        .await;
    assert_eq!(report(&again).get("slot"), Some(&1.into()), "{:?}", report(&again));
    assert_eq!(far.slot().await, 1, "it has arrived once");
    // The same content from another slot is another message.
    assert_eq!(report(&send(&node, &process, &target, &owner).await).get("slot"), Some(&2.into()));
}

#[actix_rt::test]
async fn a_client_is_led_to_the_node_that_schedules_a_process() {
    let owner = stranger();
    let far = Far::new(&owner).await;
    let (node, _) = near("any", &far, &owner).await;
    let url = far.program.url.trim_end_matches('/');
    let message = Message::from([("type", "Message"), ("target", far.process.as_str())]);
    let message = signed(&message, &owner);
    let get = async |key: &str| node.get(&format!("/{}/{key}", far.process)).await;
    for answer in [
        post(&node, &format!("/{}/schedule", far.process), &message).await,
        post(&node, &format!("/{}/push", far.process), &message).await,
        get("slot").await,
        get("schedule").await,
        get("push&slot=0").await,
    ] {
        assert_eq!(answer.status, 307, "{}", answer.text());
        assert_eq!(answer.headers["location"], url);
    }
}

#[actix_rt::test]
async fn nothing_is_sent_to_private_addresses_unless_it_is_wanted() {
    let owner = stranger();
    let far = Far::new(&owner).await;
    let (node, process) = near("public", &far, &owner).await;
    let report = report(&send(&node, &process, &far.process, &owner).await);
    let reason = report.get("reason").and_then(Value::as_name).unwrap();
    assert!(String::from_utf8_lossy(reason).contains("remote_networks"), "{report:?}");
    assert_eq!(far.slot().await, 0);
}
