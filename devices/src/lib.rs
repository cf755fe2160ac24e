//! The devices of an Oxbeam node. Each is one file, named as the device, that implements
//! [`Device`](oxbeam_kernel::Device); nothing else is exported but [`table`], which has a row for
//! each. How to add one is in `docs/write-a-device.md`.

mod message;
mod roles;
mod supervision;

use std::sync::Arc;

use oxbeam_kernel::{Device, Row};

/// Every device, by its names: its own first, then those that documents use for it.
#[must_use]
pub fn table() -> Vec<Row> {
    vec![
        row(&["message@1.0"], message::Identity),
        row(&["supervision@1.0"], supervision::Supervision),
    ]
}

fn row(names: &'static [&'static str], device: impl Device) -> Row {
    Row { names, device: Arc::new(device) }
}
