//! One incarnation: the actor's state with its context, from factory to grave.

use std::{
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context as Task, Poll},
};

use actix::{Actor, ActorContext, AsyncContext, Context, dev::ContextFut};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tracing::Span;

use super::{
    Call,
    pump::{Gate, Pump},
};
use crate::{
    address::Address,
    crash::{self, Crash, Place},
    exit::ExitReason,
    mailbox::{AnyMailbox, Mailbox},
    realm::Realm,
    scheduler::Busy,
    scope::Scope,
    spec::{Birth, StartError},
};

/// Messages in one turn before other tasks of the thread get theirs.
pub(super) const MESSAGES_PER_TURN: u32 = 64;

pub(super) struct Life<A: Actor<Context = Context<A>>> {
    actor: ContextFut<A, Context<A>>,
    scope: Rc<Scope>,
    /// Made when the first call is; most actors are not concurrent.
    calls: Option<Box<FuturesUnordered<Call>>>,
    span: Span,
    /// Whether `started` has run.
    begun: bool,
    starting: bool,
    stopping: bool,
    leaving: bool,
}

/// What a turn came to.
pub(super) enum Turn {
    Pending,
    Started,
    Slept,
    Ended(ExitReason),
}

impl<A: Actor<Context = Context<A>>> Life<A> {
    pub(super) fn begin(mailbox: &Arc<Mailbox<A>>, realm: &Arc<Realm>) -> Result<Self, StartError> {
        let _busy = Busy::mark(mailbox.about().id);
        let scope = Scope::new(mailbox.actor_ref());
        let incarnation = mailbox.incarnation();
        let span = tracing::info_span!("actor", path = %mailbox.about().path, life = incarnation);
        let birth = Birth { address: Address::new(mailbox.clone()), incarnation };
        let built =
            span.in_scope(|| scope.enter(|| crash::catch(|| (mailbox.spec().factory)(&birth))));
        let state = built.map_err(|caught| {
            let crash = Arc::new(scope.report(caught));
            realm.record(&crash);
            StartError::Failed(ExitReason::Panic(crash))
        })??;
        let mut ctx = Context::new();
        mailbox.attach(&mut ctx);
        let mut actor = ctx.into_future(state);
        actor.ctx().spawn(Pump::new(mailbox.clone(), scope.clone()));
        Ok(Self {
            actor,
            scope,
            calls: None,
            span,
            begun: false,
            starting: true,
            stopping: false,
            leaving: false,
        })
    }

    pub(super) fn starting(&self) -> bool {
        self.starting
    }

    /// Asks the actor to stop. It may take its time: `stopping` may answer `Continue`.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.scope.place.set(Place::Stopping);
        self.actor.ctx().stop();
    }

    /// Lets the actor end because nobody needs it. It may refuse by its `stopping`, and it stays if
    /// it has a future, a stream or a timer of its own: actix ends a context that has nothing left,
    /// and without its pump that is what an idle one has.
    pub(super) fn leave(&mut self) {
        self.leaving = true;
        self.scope.place.set(Place::Stopping);
        self.scope.retire.set(true);
    }

    /// Goes on after an attempt to leave.
    fn stay(&mut self, mailbox: &Arc<Mailbox<A>>, cx: &mut Task<'_>) {
        self.leaving = false;
        if !self.scope.retire.take() {
            self.actor.ctx().spawn(Pump::new(mailbox.clone(), self.scope.clone()));
            cx.waker().wake_by_ref();
        }
    }

    pub(super) fn idle(&self) -> bool {
        !self.starting && !self.stopping && !self.leaving && self.scope.in_flight.get() == 0
    }

    pub(super) fn suspend(&mut self, mailbox: &Arc<Mailbox<A>>) {
        if !self.scope.gated.replace(true) {
            self.actor.ctx().wait(Gate::new(mailbox.clone(), self.scope.clone()));
        }
    }

    pub(super) fn turn(&mut self, mailbox: &Arc<Mailbox<A>>, cx: &mut Task<'_>) -> Turn {
        self.scope.messages_left.set(MESSAGES_PER_TURN);
        let (span, scope) = (self.span.clone(), self.scope.clone());
        let _entered = span.enter();
        let _busy = Busy::mark(mailbox.about().id);
        let polled = scope.enter(|| {
            self.poll_calls(mailbox, cx);
            self.scope.place.set(self.place());
            let polled = crash::catch(|| Pin::new(&mut self.actor).poll(cx));
            self.begun = true;
            self.poll_calls(mailbox, cx);
            polled
        });
        match polled {
            Err(caught) => Turn::Ended(ExitReason::Panic(Arc::new(scope.report(caught)))),
            Ok(Poll::Ready(())) => self.ended(),
            Ok(Poll::Pending) => self.pending(mailbox, cx),
        }
    }

    fn place(&self) -> Place {
        match (self.begun, self.stopping || self.leaving) {
            (false, _) => Place::Started,
            (true, true) => Place::Stopping,
            (true, false) => Place::Future,
        }
    }

    fn ended(&mut self) -> Turn {
        let asked = self.scope.exit.take();
        match asked {
            None if self.leaving => Turn::Slept,
            None if self.stopping => Turn::Ended(ExitReason::Shutdown),
            None => Turn::Ended(ExitReason::Normal),
            Some(reason) => Turn::Ended(*reason),
        }
    }

    fn pending(&mut self, mailbox: &Arc<Mailbox<A>>, cx: &mut Task<'_>) -> Turn {
        if self.leaving {
            self.stay(mailbox, cx);
        }
        if !self.starting {
            return Turn::Pending;
        }
        let acknowledged = match self.scope.started.take() {
            Some(Err(reason)) => return Turn::Ended(*reason),
            Some(Ok(())) => true,
            None => !mailbox.spec().acknowledged,
        };
        if !acknowledged {
            return Turn::Pending;
        }
        self.starting = false;
        Turn::Started
    }

    #[inline]
    fn poll_calls(&mut self, mailbox: &Mailbox<A>, cx: &mut Task<'_>) {
        if self.scope.in_flight.get() > 0 {
            self.poll_calls_in_flight(mailbox, cx);
        }
    }

    /// Polls the concurrent calls, each in its own guard.
    fn poll_calls_in_flight(&mut self, mailbox: &Mailbox<A>, cx: &mut Task<'_>) {
        let mut begun = self.scope.calls.take();
        let calls = self.calls.get_or_insert_default();
        calls.extend(begun.drain(..));
        let full = self.scope.in_flight.get() >= mailbox.spec().calls_limit();
        let mut ended = false;
        while let Poll::Ready(Some(done)) = calls.poll_next_unpin(cx) {
            ended = true;
            self.scope.in_flight.set(self.scope.in_flight.get().saturating_sub(1));
            if let Some(failed) = done.failed {
                mailbox.note_crash(failed.ticket, done.reply.is_some(), failed.crash);
            }
            drop(done.reply);
        }
        let begun = !self.scope.calls.borrow().is_empty();
        let freed = ended && full && mailbox.has_mail();
        if begun || freed {
            cx.waker().wake_by_ref(); // the pump had stopped for want of a free call
        }
    }

    /// Drops the state without running a hook. The reports of the panics on the way: each thing is
    /// dropped in a guard of its own, so that one that panics keeps nobody else waiting.
    pub(super) fn bury(self) -> Vec<Crash> {
        let Self { mut actor, scope, calls, .. } = self;
        let _busy = Busy::mark(scope.actor.id());
        actor.ctx().terminate();
        scope.place.set(Place::Drop);
        scope.message.set(None);
        let begun = scope.calls.take();
        let calls = begun.into_iter().chain(calls.into_iter().flat_map(|calls| *calls));
        scope.enter(|| {
            let state = crash::catch(move || drop(actor)).err();
            let calls = calls.filter_map(|call| crash::catch(move || drop(call)).err());
            state.into_iter().chain(calls).map(|caught| scope.report(caught)).collect()
        })
    }
}
