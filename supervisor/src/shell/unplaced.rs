//! An actor on its way to its thread.

use std::sync::Arc;

use actix::{Actor, Context};

use super::{Change, Shell, Tell};
use crate::{
    exit::ExitReason,
    mailbox::{AnyMailbox, Mailbox},
    realm::give_up,
    scheduler::Seat,
};

/// A mailbox that is to get its shell on another thread. If that thread ends before, whoever waits
/// for the actor hears of it, as when it ends later.
pub(crate) struct Unplaced<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    tell: Option<Tell>,
    armed: bool,
}

impl<A: Actor<Context = Context<A>>> Unplaced<A> {
    pub(crate) fn new(mailbox: Arc<Mailbox<A>>, tell: Option<Tell>) -> Self {
        Self { mailbox, tell, armed: true }
    }

    pub(crate) fn into_shell(mut self, seat: Option<Seat>) -> Shell<A> {
        self.armed = false;
        let realm = self.mailbox.realm().clone();
        Shell::new(self.mailbox.clone(), realm, self.tell.take(), seat)
    }

    /// Leaves it to the caller to say what becomes of the actor.
    pub(crate) fn disarm(mut self) {
        self.armed = false;
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Unplaced<A> {
    fn drop(&mut self) {
        if self.armed {
            give_up(&self.mailbox, ExitReason::Killed);
            if let Some(tell) = &self.tell {
                tell(self.mailbox.about().id, Change::Lost);
            }
        }
    }
}
