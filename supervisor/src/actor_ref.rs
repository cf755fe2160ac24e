//! An actor whose type is not known: everything that can be done with any actor.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use actix::{Actor, Context};

use crate::{
    address::{Address, AskError, Refusal, answered},
    exit::ExitReason,
    inspect::{ActorId, Row, State, Trace},
    mailbox::{AnyMailbox, Mailbox, Order},
};

/// A reference to an actor of any type.
///
/// Control overtakes the actor's messages: it takes effect after the handler that is running now,
/// in the order kill, exit signals, shutdown, suspend.
#[derive(Clone)]
pub struct ActorRef {
    mailbox: Arc<dyn AnyMailbox>,
}

/// An [`ActorRef`] that keeps nothing in memory.
pub(crate) struct WeakRef(Weak<dyn AnyMailbox>);

impl WeakRef {
    pub(crate) fn upgrade(&self) -> Option<ActorRef> {
        self.0.upgrade().map(|mailbox| ActorRef { mailbox })
    }
}

impl ActorRef {
    pub(crate) fn downgrade(&self) -> WeakRef {
        WeakRef(Arc::downgrade(&self.mailbox))
    }

    pub(crate) fn new<A: Actor<Context = Context<A>>>(mailbox: Arc<Mailbox<A>>) -> Self {
        Self { mailbox }
    }

    pub(crate) fn mailbox(&self) -> &(dyn AnyMailbox + 'static) {
        &*self.mailbox
    }

    /// The actor's number, unique in its realm.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.mailbox.id()
    }

    /// Its ancestors from the root, and its own name, with slashes between.
    #[must_use]
    pub fn path(&self) -> Arc<str> {
        self.mailbox.path().clone()
    }

    /// Its address, if it is an `A`.
    #[must_use]
    pub fn address<A: Actor<Context = Context<A>>>(&self) -> Option<Address<A>> {
        self.mailbox.clone().as_any().downcast::<Mailbox<A>>().ok().map(Address::new)
    }

    /// Ends the actor after the handler that is running. No hook runs, nothing can trap it.
    pub fn kill(&self) {
        self.mailbox.order(Order::Kill);
    }

    /// Asks the actor to end; its hooks run. It has no limit: [`ActorRef::kill`] when time is up.
    pub fn shutdown(&self) {
        self.mailbox.order(Order::Shutdown);
    }

    /// Makes the actor keep its messages waiting; its timers and futures wait too.
    pub fn suspend(&self) {
        self.mailbox.order(Order::Suspend);
    }

    /// Ends a suspension.
    pub fn resume(&self) {
        self.mailbox.order(Order::Resume);
    }

    /// Reports the next `messages` messages, each with its time, as lifecycle events, and remembers
    /// the last 256 of them for [`ActorRef::traced`]. What an earlier trace has seen is forgotten.
    pub fn trace(&self, messages: u32) {
        self.mailbox.trace(messages);
    }

    /// What the last [`ActorRef::trace`] has seen so far; none if nobody has asked for one.
    #[must_use]
    pub fn traced(&self) -> Option<Trace> {
        self.mailbox.traced()
    }

    /// What the actor shows of its state, also while it is suspended; see [`crate::Show`].
    ///
    /// # Errors
    /// When the actor is gone, or ends before it gets there.
    pub async fn show(&self) -> Result<String, AskError> {
        let exits = self.exits();
        answered(self, exits, self.mailbox.show()?).await
    }

    /// Ends of the actor so far.
    pub(crate) fn exits(&self) -> u64 {
        self.mailbox.exits()
    }

    /// Waits for the end after so many, and says how it was.
    pub(crate) async fn end_after(&self, exits: u64) -> ExitReason {
        loop {
            let changed = self.mailbox.changed();
            if self.exits() > exits || self.closed().is_some() {
                return self.fate();
            }
            changed.await;
        }
    }

    /// What is known of the actor, without asking it.
    #[must_use]
    pub fn row(&self) -> Row {
        self.mailbox.row()
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.mailbox.state()
    }

    /// Why the actor is gone for good, once it is.
    #[must_use]
    pub fn closed(&self) -> Option<ExitReason> {
        self.mailbox.closed()
    }

    /// How it last ended.
    #[must_use]
    pub fn last_exit(&self) -> Option<ExitReason> {
        self.mailbox.last_exit()
    }

    /// Waits until `until` holds of its state, looking at every change.
    pub async fn reaches(&self, until: impl Fn(State) -> bool) -> State {
        loop {
            let changed = self.mailbox.changed();
            let state = self.mailbox.state();
            if until(state) || state == State::Gone {
                return state;
            }
            changed.await;
        }
    }

    /// Gives the actor up with all that it supervises: whoever waits for it hears so now.
    pub(crate) fn abandon(&self, why: ExitReason) {
        self.mailbox.clone().abandon(why);
    }

    pub(crate) fn fate(&self) -> ExitReason {
        self.closed().or_else(|| self.last_exit()).unwrap_or(ExitReason::NoProc)
    }

    /// Sends an exit signal, as if a linked actor had ended.
    ///
    /// # Errors
    /// When the actor is gone.
    pub fn exit(&self, from: ActorId, reason: ExitReason) -> Result<(), Refusal> {
        if let Some(reason) = self.closed() {
            return Err(Refusal::NoProc { reason });
        }
        self.mailbox.order(Order::Exit { from, reason, exits: None });
        Ok(())
    }
}

impl PartialEq for ActorRef {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mailbox, &other.mailbox)
    }
}

impl fmt::Debug for ActorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActorRef").field(&self.path()).finish()
    }
}
