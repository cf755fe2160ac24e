//! Devices on a whole node, but for HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod cache;
mod codecs;
mod hook;
mod message;
mod meta;
mod node;
mod supervision;
mod test_device;
