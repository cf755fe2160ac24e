//! Feeds the actor from its mailbox: one message at a time, control between any two.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context as Task, Poll},
};

use actix::{
    Actor, ActorContext, ActorFuture, AsyncContext, Context,
    dev::{
        AsyncContextParts, ContextParts,
        channel::{AddressReceiver, channel},
    },
};
use futures_util::StreamExt;

use crate::{
    crash::{self, Place},
    mailbox::{Envelope, Mailbox, Next, Queued, Signal},
    scope::Scope,
};

/// The receiving end of the actor's actix addresses; as long-lived as the mailbox.
pub(super) struct Raw<A: Actor>(Rc<RefCell<AddressReceiver<A>>>);

/// Runs as a future of the actor's context, which is where state and context can be had together.
pub(super) struct Pump<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    raw: Raw<A>,
    scope: Rc<Scope>,
    /// The message in the actor's hands. Not on the stack: a panic must not drop its reply before
    /// the reason is noted.
    open: Option<Box<dyn Envelope<A>>>,
}

impl<A: Actor<Context = Context<A>>> Raw<A> {
    pub(super) fn new(capacity: usize) -> Self {
        let (_, receiver) = channel(capacity);
        Self(Rc::new(RefCell::new(receiver)))
    }

    /// Makes the addresses that `ctx` gives out lead here, so that they survive a restart.
    pub(super) fn attach(&self, ctx: &mut Context<A>) {
        *ctx.parts() = ContextParts::new(self.0.borrow().sender_producer());
    }
}

impl<A: Actor> Clone for Raw<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Actor<Context = Context<A>>> Pump<A> {
    pub(super) fn new(mailbox: Arc<Mailbox<A>>, raw: Raw<A>, scope: Rc<Scope>) -> Self {
        Self { mailbox, raw, scope, open: None }
    }

    /// Moves what came by actix addresses into the queue, where the limit holds.
    fn absorb(&self, task: &mut Task<'_>) {
        let mut raw = self.raw.0.borrow_mut();
        while let Poll::Ready(Some(envelope)) = raw.poll_next_unpin(task) {
            self.mailbox.absorb(Box::new(envelope));
        }
    }

    fn may_handle(&self, ctx: &Context<A>) -> bool {
        let limit = self.mailbox.spec().concurrent.unwrap_or(usize::MAX);
        !ctx.waiting() && self.scope.in_flight.get() < limit
    }

    fn run(&self, signal: Signal<A>, actor: &mut A, ctx: &mut Context<A>) {
        self.scope.place.set(Place::Handler);
        self.scope.message.set(Some("signal"));
        signal(actor, ctx);
        self.rest(ctx);
    }

    fn handle(&mut self, queued: Queued<A>, actor: &mut A, ctx: &mut Context<A>) {
        self.scope.place.set(Place::Handler);
        self.scope.message.set(Some(queued.envelope.name()));
        self.scope.ticket.set(queued.ticket);
        let open = self.open.insert(queued.envelope);
        if self.mailbox.spec().concurrent.is_none() {
            open.open(actor, ctx);
        } else if let Err(caught) = crash::catch(|| open.open(actor, ctx)) {
            let crash = Arc::new(self.scope.report(caught));
            self.mailbox.note_crash(queued.ticket, crash);
        }
        self.open = None;
        self.rest(ctx);
    }

    /// What runs after the handler is a future, or the hooks if the handler stopped the actor.
    fn rest(&self, ctx: &Context<A>) {
        let place = if ctx.state().alive() { Place::Future } else { Place::Stopping };
        self.scope.place.set(place);
        self.scope.message.set(None);
    }
}

impl<A: Actor<Context = Context<A>>> ActorFuture<A> for Pump<A> {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut A,
        ctx: &mut Context<A>,
        task: &mut Task<'_>,
    ) -> Poll<()> {
        let this = self.get_mut();
        this.rest(ctx);
        this.absorb(task);
        while this.may_handle(ctx) {
            let Some(left) = this.scope.messages_left.get().checked_sub(1) else {
                task.waker().wake_by_ref();
                break;
            };
            this.scope.messages_left.set(left);
            match this.mailbox.next(this.scope.turn.get()) {
                Next::Probe(signal) | Next::Signal(signal) => this.run(signal, actor, ctx),
                Next::Message(queued) => this.handle(queued, actor, ctx),
                Next::Ordered => {
                    task.waker().wake_by_ref();
                    break;
                }
                Next::Empty => break,
            }
        }
        Poll::Pending
    }
}

/// Holds a suspended actor: waited for before anything else, it answers inspections only.
pub(super) struct Gate<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    scope: Rc<Scope>,
}

impl<A: Actor<Context = Context<A>>> Gate<A> {
    pub(super) fn new(mailbox: Arc<Mailbox<A>>, scope: Rc<Scope>) -> Self {
        Self { mailbox, scope }
    }
}

impl<A: Actor<Context = Context<A>>> ActorFuture<A> for Gate<A> {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut A,
        ctx: &mut Context<A>,
        _: &mut Task<'_>,
    ) -> Poll<()> {
        loop {
            match self.mailbox.next_probe() {
                Ok(Some(probe)) => {
                    self.scope.place.set(Place::Handler);
                    self.scope.message.set(Some("signal"));
                    probe(actor, ctx);
                }
                Ok(None) => return Poll::Pending,
                Err(crate::mailbox::Resumed) => return Poll::Ready(()),
            }
        }
    }
}
