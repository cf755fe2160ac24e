//! How a life ends, and the shell after it.

use std::sync::Arc;

use actix::{Actor, Context};

use super::{Change, Flow, Phase, Shell};
use crate::{
    actor_ref::ActorRef,
    crash::Caught,
    event::Happening,
    exit::ExitReason,
    inspect::State,
    mailbox::{AnyMailbox, Order},
    scope::Scope,
};

impl<A: Actor<Context = Context<A>>> Shell<A> {
    pub(super) fn end(&mut self, reason: ExitReason) -> Flow {
        let Phase::Living(life) = &self.phase else { return Flow::Again };
        let starting = life.starting();
        self.bury(&reason);
        let change = if starting { Change::StartFailed(reason) } else { Change::Exited(reason) };
        self.vacate(change)
    }

    /// Ends the life. First the reason is noted, then the state is dropped: a caller whose reply is
    /// dropped with it finds the reason.
    fn bury(&mut self, reason: &ExitReason) {
        let watchers = self.mailbox.note_exit(reason);
        // A linked actor's crash, or a child's, is reported where it happened.
        if let Some(crash) = reason.crash().filter(|crash| crash.actor == self.mailbox.about().id) {
            self.realm.record(crash);
        }
        self.realm.emit(self.mailbox.about(), Happening::Exited { reason: reason.clone() });
        self.drop_state();
        watchers.tell(self.mailbox.about().id, reason);
    }

    /// The life ended before there was any state.
    pub(super) fn stillborn(&mut self, reason: ExitReason) -> Flow {
        self.mailbox.note_exit(&reason).tell(self.mailbox.about().id, &reason);
        self.realm.emit(self.mailbox.about(), Happening::NotStarted { reason: reason.clone() });
        self.vacate(Change::StartFailed(reason))
    }

    /// An actor that had left is asked to end.
    pub(super) fn end_asleep(&mut self, reason: ExitReason) -> Flow {
        self.bury(&reason);
        self.vacate(Change::Exited(reason))
    }

    pub(super) fn sleep(&mut self) -> Flow {
        self.drop_state();
        self.phase = Phase::Vacant { begin: None, asleep: true };
        self.mailbox.enter(State::Asleep);
        self.realm.emit(self.mailbox.about(), Happening::Slept);
        self.changed(Change::Slept);
        Flow::Again
    }

    fn drop_state(&mut self) {
        let vacant = Phase::Vacant { begin: None, asleep: false };
        if let Phase::Living(life) = std::mem::replace(&mut self.phase, vacant) {
            for crash in life.bury() {
                self.realm.record(&Arc::new(crash));
            }
        }
        self.idle = None;
    }

    /// Waits for what the supervisor decides; without one this was the end.
    fn vacate(&mut self, change: Change) -> Flow {
        self.phase = Phase::Vacant { begin: None, asleep: false };
        self.mailbox.enter(State::Down);
        if self.tell.is_none() {
            let reason = self.mailbox.last_exit().unwrap_or(ExitReason::Normal);
            self.mailbox.order(Order::Discard(reason));
        }
        self.changed(change);
        Flow::Again
    }

    /// A panic outside of every guard: the life ends as by one inside.
    pub(super) fn collapse(&mut self, caught: Caught) -> Flow {
        let crash = Arc::new(Scope::new(self.mailbox.actor_ref()).report(caught));
        let reason = ExitReason::Panic(crash);
        match self.phase {
            Phase::Living(_) => self.end(reason),
            Phase::Vacant { .. } => self.stillborn(reason),
        }
    }

    pub(super) fn discard(&mut self, reason: ExitReason) -> Flow {
        if matches!(self.phase, Phase::Living(_)) {
            self.end(reason.clone());
        }
        self.finish(reason);
        Flow::Done
    }

    /// Closes the mailbox and forgets the actor.
    fn finish(&mut self, reason: ExitReason) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let actor: ActorRef = self.mailbox.actor_ref();
        self.realm.forget(&actor, self.mailbox.spec());
        self.mailbox.close(reason.clone());
        // Monitors made while the actor was vacant.
        self.mailbox.take_watchers().tell(actor.id(), &reason);
        self.mailbox.enter(State::Gone);
        self.seat = None;
    }
}

/// The thread or the program ends: whoever waits for the actor hears of it.
impl<A: Actor<Context = Context<A>>> Drop for Shell<A> {
    fn drop(&mut self) {
        if !self.finished {
            if matches!(self.phase, Phase::Living(_)) {
                self.bury(&ExitReason::Killed);
            }
            self.finish(ExitReason::Killed);
            self.changed(Change::Lost);
        }
    }
}
