//! Children that have left because they were idle: forgotten when nobody has their address.

use actix::{Actor, AsyncContext, Context};

use super::{DynamicSupervisor, Key, entry::Stage};
use crate::{
    exit::ExitReason,
    inspect::{ActorId, State},
    mailbox::Order,
};

/// Who holds a sleeping child's mailbox when nobody has its address: the directory, the index of
/// the realm, this supervisor, the shell, and the mailbox itself as the reader of its channel. Its
/// name and its groups come on top.
const HOLDERS: usize = 5;
/// Sleeping children looked at before others get their turn.
const ROUND: usize = 4096;

impl<K: Key, A: Actor<Context = Context<A>>> DynamicSupervisor<K, A> {
    pub(super) fn slept(&mut self, actor: ActorId) {
        match self.entries.stage(actor) {
            // The order came while it fell asleep, and was not heard.
            Some(Stage::Leaving) => self.order(actor, Order::Shutdown),
            Some(Stage::Killed | Stage::Late) => self.order(actor, Order::Kill),
            Some(Stage::Starting | Stage::Settled) => self.leave_or_rest(actor),
            None => {}
        }
    }

    fn leave_or_rest(&mut self, actor: ActorId) {
        let directory = self.children.directory().clone();
        let Some(entry) = self.entries.get_mut(actor) else { return };
        // One that is suspended may be forgotten when it is resumed.
        if !matches!(entry.owned.0.state(), State::Asleep | State::Suspended) {
            return; // it is awake again
        }
        let holders = HOLDERS + entry.owned.0.mailbox().places();
        if directory.remove_if_unknown(&entry.key, actor, holders) {
            self.forget(actor, ExitReason::Normal);
        } else if !std::mem::replace(&mut entry.resting, true) {
            self.sleepers.push_back(actor);
        }
    }

    /// Looks again at all children that fell asleep while somebody had their address.
    pub(super) fn sweep(&mut self, ctx: &mut Context<Self>) {
        self.sweep_some(self.sleepers.len(), ctx);
    }

    fn sweep_some(&mut self, left: usize, ctx: &mut Context<Self>) {
        let round = left.min(ROUND);
        for _ in 0..round {
            let Some(actor) = self.sleepers.pop_front() else { return };
            if let Some(entry) = self.entries.get_mut(actor) {
                entry.resting = false;
                self.slept(actor);
            }
        }
        if left > round {
            let soon = std::time::Duration::ZERO;
            ctx.run_later(soon, move |this, ctx| this.sweep_some(left - round, ctx));
        }
    }
}
