//! The address of a supervised actor: the only way to send to it.

mod ask;
mod error;
mod look;
mod recipient;

use std::{fmt, sync::Arc};

use actix::{Actor, Context, Handler, Message};
use tokio::sync::oneshot;

pub use ask::Ask;
pub(crate) use error::Fate;
pub use error::{AskError, Refusal, Unsent};
pub(crate) use look::{answered, failed};
pub use recipient::Recipient;

use crate::{actor_ref::ActorRef, exit::ExitReason, inspect::ActorId, mailbox::Mailbox};

/// The address of an actor. It stays good across restarts, and every clone of it counts towards
/// the same limit.
pub struct Address<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
}

impl<A: Actor<Context = Context<A>>> Address<A> {
    pub(crate) fn new(mailbox: Arc<Mailbox<A>>) -> Self {
        Self { mailbox }
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox<A>> {
        &self.mailbox
    }

    /// Sends a message and does not wait for what comes of it.
    ///
    /// # Errors
    /// The message, given back, and why it was refused.
    pub fn tell<M>(&self, message: M) -> Result<(), Unsent<M>>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        self.mailbox.post(message, None).map(drop)
    }

    /// Sends a message and waits for the answer. The message is sent now, not at the first poll.
    pub fn ask<M>(&self, message: M) -> Ask<A, M::Result>
    where
        M: Message + Send + 'static,
        M::Result: Send + 'static,
        A: Handler<M>,
    {
        let (reply, answer) = oneshot::channel();
        match self.mailbox.post(message, Some(reply)) {
            Ok(ticket) => Ask::sent(self.mailbox.clone(), ticket, answer),
            Err(unsent) => Ask::refused(unsent.refusal),
        }
    }

    /// The one message that a subscriber needs to be able to send.
    pub fn recipient<M>(&self) -> Recipient<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        Recipient::new(self.clone())
    }

    /// The actor, for everything that does not depend on its type.
    #[must_use]
    pub fn actor(&self) -> ActorRef {
        self.mailbox.actor_ref()
    }

    /// The actor's number, unique in its realm.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.actor().id()
    }

    /// Why the actor is gone for good, once it is.
    #[must_use]
    pub fn closed(&self) -> Option<ExitReason> {
        self.actor().closed()
    }
}

impl<A: Actor<Context = Context<A>>> Clone for Address<A> {
    fn clone(&self) -> Self {
        Self { mailbox: self.mailbox.clone() }
    }
}

impl<A: Actor<Context = Context<A>>> PartialEq for Address<A> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mailbox, &other.mailbox)
    }
}

impl<A: Actor<Context = Context<A>>> Eq for Address<A> {}

impl<A: Actor<Context = Context<A>>> fmt::Debug for Address<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.actor().path()).finish()
    }
}
