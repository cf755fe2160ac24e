//! What Prometheus sees of a node.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::Message;

use crate::node::TestNode;
use crate::wire::{post, signed, stranger};

/// A node that has scheduled and computed a message, and its metrics afterwards.
async fn measured() -> (TestNode, String) {
    let node = TestNode::start().await;
    let owner = stranger();
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "test-device@1.0"),
        ("scheduler", node.node.address()),
    ]);
    let definition = signed(&definition, &owner);
    let answer = post(&node, "/~scheduler@1.0/schedule", &definition).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let process = oxbeam_protocol::commitment::signed_id(&definition.into()).unwrap();
    assert_eq!(node.get(&format!("/{process}/now")).await.status, 200);
    assert_eq!(node.get("/nothing").await.status, 404);
    let text = node.get("/metrics").await;
    assert_eq!(text.status, 200);
    assert!(text.headers["content-type"].starts_with("application/openmetrics-text"));
    (node, text.text().to_string())
}

/// The value of a sample, with its labels as they are written.
pub(crate) fn sample(text: &str, name: &str) -> f64 {
    let line =
        text.lines().find(|line| line.strip_prefix(name).is_some_and(|v| v.starts_with(' ')));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// The names of all samples.
fn names(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.split([' ', '{']).next().unwrap()).collect()
}

#[actix_rt::test]
async fn what_a_node_did_is_counted() {
    let (_node, text) = measured().await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert_eq!(sample(&text, "oxbeam_ready"), 1.0);
    assert_eq!(sample(&text, "oxbeam_slots_scheduled_total"), 1.0);
    assert_eq!(sample(&text, "oxbeam_slots_computed_total"), 1.0);
    assert_eq!(sample(&text, "oxbeam_slots_behind"), 0.0);
    assert_eq!(sample(&text, "oxbeam_log_append_seconds_count"), 1.0);
    let route = "oxbeam_http_requests_total{route=\"scheduler@1.0\",status=\"200\"}";
    assert_eq!(sample(&text, route), 1.0);
    assert_eq!(sample(&text, "oxbeam_http_requests_total{route=\"id\",status=\"200\"}"), 1.0);
    assert_eq!(sample(&text, "oxbeam_http_request_seconds_count{route=\"other\"}"), 1.0);
    assert!(sample(&text, "oxbeam_resolve_seconds_count{device=\"scheduler@1.0\"}") >= 1.0);
    assert!(sample(&text, "oxbeam_actor_starts_total{group=\"store\"}") >= 1.0);
    assert_eq!(sample(&text, "oxbeam_actors_quarantined{group=\"processes\"}"), 0.0);
    assert!(sample(&text, "oxbeam_store_syncs_total") >= 1.0);
    assert_eq!(sample(&text, "oxbeam_outbox_messages{state=\"dead\"}"), 0.0);
    assert_eq!(sample(&text, "oxbeam_timers{state=\"waiting\"}"), 0.0);
    assert_eq!(sample(&text, "oxbeam_timer_runs_total{result=\"failed\"}"), 0.0);
    if cfg!(target_os = "linux") {
        assert!(sample(&text, "process_resident_memory_bytes") > 1e6);
        assert!(sample(&text, "process_open_fds") > 3.0);
        assert!(sample(&text, "process_threads") > 1.0);
    }
}

#[actix_rt::test]
async fn no_process_has_a_label_of_its_own() {
    let (_node, text) = measured().await;
    let long = text.lines().filter(|line| !line.starts_with('#'));
    let values = long.flat_map(|line| line.split('"').skip(1).step_by(2));
    let ids: Vec<_> = values.filter(|value| value.len() == 43).collect();
    assert!(ids.is_empty(), "{ids:?}");
}

#[actix_rt::test]
async fn who_may_look_is_configured() {
    let node = async |metrics: &str| {
        let options = Message::from([("metrics", metrics)]);
        let configuration = NodeMessage::from_message(&options).unwrap();
        TestNode::with(Default::default(), configuration).await
    };
    assert_eq!(node("local").await.get("/metrics").await.status, 200, "it comes from here");
    assert_eq!(node("off").await.get("/metrics").await.status, 404);
    let open = node("open").await;
    assert_eq!(open.get("/metrics?metrics=5").await.text(), "5", "a query makes it a message");
}

#[actix_rt::test]
async fn dashboard_and_alerts_name_metrics_that_there_are() {
    let (_node, text) = measured().await;
    // A test's store is in memory, and counts less; and this one runs no guests.
    let elsewhere = [
        "oxbeam_disk_free_bytes",
        "oxbeam_store_memory_bytes",
        "oxbeam_guest_fuel_total",
        "oxbeam_guest_memory_bytes",
    ];
    let known: BTreeSet<&str> = names(&text).into_iter().chain(elsewhere).collect();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring");
    for file in ["grafana.json", "alerts.yml"] {
        let shown = fs::read_to_string(docs.join(file)).unwrap();
        if file.ends_with("json") {
            let _: serde_json::Value = serde_json::from_str(&shown).unwrap();
        }
        let words = shown.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let used = words.filter(|word| word.starts_with("oxbeam_") || word.starts_with("process_"));
        let used: BTreeSet<_> = used.collect();
        assert!(used.len() > 8, "{file} names {used:?}");
        let wrong: Vec<_> = used.difference(&known).collect();
        let system = cfg!(target_os = "linux");
        assert!(wrong.is_empty() || !system, "{file} names {wrong:?}, there are {known:?}");
    }
}
