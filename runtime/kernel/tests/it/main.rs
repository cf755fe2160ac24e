//! The kernel from outside.

mod configuration;
