//! An address that is good for one message only, and does not tell whose it is.

use std::{fmt, sync::Arc};

use actix::{Actor, Context, Handler, Message};
use futures_util::future::BoxFuture;

use super::{Address, AskError, Unsent};
use crate::actor_ref::ActorRef;

/// Who takes messages of one type.
pub struct Recipient<M: Message + Send>
where
    M::Result: Send,
{
    receiver: Arc<dyn Receives<M>>,
}

trait Receives<M: Message + Send>: Send + Sync
where
    M::Result: Send,
{
    fn tell(&self, message: M) -> Result<(), Unsent<M>>;
    fn ask(&self, message: M) -> BoxFuture<'static, Result<M::Result, AskError>>;
    fn actor(&self) -> ActorRef;
}

impl<A, M> Receives<M> for Address<A>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn tell(&self, message: M) -> Result<(), Unsent<M>> {
        Address::tell(self, message)
    }

    fn ask(&self, message: M) -> BoxFuture<'static, Result<M::Result, AskError>> {
        Box::pin(Address::ask(self, message))
    }

    fn actor(&self) -> ActorRef {
        Address::actor(self)
    }
}

impl<M> Recipient<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    pub(super) fn new<A>(address: Address<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<M>,
    {
        Self { receiver: Arc::new(address) }
    }

    /// As [`Address::tell`].
    ///
    /// # Errors
    /// The message, given back, and why it was refused.
    pub fn tell(&self, message: M) -> Result<(), Unsent<M>> {
        self.receiver.tell(message)
    }

    /// As [`Address::ask`].
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn ask(&self, message: M) -> BoxFuture<'static, Result<M::Result, AskError>> {
        self.receiver.ask(message)
    }

    /// The actor behind it.
    #[must_use]
    pub fn actor(&self) -> ActorRef {
        self.receiver.actor()
    }
}

impl<M: Message + Send> Clone for Recipient<M>
where
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.clone() }
    }
}

impl<M: Message + Send> fmt::Debug for Recipient<M>
where
    M::Result: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recipient").field(&self.receiver.actor().path()).finish()
    }
}
