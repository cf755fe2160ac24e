//! aos, as the network runs it: a Lua interpreter with exceptions, in 64 bits of memory.
//!
//! A script brings its module from npm's registry. Without npm these tests pass, and the script says so.

use std::path::Path;
use std::process::Command;

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::Persist;

use super::{at, send, spawn, texts};
use crate::node::TestNode;

/// What the script ends with where there is no npm, or no way to its registry.
const UNREACHABLE: i32 = 3;

/// The module, if there is a way to get it.
fn module() -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/aos");
    match Command::new(script).arg(folder).status().unwrap().code() {
        Some(0) => Some(std::fs::read(folder.join("aos.wasm")).unwrap()),
        Some(UNREACHABLE) => None,
        code => panic!("scripts/aos ended with {code:?}"),
    }
}

struct Aos {
    node: TestNode,
    image: String,
}

impl Aos {
    async fn start() -> Option<Self> {
        let mut configuration = NodeMessage::default();
        configuration.settings.checkpoint_slots = 3;
        let node = TestNode::configured(configuration).await;
        let image = Message::new().with("body", module()?);
        let image = node
            .node
            .contents()
            .unwrap()
            .keep(&crate::node::proven(&image), Persist::Synced)
            .await
            .unwrap();
        Some(Self { node, image: image.to_string() })
    }

    async fn restarted(self) -> Self {
        let mut configuration = NodeMessage::default();
        configuration.settings.checkpoint_slots = 3;
        Self { node: self.node.restarted(configuration, Vec::new()).await, image: self.image }
    }

    async fn spawn(&self, name: &str) -> Id {
        let stack = ["wasi@1.0", "json-iface@1.0", "wasm-64@1.0", "multipass@1.0"];
        let definition = Message::from([("image", self.image.as_str()), ("name", name)])
            .with("authority", self.node.node.address())
            .with("output-prefix", "wasm")
            .with("passes", 2)
            .with("stack-keys", texts(&["init", "compute", "snapshot", "normalize"]))
            .with("device-stack", texts(&stack));
        spawn(&self.node, definition).await
    }

    async fn eval(&self, process: Id, code: &str) {
        send(&self.node, process, Message::from([("action", "Eval"), ("data", code)])).await;
    }

    /// What a slot shows.
    async fn data(&self, process: Id, slot: u64) -> String {
        match at(&self.node, process, slot, "results/data").await {
            Some(Value::Bytes(data)) => String::from_utf8(data.to_vec()).unwrap(),
            other => panic!("slot {slot}: {other:?}"),
        }
    }
}

#[actix_rt::test]
async fn aos_evaluates_what_its_owner_sends() {
    let Some(aos) = Aos::start().await else { return };
    let process = aos.spawn("a").await;
    aos.eval(process, "return 1+1").await;
    aos.eval(process, "error(\"bad\")").await;
    aos.eval(process, "X = 5; return 'set'").await;
    aos.eval(process, "return tostring(pcall(error, 'caught'))").await;
    assert_eq!(aos.data(process, 1).await, "2");
    let error = aos.data(process, 2).await;
    assert!(error.contains("bad"), "{error}");
    assert_eq!(aos.data(process, 3).await, "set");
    assert_eq!(aos.data(process, 4).await, "false");
}

#[actix_rt::test]
async fn aos_goes_on_after_a_restart() {
    let Some(aos) = Aos::start().await else { return };
    let process = aos.spawn("a").await;
    for n in 1..=4 {
        aos.eval(process, &format!("X = (X or 0) + {n}; return X")).await;
    }
    assert_eq!(aos.data(process, 4).await, "10");
    let aos = aos.restarted().await;
    aos.eval(process, "return X + 10").await;
    assert_eq!(aos.data(process, 5).await, "20");
}

#[actix_rt::test]
async fn processes_of_aos_answer_each_other() {
    let Some(aos) = Aos::start().await else { return };
    let (a, b) = (aos.spawn("a").await, aos.spawn("b").await);
    let handler = "Handlers.add('ping', Handlers.utils.hasMatchingTag('Action', 'Ping'), \
                   function (msg) Seen = msg.From; Send({Target = msg.From, Action = 'Pong'}) end)";
    aos.eval(b, handler).await;
    aos.eval(a, &format!("Send({{Target = '{b}', Action = 'Ping'}})")).await;
    let sent = at(&aos.node, a, 1, "results/outbox/1").await.unwrap();
    let sent = sent.as_map().unwrap();
    assert_eq!(sent.get("Target"), Some(&b.to_string().into()));
    assert_eq!(sent.get("Action"), Some(&"Ping".into()));
    let push = Message::from([("path", format!("/{a}/push&slot+integer=1"))]);
    let answer = aos.node.answer_own(push).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    aos.eval(b, "return Seen").await;
    assert_eq!(aos.data(b, 3).await, a.to_string());
}
