//! The state of a process after a slot.

use std::sync::Arc;
use std::time::Instant;

use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::Slot;

use super::definition;
use crate::context::Context;
use crate::error::CallError;

/// Bytes of a checkpoint that is read and decoded in less than a millisecond.
const CHEAP: usize = 64 << 10;

/// A state in memory.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// The state, with everything that its devices keep to themselves.
    pub(super) state: Message,
    /// Who schedules the process, once that was needed: as its definition says, and not the state's
    /// copy of it, which the process may change.
    pub(super) schedulers: Option<Arc<[String]>>,
    /// After which slot; none if no slot was computed yet.
    pub(super) slot: Option<Slot>,
    /// The hash chain there, if it was verified on the way.
    pub(super) chain: Option<Id>,
    /// Slots since the last checkpoint.
    pub(super) since: u64,
    /// When that was written, or the state was loaded.
    pub(super) saved: Instant,
    /// Bytes to read to have the state again, if there is a checkpoint of it.
    pub(super) at_rest: Option<usize>,
}

impl Live {
    pub(super) fn new(state: Message, slot: Option<Slot>) -> Self {
        Self {
            state,
            schedulers: None,
            slot,
            chain: None,
            since: 0,
            saved: Instant::now(),
            at_rest: None,
        }
    }

    /// The addresses that may schedule the process; none if anybody may.
    pub(super) async fn schedulers(
        &mut self,
        context: &Context,
        process: Id,
    ) -> Result<Arc<[String]>, CallError> {
        if let Some(known) = &self.schedulers {
            return Ok(known.clone());
        }
        let schedulers = definition::schedulers(&definition::read(context, process).await?);
        Ok(self.schedulers.insert(schedulers.into()).clone())
    }

    /// Whether to have it again costs next to nothing.
    pub(super) fn is_cheap(&self) -> bool {
        self.at_rest.is_some_and(|bytes| bytes <= CHEAP) && !self.state.has_handles()
    }

    /// The slot that comes next.
    pub(super) fn next(&self) -> Slot {
        self.slot.map_or(0, |slot| slot.saturating_add(1))
    }
}

/// A state as it is shown: what only a checkpoint needs is left out, and what devices run for it,
/// which goes on to later slots.
pub(super) fn shown(state: &Message) -> Message {
    state.clone().without(&["snapshot"]).without_handles()
}

/// Marks a state as that after a slot, or as that before any.
pub(super) fn at_slot(mut state: Message, slot: Option<Slot>) -> Message {
    let slot = slot.map_or(-1, |slot| i64::try_from(slot).unwrap_or(i64::MAX));
    state.insert("device", Value::from_static("process@1.0"));
    state.insert("at-slot", slot);
    state
}
