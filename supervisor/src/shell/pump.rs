//! Feeds the actor from its mailbox: one message at a time, control between any two.

use std::{
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context as Task, Poll},
};

use actix::{Actor, ActorContext, ActorFuture, AsyncContext, Context};

use crate::{
    crash::{self, Place},
    mailbox::{AnyMailbox, Envelope, Mailbox, Next, Opened, Signal},
    scope::Scope,
};

/// Runs as a future of the actor's context, which is where state and context can be had together.
pub(super) struct Pump<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    scope: Rc<Scope>,
    /// The message in the actor's hands. Not on the stack: a panic must not drop its reply before
    /// the reason is noted.
    open: Option<Box<dyn Envelope<A>>>,
    /// A message has been handled but for a future that the actor waits in.
    unfinished: bool,
}

impl<A: Actor<Context = Context<A>>> Pump<A> {
    pub(super) fn new(mailbox: Arc<Mailbox<A>>, scope: Rc<Scope>) -> Self {
        Self { mailbox, scope, open: None, unfinished: false }
    }

    /// Whether one more message may be in the actor's hands.
    fn may_take(&self) -> bool {
        self.scope.in_flight.get() < self.mailbox.spec().calls_limit()
    }

    fn run(&self, signal: Signal<A>, actor: &mut A, ctx: &mut Context<A>) {
        self.scope.place.set(Place::Handler);
        self.scope.message.set(Some("signal"));
        signal(actor, ctx);
        self.rest(ctx);
    }

    fn handle(&mut self, opened: Opened<A>, actor: &mut A, ctx: &mut Context<A>) {
        self.scope.place.set(Place::Handler);
        self.scope.message.set(Some(opened.envelope.name()));
        self.scope.ticket.set(opened.ticket);
        let asked = opened.envelope.asked();
        let open = self.open.insert(opened.envelope);
        if self.mailbox.spec().concurrent.is_none() {
            open.open(actor, ctx);
        } else if let Err(caught) = crash::catch(|| open.open(actor, ctx)) {
            let crash = self.scope.report(caught);
            self.mailbox.note_crash(opened.ticket, asked, crash);
        }
        self.open = None;
        self.rest(ctx);
        self.unfinished = ctx.waiting();
        if self.unfinished {
            self.mailbox.stamp();
        } else {
            self.mailbox.handled(opened.timed);
        }
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
        if this.scope.retire.take() {
            return Poll::Ready(());
        }
        this.rest(ctx);
        if this.unfinished && !ctx.waiting() {
            this.unfinished = false;
            this.mailbox.handled(true);
        }
        while !ctx.waiting() {
            let Some(left) = this.scope.messages_left.get().checked_sub(1) else {
                task.waker().wake_by_ref();
                break;
            };
            this.scope.messages_left.set(left);
            match this.mailbox.next(this.may_take()) {
                Next::Probe(signal) | Next::Signal(signal) => this.run(signal, actor, ctx),
                Next::Message(opened) => {
                    let more = opened.more;
                    this.handle(opened, actor, ctx);
                    if !more {
                        break; // what comes now wakes the shell
                    }
                }
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
                Err(crate::mailbox::Resumed) => {
                    self.scope.gated.set(false);
                    return Poll::Ready(());
                }
            }
        }
    }
}
