//! A stack whose devices answer side by side. Source: spec 15, section 2.2.

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{Key, Message, Value};

use super::member;

/// Keys of a stack that name no device.
const NOT_DEVICES: [&str; 3] = ["path", "hashpath", "commitments"];

/// Has each device answer the request on the base, and collects their results.
pub(super) async fn run(call: Call) -> Result<Outcome, CallError> {
    let keys: Vec<Key> = match member::all(&call.context, &call.base).await? {
        Value::List(list) => (1..=list.len()).map(Key::number).collect(),
        Value::Map(map) => map.ascending().into_iter().map(|(key, _)| key.clone()).collect(),
        _ => Vec::new(),
    };
    let mut results = Message::new();
    for key in keys.into_iter().filter(|key| NOT_DEVICES.iter().all(|name| *key != *name)) {
        let told = key.to_bytes().into();
        let Some(member) = member::of(&call.context, &call.base, &key, told).await? else {
            continue;
        };
        let outcome = call.context.resolve(member, call.request.clone()).await?;
        if outcome.is_ok() {
            results.insert(key, outcome.value);
        }
    }
    Ok(Outcome::ok(results))
}
