//! A slot whose messages are being delivered.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use num_bigint::BigInt;
use oxbeam_kernel::{CallError, Outcome, outbox};
use oxbeam_protocol::{Id, Message};
use oxbeam_store::Slot;

use super::Run;
use super::letter;

/// A slot, computed, whose messages are owed.
pub(super) struct Opened {
    process: Id,
    slot: Slot,
    results: Message,
    sent: Vec<outbox::Sent>,
}

impl Opened {
    /// Computes a slot and makes its messages owed; the outcome of a slot that has no results.
    pub(super) async fn of(
        run: &Run,
        process: Id,
        slot: Slot,
    ) -> Result<Result<Self, Outcome>, CallError> {
        let results = match outbox::results(&run.context, process, slot).await? {
            Ok(results) => results,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let sent = outbox::entries(&results);
        let node = run.context.node();
        let owed = outbox::deliverable(node, process, slot, &sent).await?;
        let lease = run.lease();
        node.owe(&owed, after(lease)).await?;
        if sent.iter().any(outbox::Sent::resolves) {
            // What they resolve to is made as they are delivered, and by the background if they are not.
            node.push_from(process, slot, after(lease)).await?;
        }
        Ok(Ok(Self { process, slot, results, sent }))
    }

    /// Delivers its messages one after another, with all that follows from each. Answers with a
    /// report of each, under the results if `depth` is above 0.
    pub(super) async fn deliver(
        self,
        run: &Arc<Run>,
        depth: i64,
        level: u32,
    ) -> Result<Message, CallError> {
        let mut reports = Message::new();
        for sent in &self.sent {
            run.context.spend(1)?;
            let letter = letter::Letter { process: self.process, slot: self.slot, sent };
            let report = Box::pin(letter.deliver(run, depth, level)).await?;
            reports.insert(sent.key.clone(), report);
        }
        if depth > 0 {
            reports.extend(self.results);
        }
        Ok(reports.with("slot", BigInt::from(self.slot)).with("process", self.process.to_string()))
    }
}

/// Milliseconds since 1970, so much later than now.
pub(super) fn after(wait: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.saturating_add(wait).as_millis()).unwrap_or(u64::MAX)
}
