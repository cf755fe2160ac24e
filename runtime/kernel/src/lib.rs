//! The kernel of an Oxbeam node: requests resolved by devices, on a supervision tree.
//!
//! A request is a list of messages. Each is applied to the result of the one before, by the device
//! that the result names: see [`Device`], which is all that a device implements. [`Boot`] makes a
//! [`Node`] and the tree that runs it; [`Node::answer`] answers a request from outside.
//!
//! Nothing here knows of HTTP but for its status codes, and no device is known by name but
//! `message@1.0`, which answers what others do not.

mod addresses;
pub mod assignment;
mod boot;
pub mod configuration;
mod content;
mod context;
mod device;
mod devices;
mod error;
mod follow;
pub mod location;
mod metrics;
mod node;
pub mod outbox;
mod outcome;
mod pool;
mod prints;
mod process;
pub mod quarantine;
mod ready;
pub mod record;
pub mod relay;
mod remote;
mod request;
mod resolver;
mod scheduler;
mod settings;
mod start;
mod store;
pub mod timers;
mod trace;

pub use addresses::addresses;
pub use boot::{Boot, BootError, StorePlace};
pub use configuration::{ConfigurationError, NodeMessage};
pub use content::{Contents, Offloaded, as_asked};
pub use context::Context;
pub use device::{Call, Device, Reply, reply};
pub use devices::{Devices, IDENTITY, Row};
pub use error::CallError;
pub use follow::Following;
pub use metrics::{Guest, Metrics, Spans};
pub use node::Node;
pub use outcome::{Outcome, Status};
pub use pool::Pool;
pub use process::{ProcessActor, Role, Wanted, process_id, run_as};
pub use ready::NotReady;
pub use request::{Answer, http_status};
pub use settings::{
    CronAccess, GuestLimits, HttpLimits, LogForm, Otlp, RelayLimits, Settings, Signing, Startup,
};
pub use trace::{Span, Trace};
