//! A message on its way, with where to send the answer.

use std::any::type_name;

use actix::{Actor, Context, Handler, Message, dev::MessageResponse};
use tokio::{sync::oneshot, time::Instant};

use crate::address::{Refusal, Unsent};

/// A message whose type only its handler knows.
pub(crate) trait Envelope<A: Actor>: Send {
    /// Hands the message to the actor. A panic leaves the reply inside, so that whoever drops the
    /// envelope decides when the caller hears of it.
    fn open(&mut self, actor: &mut A, ctx: &mut A::Context);

    /// The type of the message.
    fn name(&self) -> &'static str;

    /// Whether somebody waits for the answer.
    fn asked(&self) -> bool;
}

/// An envelope in the queue.
pub(super) struct Queued<A: Actor> {
    pub(super) envelope: Box<dyn Envelope<A>>,
    pub(super) ticket: u64,
    /// When it came; none for the first in an empty queue, until somebody looks.
    pub(super) at: Option<Instant>,
}

/// An envelope out of the queue.
pub(crate) struct Opened<A: Actor> {
    pub(crate) envelope: Box<dyn Envelope<A>>,
    pub(crate) ticket: u64,
    /// Its end is to be timed.
    pub(crate) timed: bool,
    /// Another one waits behind it.
    pub(crate) more: bool,
}

pub(crate) struct Letter<M: Message> {
    message: Option<M>,
    reply: Option<oneshot::Sender<M::Result>>,
}

impl<M: Message> Letter<M> {
    pub(crate) fn new(message: M, reply: Option<oneshot::Sender<M::Result>>) -> Self {
        Self { message: Some(message), reply }
    }

    pub(crate) fn unsent(self, refusal: Refusal) -> Unsent<M> {
        Unsent { message: self.message, refusal }
    }
}

impl<A, M> Envelope<A> for Letter<M>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message + Send,
    M::Result: Send,
{
    fn open(&mut self, actor: &mut A, ctx: &mut Context<A>) {
        if let Some(message) = self.message.take() {
            let response = actor.handle(message, ctx);
            response.handle(ctx, self.reply.take());
        }
    }

    fn name(&self) -> &'static str {
        type_name::<M>()
    }

    fn asked(&self) -> bool {
        self.reply.is_some()
    }
}

/// A message that came by the actor's actix address, which does not tell its type.
impl<A: Actor> Envelope<A> for actix::dev::Envelope<A> {
    fn open(&mut self, actor: &mut A, ctx: &mut A::Context) {
        actix::dev::EnvelopeProxy::handle(self, actor, ctx);
    }

    fn name(&self) -> &'static str {
        "by actix address"
    }

    /// Not by us: its asker looks at actix's channel.
    fn asked(&self) -> bool {
        false
    }
}
