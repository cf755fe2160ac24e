//! What a client says of results that are kept. Source: spec 05, section 8.
//!
//! A result is computed from what is kept whenever it is asked for, so a client's `no-cache` and
//! `no-store` change nothing. What is kept of a message that was asked for by its id are its keys:
//! with `only-if-cached` a request for anything else is a miss.

use oxbeam_protocol::path::Step;
use oxbeam_protocol::{Message, Value};

use crate::error::CallError;

/// Refuses the first request to a message of an id, if it wants only what is kept and that is not.
pub(super) fn check(base: &Step, value: &Value, step: &Step) -> Result<(), CallError> {
    let (Step::Id(_), Step::Request(request)) = (base, step) else { return Ok(()) };
    if !only_if_cached(&request.message) {
        return Ok(());
    }
    let kept = match (value, request.path()) {
        (Value::Map(message), Some(key)) => message.get(key).is_some(),
        _ => false,
    };
    if kept { Ok(()) } else { Err(CallError::NotCached) }
}

/// Whether the directive stands there: as the text, or in a list.
fn only_if_cached(request: &Message) -> bool {
    match request.get("cache-control") {
        Some(Value::List(directives)) => directives.iter().any(|one| one.is_name(ONLY_IF_CACHED)),
        Some(directive) => directive.is_name(ONLY_IF_CACHED),
        None => false,
    }
}

const ONLY_IF_CACHED: &str = "only-if-cached";
