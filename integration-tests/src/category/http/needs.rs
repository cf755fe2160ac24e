//! Which devices a scenario needs. One that needs what the node does not have is skipped.

use crate::category::lacking::{Lacking, ensure_devices};
use crate::vector::Vector;

/// Scenarios by the start of their ids, and what they need beyond `message@1.0` and the codecs.
const NEEDS: &[(&str, &[&str])] = &[
    ("http/meta-", &["meta@1.0"]),
    ("http/operator-set", &["meta@1.0"]),
    ("http/cache-device", &["cache@1.0", "lookup@1.0"]),
    ("http/scheduler", &["process@1.0", "scheduler@1.0"]),
    ("http/process-lua", &["lua@5.3a"]),
    ("http/process-aos-json", &["json-iface@1.0", "wasm-64@1.0"]),
    ("http/push-two-processes", &["lua@5.3a"]),
    ("http/relay", &["relay@1.0"]),
    ("http/router", &["router@1.0"]),
    ("http/composition/0", &["patch@1.0"]),
    ("http/composition/3", &["patch@1.0"]),
    ("http/composition/5", &["multipass@1.0"]),
    ("http/composition/8", &["lua@5.3a"]),
    ("http/composition/11", &["lua@5.3a"]),
    ("http/composition/13", &["lua@5.3a"]),
    ("http/composition/16", &["test-device@1.0"]),
    ("http/composition/18", &["test-device@1.0"]),
    ("http/composition/19", &["whois@1.0"]),
    ("http/composition/20", &["whois@1.0"]),
    ("http/composition/21", &["hyperbuddy@1.0"]),
    ("http/composition/23", &["hyperbuddy@1.0"]),
    ("http/composition/24", &["auth-hook@1.0", "hook@1.0"]),
    ("http/composition/25", &["query@1.0"]),
    ("http/hook-", &["lua@5.3a"]),
    ("http/simple-pay", &["p4@1.0", "simple-pay@1.0"]),
    ("http/faff", &["p4@1.0", "faff@1.0"]),
    ("http/node-process", &["node-process@1.0"]),
    ("http/http-auth", &["http-auth@1.0"]),
    ("http/query", &["query@1.0"]),
    ("http/json-codec/15", &["json@1.0"]),
    (
        "http/apply-and-test-device",
        &["apply@1.0", "meta@1.0", "process@1.0", "push@1.0", "stack@1.0", "test-device@1.0"],
    ),
];

/// Whether the node has the devices of a scenario.
pub(super) fn ensure(vector: &Vector) -> Result<(), Lacking> {
    let needs = NEEDS.iter().filter(|(start, _)| is_of(&vector.id, start));
    ensure_devices(needs.flat_map(|(_, names)| *names).copied())
}

/// Whether an id starts so, and not in the middle of a number.
fn is_of(id: &str, start: &str) -> bool {
    let rest = id.strip_prefix(start);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}
