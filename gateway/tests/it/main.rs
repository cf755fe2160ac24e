//! The gateway in front of a whole node, asked over TCP.
#![cfg(test)]

mod answers;
mod client;
mod configuration;
mod forged;
mod hooks;
mod http2;
mod isolation;
mod limits;
mod malformed;
mod metrics;
mod node;
mod operator;
mod probes;
mod processes;
mod program;
mod repeated;
mod roles;
mod server;
mod split;
mod stored;
mod streams;
mod wire;
