//! The store as its users meet it, on both engines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests are tests"
)]

mod checkpoints;
mod child;
mod common;
mod content;
mod crash;
mod export;
#[cfg(feature = "failpoints")]
mod failpoints;
mod faults;
mod hostile;
mod integrity;
mod lifecycle;
mod log;
mod model;
mod outbox;
mod processes;
mod results;
mod tables;
mod timers;
mod writer;
