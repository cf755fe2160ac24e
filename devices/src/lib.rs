//! The devices of an Oxbeam node. Each is one file, named as the device, that implements
//! [`Device`](oxbeam_kernel::Device); nothing else is exported but [`table`], which has a row for
//! each. How to add one is in `docs/write-a-device.md`.

mod ans104;
mod cache;
mod codec;
mod flat;
mod hook;
mod httpsig;
mod json;
mod message;
mod meta;
mod roles;
mod structured;
mod supervision;
mod test_device;

use std::sync::Arc;

use oxbeam_kernel::{Device, Row};

/// Every device, by its names: its own first, then those that documents use for it.
#[must_use]
pub fn table() -> Vec<Row> {
    vec![
        row(&["message@1.0"], message::Identity),
        row(&["meta@1.0"], meta::Meta),
        row(&["structured@1.0"], structured::Typed),
        row(&["httpsig@1.0"], httpsig::HttpSignature),
        row(&["json@1.0"], json::JsonText),
        row(&["flat@1.0"], flat::FlatText),
        row(&["ans104@1.0"], ans104::DataItem),
        row(&["cache@1.0"], cache::Cache),
        row(&["lookup@1.0"], cache::Lookup),
        row(&["hook@1.0"], hook::Hook),
        row(&["test-device@1.0"], test_device::TestDevice),
        row(&["supervision@1.0"], supervision::Supervision),
    ]
}

fn row(names: &'static [&'static str], device: impl Device) -> Row {
    Row { names, device: Arc::new(device) }
}
