//! The control lane: what others order an actor to do, in order of precedence.

use std::time::Duration;

use crate::{exit::ExitReason, inspect::ActorId};

/// One order.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// End for good: close the queue and forget the actor.
    Discard(ExitReason),
    /// End now, run no hook.
    Kill,
    /// End in your own time.
    Shutdown,
    Suspend,
    Resume,
    /// An exit signal from a linked actor.
    Exit {
        from: ActorId,
        reason: ExitReason,
        /// Ends of the receiver when it was linked; none to reach whatever life it has now.
        exits: Option<u64>,
    },
    /// Build the state and run, after a while.
    Begin {
        after: Duration,
    },
}

/// The orders that wait. Repeated ones are one, so this has no length.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) discard: Option<ExitReason>,
    pub(crate) kill: bool,
    pub(crate) shutdown: bool,
    pub(crate) suspend: Option<bool>,
    /// The first exit signal; it ends the actor, so a second one would find nobody.
    pub(crate) exit: Option<ExitReason>,
    pub(crate) begin: Option<Duration>,
}

impl Orders {
    pub(crate) fn pending(&self) -> bool {
        self.discard.is_some()
            || self.kill
            || self.shutdown
            || self.suspend.is_some()
            || self.exit.is_some()
            || self.begin.is_some()
    }

    pub(crate) fn add(&mut self, order: Order) {
        match order {
            Order::Discard(reason) => {
                self.discard.get_or_insert(reason);
            }
            Order::Kill => self.kill = true,
            Order::Shutdown => self.shutdown = true,
            Order::Suspend => self.suspend = Some(true),
            Order::Resume => self.suspend = Some(false),
            Order::Exit { reason, .. } => {
                self.exit.get_or_insert(reason);
            }
            // Given to an actor that has ended: what was meant for its last life is stale.
            Order::Begin { after } => {
                *self =
                    Self { begin: Some(after), discard: self.discard.take(), ..Self::default() };
            }
        }
    }
}
