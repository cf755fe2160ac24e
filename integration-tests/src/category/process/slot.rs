//! Compares a slot with the recorded one.

use anyhow::{Context as _, Result, bail, ensure};
use oxbeam_protocol::Message;
use oxbeam_protocol::commitment::signed_id;
use serde_json::Value as Json;

use crate::client::{Response, is_transport};
use crate::typed;

/// Keys that were not recorded: those of the moment and of the node.
const OF_THE_MOMENT: [&str; 3] = ["timestamp", "body", "commitments"];
/// Keys of a state that were not recorded.
const UNRECORDED: [&str; 6] = [
    "process",
    "snapshot",
    "commitments",
    "previous-device",
    "previous-input-prefix",
    "previous-output-prefix",
];
const STATUS: &str = "status";
const BODY: &str = "body";

/// Compares an assignment, hash chain included, and the message that has the slot.
pub(super) fn compare_assignment(slot: &Json, assignment: &Message) -> Result<()> {
    let body = assignment.get("body").context("it has no body")?;
    let id = signed_id(body)?.to_string();
    let expected = slot.get("body-id").and_then(Json::as_str);
    ensure!(expected == Some(&id), "expected the body {expected:?}, found {id}");
    let recorded = assignment.clone().without(&OF_THE_MOMENT);
    typed::compare(slot.get("assignment").context("no assignment")?, &recorded.into())
}

/// Compares what was computed.
pub(super) fn compare_result(slot: &Json, answer: &Response) -> Result<()> {
    let told = || format!("found status {}: {:.300?}", answer.status, answer.body);
    let part = |name: &str| slot.get(name).with_context(|| format!("the slot has no {name}"));
    match slot.get(STATUS).and_then(Json::as_str) {
        Some("ok") => {
            ensure!(answer.status == 200, told());
            compare(part("state")?, answer)
        }
        Some("error") => {
            ensure!(answer.status >= 400, told());
            compare(part("value")?, answer)
        }
        Some("failure") => {
            ensure!(answer.status == 500, told());
            Ok(())
        }
        other => bail!("unknown status {other:?}"),
    }
}

/// Compares a message with the answer. A `status` that was recorded is that of the answer.
fn compare(expected: &Json, answer: &Response) -> Result<()> {
    let mut found = answer.message()?.without(&UNRECORDED).without(&[STATUS]);
    found.retain(|key, _| !is_transport(&key.to_text()));
    let mut recorded = typed::message(expected)?;
    if let Some(status) = recorded.remove(STATUS) {
        ensure!(status == i64::from(answer.status).into(), "status {}", answer.status);
        found.insert(STATUS, status);
    }
    if answer.body.is_empty() && !recorded.contains(BODY) {
        // HTTP knows no answer without a body.
        found.remove(BODY);
    }
    typed::compare(expected, &found.into())
}
