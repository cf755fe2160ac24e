//! The next assignments of a log, read and verified while a slot is computed.
//!
//! Whether a signature holds does not depend on the state, so it need not wait for one. Only where an
//! assignment stands in its log is looked at when its slot comes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;

use bytes::Bytes;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{Limit, Slot};

use crate::assignment::{self, Unproven};
use crate::context::Context;
use crate::error::CallError;
use crate::pool::Early;
use crate::scheduler::Assigned;

/// How much lies ready at most. What is larger than the bytes lies ready alone.
const READY: Limit = Limit { count: 8, bytes: 1 << 20 };

/// An assignment, and what its signatures vouch for.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) assignment: Message,
    /// As the log has it.
    record: Bytes,
    /// None if nobody has verified it yet.
    proven: Option<Result<Message, Unproven>>,
}

impl Read {
    fn of(record: Bytes) -> Result<Self, CallError> {
        Ok(Self { assignment: assignment::decode(&record)?, record, proven: None })
    }

    /// What its signatures vouch for. Takes the time of verifying them, unless that is done: now, or
    /// before this life of the node has put it into the log.
    pub(super) fn prove(&mut self, assigned: &Assigned) -> Result<Message, Unproven> {
        match self.proven.take() {
            Some(proven) => proven,
            None if assigned.has(&self.record) => Ok(self.assignment.clone()),
            None => assignment::authenticate(&self.assignment),
        }
    }
}

/// Assignments of one process, in the order of their slots.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    begun: VecDeque<(Slot, Early<Result<Read, CallError>>)>,
}

impl Ahead {
    /// The assignment to a slot, if the log has it.
    ///
    /// # Errors
    /// Errors of reading; a record that is no message.
    pub(super) async fn take(
        &mut self,
        context: &Context,
        process: Id,
        slot: Slot,
    ) -> Result<Option<Read>, CallError> {
        while let Some((begun, read)) = self.begun.pop_front() {
            if begun == slot {
                return read.finish().await?.map(Some);
            }
        }
        let found = context.node().store()?.assignment(process, slot).await?;
        found.map(|found| Read::of(found.assignment)).transpose()
    }

    /// Begins with the assignments from one slot up to another, for as long as it is polled.
    pub(super) async fn fill(
        &mut self,
        context: &Context,
        process: Id,
        (from, until): (Slot, Slot),
    ) -> Infallible {
        let next = self.begun.back().map_or(from, |(slot, _)| slot.saturating_add(1));
        // Whatever fails here fails again, and is answered, when its slot comes.
        if self.begun.len() < READY.count / 2
            && next <= until
            && let Ok(store) = context.node().store()
            && let Ok(page) = store.assignments(process, next, READY).await
        {
            for found in page.items.into_iter().take_while(|found| found.slot <= until) {
                let assigned = context.node().assigned().clone();
                let read = context.node().pool().begin(move || {
                    let mut read = Read::of(found.assignment)?;
                    read.proven = Some(read.prove(&assigned));
                    Ok(read)
                });
                self.begun.push_back((found.slot, read));
            }
        }
        pending().await
    }
}
