//! What the mailbox's lock guards.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use actix::{Actor, Context};
use tokio::time::Instant;

use super::{Envelope, Ledger, Orders, Queued, Signal, Watchers};
use crate::{crash::Crash, exit::ExitReason};

/// A queue that has grown past this many places gives the memory back when it is empty.
const SHRINK_ABOVE: usize = 64;

pub(super) struct Inner<A: Actor<Context = Context<A>>> {
    /// Why nothing is accepted any more, once that is so.
    pub(super) closed: Option<ExitReason>,
    pub(super) queue: VecDeque<Queued<A>>,
    /// Bounded by the links and monitors that an actor may have.
    pub(super) signals: VecDeque<Signal<A>>,
    /// Bounded by the spec's queue limit.
    pub(super) probes: VecDeque<Signal<A>>,
    pub(super) orders: Orders,
    pub(super) suspended: bool,
    pub(super) waker: Option<Waker>,
    tickets: u64,
    pub(super) failed_calls: VecDeque<(u64, Arc<Crash>)>,
    pub(super) watchers: Watchers,
    pub(super) ledger: Ledger,
}

/// What the pump does next.
pub(crate) enum Next<A: Actor<Context = Context<A>>> {
    Probe(Signal<A>),
    Signal(Signal<A>),
    Message(Queued<A>),
    /// Control comes first: go back to the shell.
    Ordered,
    Empty,
}

/// The actor is no longer suspended.
pub(crate) struct Resumed;

/// By which a message's fate is found.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(super) number: u64,
    /// Deaths of the actor before the message was queued.
    pub(super) exits: u64,
}

impl<A: Actor<Context = Context<A>>> Inner<A> {
    pub(super) fn new() -> Self {
        Self {
            closed: None,
            queue: VecDeque::new(),
            signals: VecDeque::new(),
            probes: VecDeque::new(),
            orders: Orders::default(),
            suspended: false,
            waker: None,
            tickets: 0,
            failed_calls: VecDeque::new(),
            watchers: Watchers::default(),
            ledger: Ledger::default(),
        }
    }

    pub(super) fn push(&mut self, envelope: Box<dyn Envelope<A>>) -> Ticket {
        self.tickets += 1;
        let number = self.tickets;
        // Most queues are empty and at once empty again: only what waits is worth a clock reading.
        let at = (!self.queue.is_empty()).then(Instant::now);
        self.queue.push_back(Queued { envelope, ticket: number, at });
        self.ledger.high_water = self.ledger.high_water.max(self.queue.len());
        Ticket { number, exits: self.ledger.exits }
    }

    pub(super) fn choose(&mut self, now: Instant) -> Next<A> {
        if self.orders.pending() {
            return Next::Ordered;
        }
        if let Some(probe) = self.probes.pop_front() {
            return Next::Probe(probe);
        }
        if self.suspended {
            return Next::Empty;
        }
        if let Some(signal) = self.signals.pop_front() {
            return Next::Signal(signal);
        }
        let Some(queued) = self.queue.pop_front() else { return Next::Empty };
        if self.queue.is_empty() && self.queue.capacity() > SHRINK_ABOVE {
            self.queue = VecDeque::new();
        }
        self.ledger.begin(queued.envelope.name(), now);
        Next::Message(queued)
    }

    /// Since when the first message has waited; from now on, if nobody has looked before.
    pub(super) fn waits_since(&mut self, now: Instant) -> Option<Instant> {
        self.queue.front_mut().map(|first| *first.at.get_or_insert(now))
    }

    pub(super) fn wake(&mut self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}
