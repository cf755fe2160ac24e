//! The node over HTTP/1.1 and cleartext HTTP/2, on one port.
//!
//! ```text
//! bytes ─► admitted ─► body read ─► message, every commitment verified ─► Node::answer
//!       ◄─ headers and body ◄─ written in the form that was asked for ◄─ signed ◄─
//! ```
//!
//! [`spec`] is the server as the last child of the node's supervisor. What a request may take is
//! bounded by [`Limits`]. Source: spec 20.

mod admission;
mod body;
mod codec;
mod connection;
mod deadlines;
mod doorway;
mod limits;
mod listen;
mod log;
mod metrics;
mod option;
mod probes;
mod refusal;
mod request;
mod response;
mod serve;
mod server;
mod stream;
mod trace;
mod unread;
mod written;

pub use limits::{Limits, MAX_HEAD, MAX_HEADERS};
pub use listen::{Bound, Listen, spec};
