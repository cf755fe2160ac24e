//! What is let into the mailbox, and what became of it.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix::{Actor, Context};
use tokio::sync::oneshot;

use super::{Envelope, Inner, Letter, Mailbox, Signal, Ticket, urgent::Urgent};
use crate::{
    address::{Fate, Refusal, Unsent},
    crash::{self, Crash},
};

/// When to try again after the realm's budget was used up: no single actor can tell.
const REALM_RETRY: Duration = Duration::from_millis(50);

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
        if asks && self.awaiting() >= self.spec.queue_limit {
            self.sweep();
        }
        let mut inner = self.inner.lock();
        if let Err(refusal) = self.admit(&inner, asks) {
            inner.ledger.refused += 1;
            drop(inner);
            return Err(letter.unsent(refusal));
        }
        if asks {
            self.awaiting.fetch_add(1, Ordering::Relaxed);
        }
        let ticket = inner.push(letter, self.handling.load(Ordering::Relaxed));
        inner.wake();
        Ok(ticket)
    }

    /// Decides on one more message. Behind another one it takes a unit of the realm's budget.
    fn admit(&self, inner: &Inner<A>, asks: bool) -> Result<(), Refusal> {
        if let Some(reason) = inner.closed.as_deref() {
            return Err(Refusal::NoProc { reason: reason.clone() });
        }
        let overloaded = |queued| {
            let retry_after = inner.ledger.time_for(queued);
            Err(Refusal::Overloaded { queued, retry_after })
        };
        let (queued, awaiting, limit) = (inner.queue.len(), self.awaiting(), self.spec.queue_limit);
        if queued >= limit {
            return overloaded(queued);
        }
        if asks && awaiting >= limit {
            return overloaded(awaiting);
        }
        if queued > 0 && !self.realm.budget().take() {
            return Err(Refusal::Overloaded { queued, retry_after: REALM_RETRY });
        }
        Ok(())
    }

    /// Asks without an answer, those included that were given up and are still worked on.
    pub(super) fn awaiting(&self) -> usize {
        self.awaiting.load(Ordering::Relaxed)
    }

    /// Frees the places of asks that were given up and are over by now.
    pub(super) fn sweep(&self) {
        if self.awaiting() == 0 {
            return;
        }
        let over = self.inner.lock().abandoned.as_mut().map(|asks| asks.take_over());
        let over = over.unwrap_or_default();
        self.awaiting.fetch_sub(over.len(), Ordering::Relaxed);
        for ask in over {
            let _ = crash::catch(move || drop(ask)); // an answer's drop is not ours
        }
    }

    /// Nobody waits for this answer any more: takes its message back, if the actor has not begun.
    pub(crate) fn abandon<T: Send + 'static>(&self, ticket: Ticket, answer: oneshot::Receiver<T>) {
        let mut inner = self.inner.lock();
        let Some(withdrawn) = inner.withdraw(ticket) else {
            inner.abandoned.get_or_insert_default().add(answer);
            drop(inner);
            return self.sweep();
        };
        let behind_another = !inner.queue.is_empty();
        drop(inner);
        if behind_another {
            self.realm.budget().give_back(1);
        }
        self.answered();
        drop(withdrawn);
    }

    /// Queues an envelope that came by the actor's actix address. Over the limit it is dropped,
    /// which its sender sees as a closed mailbox.
    pub(super) fn absorb(&self, envelope: Box<dyn Envelope<A>>) {
        let mut inner = self.inner.lock();
        if self.admit(&inner, false).is_ok() {
            inner.push(envelope, self.handling.load(Ordering::Relaxed));
            inner.wake();
        } else {
            inner.ledger.refused += 1;
            drop(inner);
            drop(envelope);
        }
    }

    /// The asker of a ticket has its answer.
    pub(crate) fn answered(&self) {
        self.awaiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// What became of a message whose reply was dropped.
    pub(crate) fn fate(&self, ticket: &Ticket) -> Fate {
        let mut inner = self.inner.lock();
        let failed_calls = inner.failed_calls.as_mut();
        if let Some(crash) = failed_calls.and_then(|calls| calls.take(ticket.0)) {
            return Fate::CallPanicked { crash };
        }
        let end = inner.ledger.end_of(ticket.0);
        match end.or_else(|| inner.closed.as_deref().cloned()) {
            Some(reason) => Fate::Down { reason },
            None => Fate::Unanswered,
        }
    }

    /// Notes a call that panicked while its actor lives on, for whoever `asked`.
    pub(crate) fn note_crash(&self, ticket: u64, asked: bool, crash: Crash) {
        let crash = Arc::new(crash);
        self.realm.record(&crash);
        if !asked {
            return;
        }
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
