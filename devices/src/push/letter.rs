//! One message of a slot on its way. Source: spec 12, section 4.

use std::sync::Arc;
use std::time::Duration;

use num_bigint::BigInt;
use oxbeam_kernel::outbox::{self, Arrived, Sender, Sent, Undelivered, may_sign};
use oxbeam_kernel::{CallError, record};
use oxbeam_protocol::commitment::{Proven, signed_id};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{EntryKey, Origin, Slot, Status};

use super::Run;
use super::opened::{Opened, after};

/// An entry of a slot's outbox.
pub(super) struct Letter<'a> {
    pub(super) process: Id,
    pub(super) slot: Slot,
    pub(super) sent: &'a Sent,
}

impl Letter<'_> {
    /// Delivers it, and what it leads to. Answers with what is reported of it.
    pub(super) async fn deliver(
        &self,
        run: &Arc<Run>,
        depth: i64,
        level: u32,
    ) -> Result<Message, CallError> {
        let Some(target) = self.sent.target() else { return Ok(self.without_target()) };
        let Ok(to) = target.parse::<Id>() else {
            return Ok(no_target(target));
        };
        let node = run.context.node();
        let Some(is_here) = node.is_scheduler_of(to).await? else {
            return Ok(no_target(target));
        };
        if self.sent.not_before() > after(Duration::ZERO) {
            // It is owed, and leaves by itself.
            return Ok(pending(target));
        }
        if !is_here && let Some(report) = self.settled(run, target, to).await? {
            return Ok(report);
        }
        if run.is_over(level) {
            node.leave_to_courier(self.key(), "left to the background").await?;
            return Ok(pending(target));
        }
        let arrived = match self.schedule(run, to).await {
            Ok(arrived) => arrived,
            Err(Undelivered::Failed(
                error @ (CallError::Cancelled | CallError::TooMuchWork { .. }),
            )) => {
                return Err(error);
            }
            Err(why) => {
                // The background does not wait for the time of this push to end.
                node.leave_to_courier(self.key(), &why.to_string()).await?;
                return Ok(failed(target, &why.to_string()));
            }
        };
        let slot = slot_of(&arrived.assignment)?;
        let resulted_in = match arrived.here {
            true => match self.follow(run, target, to, slot, depth, level).await? {
                Ok(resulted_in) => resulted_in,
                Err(report) => return Ok(report),
            },
            false => {
                self.arrived(run, slot).await?;
                elsewhere(to, slot)
            }
        };
        let id = match arrived.assignment.get("body") {
            Some(body) => signed_id(body)?.to_string(),
            None => String::new(),
        };
        Ok(delivered(id, target, slot, resulted_in))
    }

    /// What is reported of a message to another node that is not posted now: it has arrived, or the
    /// background tries it later. Anybody may push a slot again, as often as they like.
    async fn settled(&self, run: &Run, target: &str, to: Id) -> Result<Option<Message>, CallError> {
        let store = run.context.node().store()?;
        let Some(entry) = store.entry(self.key()).await? else { return Ok(None) };
        Ok(match entry.status {
            Status::Delivered { slot: Some(slot) } => {
                Some(delivered(entry.id.to_string(), target, slot, elsewhere(to, slot)))
            }
            Status::Pending if entry.attempts > 0 && entry.next_try > after(Duration::ZERO) => {
                Some(pending(target))
            }
            _ => None,
        })
    }

    /// Pushes the slot that it got; if that cannot be done, the report that says so.
    async fn follow(
        &self,
        run: &Arc<Run>,
        target: &str,
        to: Id,
        slot: Slot,
        depth: i64,
        level: u32,
    ) -> Result<Result<Message, Message>, CallError> {
        let why = match Opened::of(run, to, slot).await {
            Ok(Ok(opened)) => {
                // What it leads to is owed now: it has arrived.
                self.arrived(run, slot).await?;
                let depth = depth.saturating_sub(1);
                return opened.deliver(run, depth, level + 1).await.map(Ok);
            }
            Ok(Err(outcome)) => said(&outcome.value),
            Err(error @ CallError::Cancelled) => return Err(error),
            Err(error) => error.to_string(),
        };
        // The background tries its slot again, until the process gets past it.
        run.context.node().push_later(to, slot).await?;
        self.arrived(run, slot).await?;
        Ok(Err(failed(target, &why)))
    }

    const fn key(&self) -> EntryKey {
        EntryKey { process: self.process, slot: self.slot, index: self.sent.index }
    }

    async fn arrived(&self, run: &Run, slot: Slot) -> Result<(), CallError> {
        match run.context.node().store()?.delivered(self.key(), Some(slot)).await {
            // What could not be signed with its slot has no entry.
            Err(oxbeam_store::StoreError::NoEntry { .. }) => Ok(()),
            delivered => Ok(delivered?),
        }
    }

    /// Gets it a slot of its target, or finds the one that it has.
    async fn schedule(&self, run: &Run, to: Id) -> Result<Arrived, Undelivered> {
        let node = run.context.node();
        let EntryKey { process, slot, index } = self.key();
        let origin = Origin { process, slot, index };
        let store = node.store()?;
        if let Some(known) = store.received(to, origin).await.map_err(CallError::from)?
            && let Some(known) = oxbeam_kernel::assignment::read(&*store, to, known).await?
        {
            return Ok(Arrived { assignment: known, here: true });
        }
        if self.sent.resolves() {
            let lease = after(run.lease());
            outbox::resolve(&run.context, process, slot, self.sent, lease).await?;
        }
        let message = match store.entry(self.key()).await.map_err(CallError::from)? {
            Some(entry) => record::decode(&entry.message).map_err(CallError::from)?,
            None => self.signed(run).await?.into(),
        };
        match message {
            Value::Map(message) => node.deliver(to, message, origin).await,
            _ => Err(super::wrong("the outbox holds what is no message").into()),
        }
    }

    /// The message, signed now: it could not be when the slot was committed.
    async fn signed(&self, run: &Run) -> Result<Proven, CallError> {
        let context = &run.context;
        let Value::Map(entry) = context.load_all(self.sent.entry.clone()).await? else {
            return Err(super::wrong("an entry of the outbox is a message"));
        };
        may_sign(context, self.sent.target()).await?;
        Sender::of(context, self.process).await?.sign(context.node(), entry).await
    }

    fn without_target(&self) -> Message {
        Message::new()
            .with("response", "error")
            .with("status", 404)
            .with("outbox-index", Value::Bytes(self.sent.key.to_bytes()))
            .with("reason", "Target process not available.")
            .with("message", self.sent.entry.clone())
    }
}

/// The report of a message that has arrived.
fn delivered(id: String, target: &str, slot: Slot, resulted_in: Message) -> Message {
    Message::new()
        .with("id", id)
        .with("target", target)
        .with("slot", BigInt::from(slot))
        .with("resulted-in", resulted_in)
}

/// A slot that another node computes, which goes on with what it leads to.
fn elsewhere(process: Id, slot: Slot) -> Message {
    Message::new().with("slot", BigInt::from(slot)).with("process", process.to_string())
}

fn slot_of(assignment: &Message) -> Result<Slot, CallError> {
    let slot = match assignment.get("slot") {
        Some(Value::Integer(slot)) => Slot::try_from(slot).ok(),
        _ => None,
    };
    slot.ok_or_else(|| super::wrong("an assignment has no slot"))
}

fn no_target(target: &str) -> Message {
    failed(target, &Undelivered::NoTarget.to_string()).with("status", 404)
}

fn failed(target: &str, reason: &str) -> Message {
    Message::from([("response", "error"), ("target", target), ("reason", reason)])
}

fn pending(target: &str) -> Message {
    Message::from([("response", "pending"), ("target", target)]).with("status", 202)
}

/// What an outcome without results says.
fn said(value: &Value) -> String {
    let named = |value: &Value| value.as_name().map(|name| String::from_utf8_lossy(name).into());
    let message = value.as_map();
    let keys = ["reason", "body", "error", "details"];
    let said = keys.iter().find_map(|key| named(message?.get(key)?));
    said.or_else(|| named(value)).unwrap_or_else(|| "the slot has no result".into())
}
