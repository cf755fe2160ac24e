//! The node measured from a second process, over loopback HTTP.

mod client;
mod fill;
mod load;
mod message;

pub use client::{Client, Reply};
pub use fill::{fill, multiply};
pub use load::{Load, Measured};
pub use message::{definition, signed, wire};
