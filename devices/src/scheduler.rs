//! `~scheduler@1.0`: gives messages their slots, and says which slots there are.
//!
//! | Key | Method | Answer |
//! |---|---|---|
//! | `schedule` | POST | the assignment of the message, once it is on disk |
//! | | GET | assignments from slot to slot |
//! | `slot` | any | the last slot |
//! | `status` | any | the processes whose schedulers are in memory |
//! | `location`, `record` | GET, POST | where the scheduler of an address is reached |
//! | `next` | any | the assignment after the base's `at-slot` |
//! | `checkpoint` | any | the base |
//!
//! The slots themselves are given out by the kernel's scheduler actors. A process that another node
//! schedules is answered with the way there. Source: spec 11.

mod location;
mod place;
mod post;
mod read;
mod target;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::Message;

/// The keys that it answers.
const KEYS: [&str; 7] = ["schedule", "slot", "status", "location", "record", "next", "checkpoint"];
/// What is said where a process does not name who schedules it.
const NO_SCHEDULER: &str = "No scheduler information provided.";

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Scheduler;

impl Device for Scheduler {
    fn answers(&self, function: &str, _: &Message) -> bool {
        KEYS.contains(&function)
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(answer(call))
    }
}

async fn answer(call: Call) -> Result<Outcome, CallError> {
    match (call.function().as_str(), Method::of(&call.request)) {
        ("schedule", Method::Post) => post::schedule(&call).await,
        ("schedule", Method::Get) => read::schedule(&call).await,
        ("location" | "record", Method::Post) => location::post(&call).await,
        ("location" | "record", Method::Get) => location::get(&call).await,
        ("slot", _) => read::slot(&call).await,
        ("status", _) => Ok(read::status(&call)),
        ("next", _) => read::next(&call).await,
        ("checkpoint", _) => Ok(Outcome::ok(call.base)),
        _ => Ok(Outcome::refused(405, "The method must be GET or POST.")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Other,
}

impl Method {
    fn of(request: &Message) -> Self {
        match request.get("method") {
            None => Self::Get,
            Some(method) if method.is_name("GET") || method.is_name("HEAD") => Self::Get,
            Some(method) if method.is_name("POST") => Self::Post,
            Some(_) => Self::Other,
        }
    }
}
