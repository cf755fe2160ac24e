//! One run of a timer.

use std::sync::Arc;

use oxbeam_protocol::{Message, Value};
use oxbeam_store::{MAX_NOTE_BYTES, Persist, Timer};

use super::agenda::{Fault, Run};
use super::request_of;
use crate::error::CallError;
use crate::node::Node;
use crate::request::Answer;

/// How a run ended that was made.
#[derive(Debug)]
pub(super) struct Made {
    /// The timer's record as it was when the run began.
    pub(super) timer: Timer,
    pub(super) ending: Ending,
}

#[derive(Debug)]
pub(super) enum Ending {
    Well,
    Failed {
        by: Fault,
        /// What was said.
        reason: String,
    },
}

/// Records that a run begins, and makes it. `None` if there is no such timer any more.
pub(super) async fn make(node: Arc<Node>, run: Run) -> Result<Option<Made>, CallError> {
    let store = node.store()?;
    let Some(timer) = store.timer(run.id).await? else { return Ok(None) };
    // What the run writes comes behind this in the store's log, so that no crash keeps that and
    // forgets this.
    store.put_timer(run.plan.recorded(timer.clone()), Persist::Buffered).await?;
    let ending = match request_of(&timer) {
        Ok(request) => {
            let at = run.plan.began.unwrap_or_default();
            let key = format!("{}/{at}", run.id);
            Ending::of(&node.answer(request.with("idempotency-key", key)).await)
        }
        Err(error) => Ending::Failed { by: Fault::Request, reason: error.to_string() },
    };
    Ok(Some(Made { timer, ending }))
}

impl Ending {
    fn of(answer: &Answer) -> Self {
        let by = match &answer.error {
            Some(error) if error.may_pass() => Fault::Node,
            Some(CallError::Panicked { .. }) => Fault::Crash,
            _ if answer.status >= 400 => Fault::Request,
            _ => return Self::Well,
        };
        Self::Failed { by, reason: said(answer) }
    }
}

/// The code of an answer and what it says, shortened.
fn said(answer: &Answer) -> String {
    let text = |message: &Message| {
        let value = ["body", "reason", "details"].iter().find_map(|key| message.get(key))?;
        value.as_name().map(|text| String::from_utf8_lossy(text).into_owned())
    };
    let words = text(&answer.message).or_else(|| match answer.message.get("body") {
        Some(Value::Map(body)) => text(body),
        _ => None,
    });
    let mut said = match words {
        Some(words) => format!("{}: {words}", answer.status),
        None => answer.status.to_string(),
    };
    said.truncate(said.floor_char_boundary(MAX_NOTE_BYTES));
    said
}
