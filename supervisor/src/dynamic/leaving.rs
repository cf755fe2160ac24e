//! Children that are asked to end, and all of them at once.

use std::{cmp::Reverse, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Context};

use super::{DynamicSupervisor, Key};
use crate::{
    context::ContextExt,
    exit::ExitReason,
    inspect::{ActorId, State},
    spec::Shutdown,
};

/// How long killed children may take to notice.
const KILL_GRACE: Duration = Duration::from_secs(5);

impl<K: Key, A: Actor<Context = Context<A>>> DynamicSupervisor<K, A> {
    pub(super) fn terminate(&mut self, actor: ActorId) {
        let Some(entry) = self.entries.get_mut(&actor) else { return };
        if std::mem::replace(&mut entry.leaving, true) {
            return;
        }
        let child = entry.owned.0.clone();
        let resting = [State::Quarantined, State::Asleep, State::Backoff];
        if resting.contains(&child.state()) {
            return self.forget(actor, ExitReason::Shutdown);
        }
        let now = self.realm.now();
        match self.children.shared().spec.shutdown {
            Shutdown::Brutal => self.kill(actor, now),
            Shutdown::Infinity => child.shutdown(),
            Shutdown::Within(limit) => {
                child.shutdown();
                self.deadlines.push(Reverse((now + limit, actor)));
            }
        }
    }

    fn kill(&mut self, actor: ActorId, now: Duration) {
        if let Some(entry) = self.entries.get_mut(&actor) {
            entry.killed = true;
            entry.owned.0.kill();
            self.deadlines.push(Reverse((now + KILL_GRACE, actor)));
        }
    }

    /// Kills the children whose time to end is up, and drops those that did not notice a kill.
    fn expire(&mut self) {
        let now = self.realm.now();
        while let Some(Reverse((at, actor))) = self.deadlines.peek().copied()
            && at <= now
        {
            self.deadlines.pop();
            match self.entries.get(&actor).map(|entry| entry.killed) {
                Some(true) => self.forget(actor, ExitReason::Stuck),
                Some(false) => self.kill(actor, now),
                None => {}
            }
        }
    }

    /// One timer for the next deadline, however many there are.
    pub(super) fn arm(&mut self, ctx: &mut Context<Self>) {
        let Some(Reverse((at, _))) = self.deadlines.peek() else { return };
        if !std::mem::replace(&mut self.armed, true) {
            ctx.run_later(at.saturating_sub(self.realm.now()), |supervisor, ctx| {
                supervisor.armed = false;
                supervisor.expire();
                supervisor.rest(ctx);
            });
        }
    }

    /// Stops all children at once.
    pub(super) fn halt(&mut self, ctx: &mut Context<Self>) {
        self.halting = true;
        self.children.shared().close();
        let actors: Vec<ActorId> = self.entries.keys().copied().collect();
        for actor in actors {
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
