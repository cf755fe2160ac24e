//! Attempts at slots: counted before they are made, so that a slot which ends the program is not
//! tried for ever.
//!
//! The attempts at slots that somebody waits for already are counted in the batch that commits the
//! slot before them, several at a time. What is counted and then not made is taken back: nothing is
//! known of its slot.

use std::cell::Cell;
use std::rc::Rc;

use oxbeam_protocol::Id;
use oxbeam_store::{Begun, Slot};

use crate::context::Context;
use crate::error::CallError;

/// Most slots that are begun together. If one of them ends the program, it costs the others one
/// attempt of several; none of those is begun together with others then.
const MOST: u8 = 16;

/// Slots one after another at which attempts are counted.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// From here on it is not known what came of them.
    first: Slot,
    /// From here on they are not made.
    next: Slot,
    /// Behind the last one.
    end: Slot,
    /// Attempts at each of them, this one included.
    attempts: u32,
    /// How many more are being counted, from the end on.
    asked: u8,
}

/// The attempts of one actor. Clones are the same ones: the actor knows by it what an orderly end
/// breaks off.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Rc<Cell<Option<Open>>>);

impl Attempts {
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
        let next = slot.saturating_add(1);
        let attempts = match self.begun(slot) {
            Some(open) => {
                self.0.set(Some(Open { next, ..open }));
                open.attempts
            }
            None => {
                self.withdraw(context, process);
                let open = Open { first: slot, next, end: next, attempts: 1, asked: 0 };
                self.0.set(Some(open));
                node.store()?.count_attempt(process, slot).await?
            }
        };
        if attempts > context.settings().max_attempts {
            return Err(node.set_aside(process, slot, attempts - 1).await?);
        }
        Ok(fuel.map_or_else(|| context.clone(), |fuel| context.with_fuel(fuel)))
    }

    fn begun(&self, slot: Slot) -> Option<Open> {
        self.0.get().filter(|open| open.next == slot && slot < open.end)
    }

    /// Whether an attempt at a slot is counted, and comes next.
    pub(super) fn has_begun(&self, slot: Slot) -> bool {
        self.begun(slot).is_some()
    }

    /// How many of the slots after one, up to the last, are to be begun when it is committed. None if
    /// the next one is begun.
    pub(super) fn to_begin(&self, slot: Slot, last: Slot) -> u8 {
        if self.has_begun(slot.saturating_add(1)) {
            return 0;
        }
        let asked = u8::try_from(last.saturating_sub(slot)).map_or(MOST, |slots| slots.min(MOST));
        self.0.set(self.0.get().map(|open| Open { asked, ..open }));
        asked
    }

    /// Notes that it is known what came of a slot, and which ones were begun when it was committed.
    pub(super) fn over(&self, slot: Slot, begun: Option<Begun>) {
        let next = slot.saturating_add(1);
        let open = match begun {
            Some(Begun { slots, attempts }) => {
                let end = next.saturating_add(slots.into());
                Some(Open { first: next, next, end, attempts, asked: 0 })
            }
            None => self.0.get().map(|open| Open {
                first: open.first.max(next),
                next: open.next.max(next),
                asked: 0,
                ..open
            }),
        };
        self.0.set(open.filter(|open| open.first < open.end));
    }

    /// Takes back what is begun, if anything is: it is not made now.
    pub(super) fn withdraw(&self, context: &Context, process: Id) {
        let Some(open) = self.0.get() else { return };
        take_back(context, process, open.next, open.end);
        let open = Open { end: open.next, ..open };
        self.0.set(Some(open).filter(|open| open.first < open.end));
    }

    /// Notes that no more is made, and that it is known what came of the rest, or never will be.
    pub(super) fn end(&self, context: &Context, process: Id) {
        self.withdraw(context, process);
        self.0.set(None);
    }

    /// Takes back what an orderly end breaks off. A commit that is under way may begin slots which
    /// nobody has tried before.
    pub(super) fn break_off(&self, context: &Context, process: Id) {
        let Some(open) = self.0.take() else { return };
        take_back(context, process, open.first, open.end.saturating_add(open.asked.into()));
    }
}

/// Takes back attempts that are counted, or being counted, at slots up to the one before the end.
fn take_back(context: &Context, process: Id, first: Slot, end: Slot) {
    let slots = u8::try_from(end.saturating_sub(first)).unwrap_or(u8::MAX);
    if slots > 0
        && let Ok(store) = context.node().store()
    {
        // Queued before the store is told to end, which comes after its processes. An attempt that is
        // counted for want of that costs one of several.
        drop(store.take_back_attempts(process, first, slots));
    }
}
