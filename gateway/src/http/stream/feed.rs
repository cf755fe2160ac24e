//! One stream: what it has sent, and what it waits for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Following, Outcome, Wanted, http_status};
use oxbeam_protocol::Value;
use oxbeam_store::Slot;
use tokio::time::timeout;

use super::page::{self, Event};
use super::{Asked, What, event};
use crate::http::admission::{Admitted, Gate};
use crate::http::refusal::sentence;

/// Slots that a stream has computed in one go before it looks at what came of them.
const AHEAD: Slot = 64;

/// A stream.
pub(super) struct Feed {
    gate: Arc<Gate>,
    asked: Asked,
    /// The slot that comes next.
    next: Slot,
    ready: VecDeque<Event>,
    following: Following,
    /// The slot of which it was said that it has no result.
    failed: Option<Slot>,
    _place: Admitted,
}

/// What there is to do.
enum Step {
    /// There are events.
    Go,
    /// There is nothing before the process goes on.
    Wait,
    /// This is to be said.
    Say(Bytes),
    /// The stream is over.
    End,
}

impl Feed {
    pub(super) fn new(gate: &Arc<Gate>, asked: Asked, place: Admitted) -> Self {
        Self {
            gate: gate.clone(),
            asked,
            next: asked.from,
            ready: VecDeque::new(),
            following: gate.node().follow(asked.process),
            failed: None,
            _place: place,
        }
    }

    /// The next event; `None` at the end of the stream. It is asked for when the client has room.
    pub(super) async fn next(mut self) -> Option<(Bytes, Self)> {
        let closed = self.gate.closed().clone();
        let pause = self.gate.limits().stream_pause;
        loop {
            if closed.is_cancelled() || self.asked.to.is_some_and(|to| self.next > to) {
                return None;
            }
            if let Some((slot, event)) = self.ready.pop_front() {
                self.next = slot.saturating_add(1);
                return Some((event, self));
            }
            let stepped = tokio::select! {
                () = closed.cancelled() => return None,
                // What takes longer goes on, and is asked for again.
                stepped = timeout(pause, self.step()) => stepped,
            };
            match stepped {
                Ok(Step::Go) => {}
                Ok(Step::Say(event)) => return Some((event, self)),
                Ok(Step::End) => return None,
                Ok(Step::Wait) | Err(_) => return Some((event::STILL_THERE, self)),
            }
        }
    }

    async fn step(&mut self) -> Step {
        self.following.mark();
        match self.advance().await {
            Ok(Step::Wait) => {
                self.following.changed().await;
                Step::Go
            }
            Ok(step) => step,
            // The client comes back, and goes on where it was.
            Err(error) => {
                tracing::debug!(process = %self.asked.process, %error, "a stream breaks off");
                Step::End
            }
        }
    }

    async fn advance(&mut self) -> Result<Step, CallError> {
        let Asked { process, what, .. } = self.asked;
        self.ready = page::read(self.gate.node(), process, what, self.next).await?.into();
        if !self.ready.is_empty() {
            return Ok(Step::Go);
        }
        match what {
            What::Log => Ok(Step::Wait),
            What::Results => self.compute().await,
        }
    }

    /// Has the next slots computed.
    async fn compute(&mut self) -> Result<Step, CallError> {
        let (node, process) = (self.gate.node(), self.asked.process);
        let head = node.head(process).await?.filter(|head| head.slot >= self.next);
        let Some(head) = head.filter(|_| self.failed != Some(self.next)) else {
            let is_over = self.failed.is_some() && self.asked.to.is_some();
            return Ok(if is_over { Step::End } else { Step::Wait });
        };
        let until = head.slot.min(self.next.saturating_add(AHEAD));
        let ended = self.gate.closed().child_token();
        let _ends = ended.clone().drop_guard();
        let computed = node.state(&node.context(ended), process, Wanted::Slot(until)).await;
        if computed.as_ref().is_ok_and(Outcome::is_ok) {
            return Ok(Step::Go);
        }
        // Those before the one that failed have results.
        if node.store()?.result(process, self.next).await?.is_some() {
            return Ok(Step::Go);
        }
        self.failed = Some(self.next);
        let (status, reason) = match computed {
            Ok(outcome) => (http_status(&outcome), said(&outcome.value)),
            Err(error) => (error.http_status(), sentence(&error)),
        };
        Ok(Step::Say(event::of_failure(self.next, status, &reason)))
    }
}

/// What an outcome says of itself.
fn said(value: &Value) -> String {
    let named = |value: &Value| value.as_name().map(|name| String::from_utf8_lossy(name).into());
    let message = value.as_map();
    let keys = ["body", "reason", "error", "details"];
    let said = keys.iter().find_map(|key| named(message?.get(key)?));
    said.or_else(|| named(value)).unwrap_or_else(|| "the slot has no result".to_owned())
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("asked", &self.asked).field("next", &self.next).finish()
    }
}
