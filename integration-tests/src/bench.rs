//! The node measured from a second process, over loopback HTTP.

mod client;
mod load;

pub use client::{Client, Reply};
pub use load::{Load, Measured};
