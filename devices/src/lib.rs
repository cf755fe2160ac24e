//! The devices of an Oxbeam node. Each is one file, named as the device, that implements
//! [`Device`]; nothing else is exported but [`table`], which has a row for
//! each, and [`warm_up`]. How to add one is in `docs/write-a-device.md`.

mod ans104;
mod apply;
mod cache;
mod codec;
mod cron;
mod dedup;
mod flat;
mod hook;
mod httpsig;
mod json;
mod json_iface;
mod legacy;
mod local_name;
mod lua;
mod made;
mod message;
mod meta;
mod multipass;
mod name;
mod node_process;
mod number;
mod patch;
mod process;
mod push;
mod read;
mod relay;
mod roles;
mod scheduler;
mod stack;
mod structured;
mod supervisor;
mod test_device;
mod wasi;
mod wasm;

use std::sync::Arc;

use futures_util::FutureExt;
use oxbeam_kernel::{Device, Row};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::Vm;

/// Every device, by its names: its own first, then those that documents use for it.
#[must_use]
pub fn table() -> Vec<Row> {
    let orders = Arc::new(made::Orders::default());
    vec![
        row(&["message@1.0"], message::Identity),
        row(&["meta@1.0"], meta::Meta(orders.clone())),
        row(&["process@1.0"], process::Process),
        row(&["structured@1.0"], structured::Typed),
        row(&["httpsig@1.0"], httpsig::HttpSignature),
        row(&["json@1.0"], json::JsonText),
        row(&["flat@1.0"], flat::FlatText),
        row(&["ans104@1.0"], ans104::DataItem),
        row(&["cache@1.0"], cache::Cache),
        row(&["lookup@1.0"], cache::Lookup),
        row(&["hook@1.0"], hook::Hook),
        row(&["test-device@1.0"], test_device::TestDevice),
        row(&["apply@1.0"], apply::Apply),
        row(&["dedup@1.0"], dedup::Dedup),
        row(&["multipass@1.0"], multipass::Multipass),
        row(&["patch@1.0"], patch::Patch),
        row(&["push@1.0"], push::Push),
        row(&["stack@1.0"], stack::Stack),
        row(&["scheduler@1.0", "scheduling@1.0"], scheduler::Scheduler),
        row(&["supervisor@1.0"], supervisor::Supervisor::new(orders)),
        row(&["wasm-64@1.0", "wasm64@1.0"], wasm::Wasm::default()),
        row(&["wasi@1.0"], wasi::Wasi),
        row(&["json-iface@1.0"], json_iface::JsonInterface),
        row(&["lua@5.3a"], lua::Lua::default()),
        row(&["cron@1.0"], cron::Cron),
        row(&["relay@1.0"], relay::Relay),
        row(&["local-name@1.0"], local_name::LocalName),
        row(&["name@1.0"], name::Name),
        row(&["node-process@1.0"], node_process::NodeProcess),
    ]
}

/// Compiles the interpreter of Lua and makes its first state, which otherwise the first script waits for:
/// some 30 ms. What fails here fails for that script again, and is said there.
pub fn warm_up() {
    // In one slice, so that it never waits.
    let limits = Limits { slice: u64::MAX, ..Limits::default() };
    drop(Vm::new(limits).now_or_never());
}

fn row(names: &'static [&'static str], device: impl Device) -> Row {
    Row { names, device: Arc::new(device) }
}
