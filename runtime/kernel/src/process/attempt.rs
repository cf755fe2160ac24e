//! Attempts at slots: counted before they are made, so that a slot which ends the program is not
//! tried for ever.
//!
//! The attempt at a slot that somebody waits for already is counted in the batch that commits the
//! slot before. What is counted and then not made is taken back: nothing is known of its slot.

use std::cell::Cell;
use std::rc::Rc;

use oxbeam_protocol::Id;
use oxbeam_store::Slot;

use crate::context::Context;
use crate::error::CallError;

/// How far an attempt has come.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// It is counted, as so many of its slot, and not made yet.
    Begun(u32),
    /// It is made, or about to be counted for that.
    Made,
}

/// The attempt of one actor, until it is known what came of it. Clones are the same one: the actor
/// knows by it what an orderly end breaks off.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempt(Rc<Cell<Option<(Slot, Stage)>>>);

impl Attempt {
    /// Makes an attempt at a slot, unless its process is held. It is counted here if it is not begun.
    /// Answers with what the slot is computed with: with more fuel, if the operator has given it some.
    pub(super) async fn make(
        &self,
        context: &Context,
        process: Id,
        slot: Slot,
    ) -> Result<Context, CallError> {
        let node = context.node();
        let fuel = node.quarantine().admit(process, slot)?;
        let attempts = match self.0.replace(Some((slot, Stage::Made))) {
            Some((begun, Stage::Begun(attempts))) if begun == slot => attempts,
            _ => node.store()?.count_attempt(process, slot).await?,
        };
        if attempts > context.settings().max_attempts {
            return Err(node.set_aside(process, slot, attempts - 1).await?);
        }
        Ok(fuel.map_or_else(|| context.clone(), |fuel| context.with_fuel(fuel)))
    }

    /// Notes that a slot is committed, and the next one begun with it, as so many attempts, or not.
    pub(super) fn committed(&self, slot: Slot, next: Option<u32>) {
        self.0.set(next.map(|attempts| (slot.saturating_add(1), Stage::Begun(attempts))));
    }

    /// Notes that what came of the attempt is known. One that is begun goes on.
    pub(super) fn over(&self) {
        self.0.set(self.0.take().filter(|(_, stage)| matches!(stage, Stage::Begun(_))));
    }

    /// Takes back what is begun, if that is so: it is not made now.
    pub(super) fn withdraw(&self, context: &Context, process: Id) {
        match self.0.take() {
            Some((slot, Stage::Begun(_))) => take_back(context, process, slot),
            made => self.0.set(made),
        }
    }

    /// Takes back what an orderly end breaks off.
    pub(super) fn break_off(&self, context: &Context, process: Id) {
        let Some((slot, stage)) = self.0.take() else { return };
        take_back(context, process, slot);
        if matches!(stage, Stage::Made) {
            // Its commit may be under way and begin the next one, which nobody has tried before.
            take_back(context, process, slot.saturating_add(1));
        }
    }
}

/// Takes back an attempt that is counted, or is being counted.
fn take_back(context: &Context, process: Id, slot: Slot) {
    if let Ok(store) = context.node().store() {
        // Queued before the store is told to end, which comes after its processes. An attempt that is
        // counted for want of that costs one of several.
        drop(store.take_back_attempt(process, slot));
    }
}
