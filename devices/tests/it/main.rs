//! Devices on a whole node, but for HTTP.

mod message;
mod node;
mod supervision;
