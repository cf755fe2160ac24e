//! The store as its users meet it, on both engines.
#![cfg(test)]

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
mod pushes;
mod results;
mod tables;
mod timers;
mod writer;
