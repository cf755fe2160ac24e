//! Devices on a whole node, but for HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod apply;
mod cache;
mod codecs;
mod dedup;
mod guide;
mod hook;
mod lua;
mod message;
mod meta;
mod multipass;
mod node;
mod patch;
mod process;
mod push;
mod resolver;
mod scheduler;
mod script;
mod stack;
mod supervision;
mod test_device;
mod vectors;
