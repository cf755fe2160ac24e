//! `json-iface@1.0` on a whole node, both ways: whatever a guest answers is read or refused, and every
//! message is written as JSON or refused.

#![no_main]

use std::sync::Arc;

use actix_rt::{System, SystemRunner};
use libfuzzer_sys::fuzz_target;
use oxbeam_kernel::{Boot, CallError, Node, NodeMessage, Outcome, StorePlace, record};
use oxbeam_protocol::{Atom, List, Message, Value, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, SupervisorRef};
use tokio_util::sync::CancellationToken;

thread_local! {
    // Never dropped: threads of the node outlive the fuzzer's, and the sanitizer counts what they hold.
    static HOUSE: &'static House = Box::leak(Box::new(House::start()));
}

fuzz_target!(|input: &[u8]| {
    HOUSE.with(|house| {
        house.system.block_on(async {
            answered(&house.node, input).await;
            if let Ok(Value::Map(message)) = record::decode(input) {
                written(&house.node, message).await;
            }
        });
    });
});

/// A node and the thread it lives on.
struct House {
    system: SystemRunner,
    node: Arc<Node>,
    _root: SupervisorRef,
}

impl House {
    fn start() -> Self {
        let system = System::new();
        let (node, root) = system.block_on(async {
            let boot = Boot {
                wallet: Wallet::generate_secp256k1().expect("a key"),
                configuration: NodeMessage::default(),
                devices: oxbeam_devices::table(),
                store: StorePlace::Memory(MemoryDisk::default()),
                store_config: StoreConfig::default(),
                realm: Realm::new(RealmConfig::default()).expect("its defaults are right"),
            };
            let realm = boot.realm.clone();
            let (node, tree) = boot.build().expect("a node");
            (node, realm.start("node", tree).await.expect("it starts"))
        });
        Self { system, node, _root: root }
    }
}

async fn resolve(node: &Arc<Node>, base: Message, request: Message) -> Result<Message, CallError> {
    let context = node.context(CancellationToken::new());
    let base = base.with("device", "json-iface@1.0");
    let outcome = context.resolve(base, request.with("path", "compute")).await;
    assert!(!matches!(outcome, Err(CallError::Panicked { .. })), "the device panicked");
    match outcome.map(Outcome::into_result)? {
        Ok(Value::Map(state)) => Ok(state),
        other => Err(CallError::Raised(format!("no state: {other:?}"))),
    }
}

/// What a guest answers becomes results that can be kept, and says who sends them.
async fn answered(node: &Arc<Node>, answer: &[u8]) {
    let output: List = [Value::from(answer.to_vec())].into_iter().collect();
    let results = Message::new().with("type", Atom::from_static("ok")).with("output", output);
    let process = Message::from([("type", "Process")]);
    let base = Message::new().with("pass", 2).with("process", process).with("results", results);
    let Ok(state) = resolve(node, base, Message::new()).await else { return };
    let Some(Value::Map(results)) = state.get("results") else { panic!("no results: {state:?}") };
    let Some(Value::Map(outbox)) = results.get("outbox") else { panic!("no outbox: {results:?}") };
    for (number, (key, entry)) in (1_u64..).zip(outbox.ascending()) {
        assert_eq!(key.as_bytes(), number.to_string().as_bytes());
        let from = entry.as_map().and_then(|entry| entry.get_exact("from-process"));
        assert!(matches!(from, Some(Value::Bytes(_))), "{entry:?}");
    }
    record::encode(&results.clone().into()).expect("what was read can be kept");
}

/// What a guest is handed is JSON, with texts where legacy programs expect them.
async fn written(node: &Arc<Node>, message: Message) {
    let base = Message::new().with("pass", 1).with("process", message.clone());
    let request = Message::new().with("body", message).with("block-height", 7);
    let Ok(state) = resolve(node, base, request).await else { return };
    let Some(Value::List(parameters)) = state.get("parameters") else { panic!("{state:?}") };
    for parameter in parameters.iter() {
        let Value::Bytes(text) = parameter else { panic!("no text: {parameter:?}") };
        let json: serde_json::Value = serde_json::from_slice(text).expect("JSON");
        let message = json.get("Process").unwrap_or(&json);
        for key in ["Id", "Anchor", "Owner", "From", "Target", "Data", "Signature"] {
            assert!(message[key].is_string(), "{key} in {json}");
        }
        assert!(message["Tags"].is_array(), "{json}");
    }
}
