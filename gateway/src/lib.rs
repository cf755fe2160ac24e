//! Oxbeam's gateway: how the node is talked to from outside.

pub mod http;
