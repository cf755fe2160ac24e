//! Processes as the reference node has computed them, slot by slot.

use oxbeam_integration_tests::typed;
use oxbeam_kernel::{NodeMessage, Outcome, Wanted};
use oxbeam_protocol::{Value, commitment};
use oxbeam_store::{MemoryDisk, Persist};
use serde_json::Value as Json;

use crate::node::TestNode;
use crate::vectors;

/// Keys that the recorded states leave out.
const LEFT_OUT: [&str; 6] = [
    "process",
    "snapshot",
    "commitments",
    "previous-device",
    "previous-input-prefix",
    "previous-output-prefix",
];

#[actix_rt::test]
async fn processes_of_guests_have_the_recorded_states() {
    let lines = vectors::lines("process.jsonl");
    let is_guest = |line: &Json| {
        let definition = line["in"]["definition"].to_string();
        definition.contains("wasm-64@1.0")
    };
    for line in lines.iter().filter(|line| is_guest(line)) {
        compare(line).await;
    }
}

async fn compare(line: &Json) {
    let id = line["id"].as_str().unwrap();
    let wallet = vectors::wallet("2").unwrap();
    let node = TestNode::on_disk(wallet, MemoryDisk::default(), NodeMessage::default()).await;
    for stored in line["in"]["stored"].as_array().into_iter().flatten() {
        let stored = typed::message(stored).unwrap();
        node.node.contents().unwrap().keep(&stored, Persist::Synced).await.unwrap();
    }
    let definition = typed::message(&line["in"]["definition"]).unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, definition, None).await.unwrap();
    for message in line["in"]["messages"].as_array().unwrap() {
        let message = typed::message(message).unwrap();
        node.node.schedule(process, message, None).await.unwrap();
    }
    for slot in line["out"]["slots"].as_array().unwrap() {
        let number = slot["slot"].as_u64().unwrap();
        let computed = node.node.state(&node.context(), process, Wanted::Slot(number)).await;
        match slot["status"].as_str().unwrap() {
            "ok" => {
                let state = computed.map(Outcome::into_result);
                let Ok(Ok(Value::Map(state))) = state else {
                    panic!("{id} slot {number}: {state:?}")
                };
                let state = node.context().load_all(state.into()).await.unwrap();
                let state = state.as_map().unwrap().clone().without(&LEFT_OUT);
                let expected = typed::message(&slot["state"]).unwrap();
                for key in expected.keys().chain(state.keys()) {
                    let (found, recorded) = (state.get_exact(key), expected.get_exact(key));
                    assert_eq!(found, recorded, "{id} slot {number}: {}", key.to_text());
                }
            }
            _ => assert!(
                !matches!(computed, Ok(Outcome { ref status, .. }) if *status == oxbeam_kernel::Status::Ok),
                "{id} slot {number}: {computed:?}"
            ),
        }
    }
    node.stop().await;
}
