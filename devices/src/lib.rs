//! The devices of an Oxbeam node. Each is one file, named as the device, that implements
//! [`Device`]; nothing else is exported but [`table`], which has a row for
//! each. How to add one is in `docs/write-a-device.md`.

mod apply;
mod dedup;
mod message;
mod multipass;
mod patch;
mod read;
mod stack;

use std::sync::Arc;

use oxbeam_kernel::{Device, Row};

/// Every device, by its names: its own first, then those that documents use for it.
#[must_use]
pub fn table() -> Vec<Row> {
    vec![
        row(&["apply@1.0"], apply::Apply),
        row(&["dedup@1.0"], dedup::Dedup),
        row(&["message@1.0"], message::Identity),
        row(&["multipass@1.0"], multipass::Multipass),
        row(&["patch@1.0"], patch::Patch),
        row(&["stack@1.0"], stack::Stack),
    ]
}

fn row(names: &'static [&'static str], device: impl Device) -> Row {
    Row { names, device: Arc::new(device) }
}
