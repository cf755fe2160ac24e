//! Children that are asked to end, one or all at once, and those whose time is up.

use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context};

use super::{DynamicSupervisor, Key, entry::Stage};
use crate::{
    context::ContextExt,
    exit::ExitReason,
    inspect::{ActorId, State},
    mailbox::Order,
    spec::{KILL_GRACE, Shutdown},
    supervisor::ReportKind,
};

impl<K: Key, A: Actor<Context = Context<A>>> DynamicSupervisor<K, A> {
    pub(super) fn terminate(&mut self, actor: ActorId) {
        let Some(entry) = self.entries.get(actor) else { return };
        let now = self.realm.now();
        match (entry.stage, self.children.directory().spec.shutdown) {
            (Stage::Leaving | Stage::Killed, _) => {}
            // Nothing but this supervisor wakes it.
            _ if entry.owned.0.state() == State::Quarantined => {
                self.forget(actor, ExitReason::Shutdown);
            }
            (Stage::Late, _) | (_, Shutdown::Brutal) => self.kill(actor, Stage::Killed, now),
            (_, Shutdown::Infinity) => self.ask_to_end(actor, None),
            (_, Shutdown::Within(limit)) => self.ask_to_end(actor, now.checked_add(limit)),
        }
    }

    fn ask_to_end(&mut self, actor: ActorId, until: Option<Duration>) {
        self.entries.enter(actor, Stage::Leaving, until);
        self.order(actor, Order::Shutdown);
    }

    fn kill(&mut self, actor: ActorId, stage: Stage, now: Duration) {
        self.entries.enter(actor, stage, now.checked_add(KILL_GRACE));
        self.order(actor, Order::Kill);
    }

    /// Kills the children whose time is up, and gives up those that did not notice a kill.
    fn expire(&mut self) {
        let now = self.realm.now();
        while let Some(actor) = self.entries.overdue(now) {
            match self.entries.stage(actor) {
                Some(Stage::Starting) => self.kill(actor, Stage::Late, now),
                Some(Stage::Leaving) => self.kill(actor, Stage::Killed, now),
                Some(stage) => {
                    let late = stage == Stage::Late;
                    let kind =
                        if late { ReportKind::StartError } else { ReportKind::ShutdownError };
                    self.report(kind, actor, &ExitReason::Stuck);
                    self.lost(actor, ExitReason::Stuck);
                }
                None => return,
            }
        }
    }

    /// A child that no shell will bring back: from now on its key is free.
    pub(super) fn lost(&mut self, actor: ActorId, reason: ExitReason) {
        let Some(entry) = self.entries.remove(actor) else { return };
        let directory = self.children.directory().clone();
        entry.owned.abandon(reason.clone());
        directory.remove(&entry.key, actor);
        if !self.halting && !entry.stage.leaves() && directory.spec.restart.follows(&reason) {
            // A permanent child is there without being asked for. Its budget begins anew.
            let _ = directory.add(&entry.key); // no room, or no spec: nobody waits for it
        }
    }

    /// One timer for the next deadline, however many there are. It may be early, not late.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let Some(at) = self.entries.deadline() else { return };
        if self.timer.is_some_and(|(armed, _)| armed <= at) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let ring = ctx.run_later(at.saturating_sub(self.realm.now()), |supervisor, ctx| {
            supervisor.timer = None;
            supervisor.expire();
            supervisor.rest(ctx);
        });
        self.timer = Some((at, ring));
    }

    /// Stops all children at once.
    pub(super) fn halt(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.halting, true) {
            return;
        }
        self.children.directory().close(&self.inbox);
        for actor in self.entries.actors() {
            self.terminate(actor);
        }
        self.arm(ctx);
    }

    pub(super) fn rest(&mut self, ctx: &mut Context<Self>) {
        self.arm(ctx);
        if self.halting && self.entries.is_empty() && ctx.state().alive() {
            ctx.exit(ExitReason::Shutdown);
        }
    }
}
