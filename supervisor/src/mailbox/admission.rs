//! What is let into the mailbox, and what became of it.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

use actix::{Actor, Context};
use tokio::sync::oneshot;

use super::{Envelope, Inner, Letter, Mailbox, Signal, Ticket, urgent::Urgent};
use crate::{
    address::{Fate, Refusal, Unsent},
    crash::Crash,
};

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    /// Queues a message if there is room for it. The ticket tells its fate later.
    ///
    /// # Errors
    /// The message and why it was refused.
    pub(crate) fn post<M>(
        &self,
        message: M,
        reply: Option<oneshot::Sender<M::Result>>,
    ) -> Result<Ticket, Unsent<M>>
    where
        M: actix::Message + Send + 'static,
        M::Result: Send,
        A: actix::Handler<M>,
    {
        let asks = reply.is_some();
        let letter = Box::new(Letter::new(message, reply));
        let mut inner = self.inner.lock();
        if let Err(refusal) = self.admit(&inner, asks) {
            inner.ledger.refused += 1;
            drop(inner);
            return Err(letter.unsent(refusal));
        }
        if asks {
            self.awaiting.fetch_add(1, Ordering::Relaxed);
        }
        let ticket = inner.push(letter);
        inner.wake();
        Ok(ticket)
    }

    /// Decides on one more message. Behind another one it takes a unit of the realm's budget.
    fn admit(&self, inner: &Inner<A>, asks: bool) -> Result<(), Refusal> {
        if let Some(reason) = inner.closed.as_deref() {
            return Err(Refusal::NoProc { reason: reason.clone() });
        }
        let (queued, limit) = (inner.queue.len(), self.spec.queue_limit);
        let full = queued >= limit || (asks && self.awaiting.load(Ordering::Relaxed) >= limit);
        if full || (queued > 0 && !self.realm.budget().take()) {
            let retry_after = inner.ledger.time_for(queued);
            return Err(Refusal::Overloaded { queued, retry_after });
        }
        Ok(())
    }

    /// Queues an envelope that came by the actor's actix address. Over the limit it is dropped,
    /// which its sender sees as a closed mailbox.
    pub(super) fn absorb(&self, envelope: Box<dyn Envelope<A>>) {
        let mut inner = self.inner.lock();
        if self.admit(&inner, false).is_ok() {
            inner.push(envelope);
            inner.wake();
        } else {
            inner.ledger.refused += 1;
            drop(inner);
            drop(envelope);
        }
    }

    /// The asker of a ticket has its answer, or no longer waits for it.
    pub(crate) fn answered(&self) {
        self.awaiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// What became of a message whose reply was dropped.
    pub(crate) fn fate(&self, ticket: &Ticket) -> Fate {
        let mut inner = self.inner.lock();
        let failed_calls = inner.failed_calls.as_mut();
        if let Some(crash) = failed_calls.and_then(|calls| calls.take(ticket.number)) {
            return Fate::CallPanicked { crash };
        }
        let died = inner.ledger.exits > ticket.exits;
        let end = died.then(|| inner.ledger.last_exit()).flatten();
        match end.or_else(|| inner.closed.as_deref().cloned()) {
            Some(reason) => Fate::Down { reason },
            None => Fate::Unanswered,
        }
    }

    /// Notes a call that panicked while its actor lives on.
    pub(crate) fn note_crash(&self, ticket: u64, crash: Arc<Crash>) {
        self.realm.record(&crash);
        self.inner.lock().failed_calls.get_or_insert_default().note(ticket, crash);
    }

    /// Asks the actor to run `probe` before its next message, also while it is suspended.
    ///
    /// # Errors
    /// When the actor is gone or has too many of them waiting.
    pub(crate) fn probe(&self, probe: Signal<A>) -> Result<(), Refusal> {
        self.lane(probe, self.spec.queue_limit, |urgent| &mut urgent.probes)
    }

    /// Asks the actor to run `signal` before its next message, unless it is suspended.
    ///
    /// # Errors
    /// When the actor is gone or has too many of them waiting.
    pub(crate) fn signal(&self, signal: Signal<A>) -> Result<(), Refusal> {
        self.lane(signal, super::watchers::LIMIT, |urgent| &mut urgent.signals)
    }

    fn lane(
        &self,
        signal: Signal<A>,
        limit: usize,
        lane: impl Fn(&mut Urgent<A>) -> &mut VecDeque<Signal<A>>,
    ) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        if let Some(reason) = inner.closed.as_deref() {
            return Err(Refusal::NoProc { reason: reason.clone() });
        }
        let queued = lane(inner.urgent()).len();
        if queued >= limit {
            let retry_after = inner.ledger.time_for(queued);
            return Err(Refusal::Overloaded { queued, retry_after });
        }
        lane(inner.urgent()).push_back(signal);
        inner.wake();
        Ok(())
    }
}
