//! The node measured from a second process, over loopback HTTP.

mod client;
mod load;
mod program;

pub use client::{Client, Reply};
pub use load::{Load, Measured};
pub use program::Program;
