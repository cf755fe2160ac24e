//! Devices on a whole node, but for HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod apply;
mod dedup;
mod message;
mod multipass;
mod node;
mod patch;
mod process;
mod push;
mod scheduler;
mod script;
mod stack;
mod vectors;
