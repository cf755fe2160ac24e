//! What a shell does about its orders.

use actix::{Actor, Context};
use tokio::time::sleep;

use super::{Flow, Phase, Shell};
use crate::{exit::ExitReason, inspect::State, mailbox::Orders};

impl<A: Actor<Context = Context<A>>> Shell<A> {
    /// Obeys, and says what there is to do at once, if anything is.
    pub(super) fn obey(&mut self, mut orders: Orders) -> Option<Flow> {
        if let Some(reason) = orders.discard.take() {
            return Some(self.discard(reason));
        }
        // A life that ends takes its suspension along, as one that is asked to end does.
        let suspend = orders.suspend.filter(|_| !orders.shutdown);
        let flow = match self.phase {
            Phase::Vacant { .. } => self.obey_vacant(&orders),
            Phase::Living(_) => self.obey_living(&orders),
        };
        if let Some(suspend) = suspend {
            self.suspend(suspend);
        }
        flow
    }

    fn obey_vacant(&mut self, orders: &Orders) -> Option<Flow> {
        let Phase::Vacant { begin, asleep } = &mut self.phase else { return None };
        if let Some(reason) = ordered_end(orders) {
            // Of a life that is to come, or could: a child that is down waits for its supervisor.
            return match (orders.begin.is_some() || begin.is_some(), *asleep) {
                (true, _) => Some(self.stillborn(reason)),
                (false, true) => Some(self.end_asleep(reason)),
                (false, false) => None,
            };
        }
        let after = orders.begin?;
        *begin = (!after.is_zero()).then(|| Box::pin(sleep(after)));
        if begin.is_none() {
            self.begin();
        } else {
            self.mailbox.enter(State::Backoff);
        }
        Some(Flow::Again)
    }

    fn obey_living(&mut self, orders: &Orders) -> Option<Flow> {
        if orders.kill {
            return Some(self.end(ExitReason::Killed));
        }
        if let Some(reason) = &orders.exit {
            return Some(self.end(reason.clone()));
        }
        let Phase::Living(life) = &mut self.phase else { return None };
        if orders.shutdown {
            // A suspended actor could neither run its hooks nor hear of its children's ends.
            self.mailbox.suspend(false);
            life.stop();
            self.mailbox.enter(State::Stopping);
        }
        None
    }

    fn suspend(&mut self, suspend: bool) {
        self.mailbox.suspend(suspend);
        if let (true, Phase::Living(life)) = (suspend, &mut self.phase) {
            life.suspend(&self.mailbox);
        }
    }
}

/// The end that orders bring to an actor that has no life.
fn ordered_end(orders: &Orders) -> Option<ExitReason> {
    if orders.kill {
        return Some(ExitReason::Killed);
    }
    orders.exit.clone().or_else(|| orders.shutdown.then_some(ExitReason::Shutdown))
}
