//! Two processes that send what they are told to.

use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::{Answer, Call, Device, NodeMessage, Outcome, Reply, Row, Wanted, reply};
use oxbeam_protocol::commitment::{self, CommitRequest, signed_id};
use oxbeam_protocol::{Id, Message, NoContent, Value, Wallet};

use crate::node::TestNode;

/// An execution device that sends what a message tells it to. `Ping` it sends back, and for `Thirsty` it
/// needs [`PLENTY`] of fuel.
struct Parrot;

/// More fuel than guests have, unless the operator gives it to them.
pub(super) const PLENTY: u64 = u64::MAX >> 1;

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

pub(super) fn map(value: Option<&Value>) -> Message {
    value.unwrap().as_map().unwrap().clone()
}

pub(super) fn text(message: &Message, key: &str) -> String {
    let value = message.get(key).unwrap_or_else(|| panic!("no {key} in {message:?}"));
    String::from_utf8(value.as_bytes().unwrap().to_vec()).unwrap()
}

pub(super) fn rows() -> Vec<Row> {
    vec![Row { names: &["parrot@1.0"], device: Arc::new(Parrot) }]
}

/// Two processes on a node, and their owner.
pub(crate) struct Scene {
    pub(crate) node: TestNode,
    owner: Wallet,
    pub(crate) a: Id,
    pub(super) b: Id,
}

impl Scene {
    pub(super) async fn new() -> Self {
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

    pub(super) fn sign(&self, message: &Message) -> Message {
        commitment::commit(message, &CommitRequest::default(), &self.owner, &NoContent).unwrap()
    }

    pub(super) fn definition(&self, name: &str, scheduler: &str) -> Message {
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

    pub(super) async fn spawn(&self, name: &str) -> Id {
        let definition = self.definition(name, self.node.node.address());
        let answer = self.post("/push", definition.clone()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.message.get("slot"), Some(&0.into()));
        let process = text(&answer.message, "process").parse().unwrap();
        assert_eq!(process, signed_id(&definition.into()).unwrap());
        process
    }

    pub(super) async fn post(&self, path: &str, message: Message) -> Answer {
        self.node.node.answer(message.with("path", path).with("method", "POST")).await
    }

    /// A signed message to the first process, as the body of a request.
    pub(super) fn message(&self, message: Message) -> Message {
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

    pub(super) fn to_b(&self, action: &str) -> Message {
        Message::from([("Action", action)]).with("target", self.b.to_string())
    }

    pub(super) async fn slot_of(&self, process: Id) -> u64 {
        self.node.node.head(process).await.unwrap().unwrap().slot
    }

    pub(super) async fn seen(&self, process: Id) -> String {
        let context = self.node.context();
        let state = self.node.node.state(&context, process, Wanted::Now).await.unwrap();
        text(state.value.as_map().unwrap(), "seen")
    }

    /// Waits until the background has brought a process so far.
    pub(super) async fn reaches(&self, process: Id, slot: u64) {
        let reached = async {
            while self.slot_of(process).await < slot {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), reached).await.expect("nothing was delivered");
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
