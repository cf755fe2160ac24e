//! Devices on a whole node, but for HTTP.
#![cfg(test)]

mod apply;
mod attempts;
mod cache;
mod codecs;
mod containment;
mod cron;
mod dedup;
mod failing;
mod fairness;
mod guide;
mod hook;
mod lua;
mod message;
mod meta;
mod multipass;
mod names;
mod node;
mod patch;
mod process;
mod push;
mod relay;
mod resolver;
mod scheduler;
mod script;
mod stack;
mod supervisor;
mod test_device;
mod wasm;
