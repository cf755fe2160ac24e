//! What the mailbox's lock guards.

use std::{collections::VecDeque, task::Waker, time::Duration};

use actix::{Actor, Context};
use tokio::time::Instant;

use super::{
    Envelope, Ledger, Opened, Orders, Queued, Signal, Watchers, abandoned::Abandoned,
    failed::FailedCalls, urgent::Urgent,
};
use crate::{exit::ExitReason, inspect::State};

/// A queue that has grown past this many places gives the memory back when it is empty.
const SHRINK_ABOVE: usize = 64;

pub(super) struct Inner<A: Actor<Context = Context<A>>> {
    /// Why nothing is accepted any more, once that is so.
    pub(super) closed: Option<Box<ExitReason>>,
    pub(super) queue: VecDeque<Queued<A>>,
    urgent: Option<Box<Urgent<A>>>,
    pub(super) suspended: bool,
    pub(super) waker: Option<Waker>,
    /// The shell has been woken and has not looked yet.
    woken: bool,
    tickets: u64,
    /// The number of the last message taken out of the queue.
    opened: u64,
    /// Boxed, as the lanes: few actors have any.
    pub(super) failed_calls: Option<Box<FailedCalls>>,
    pub(super) abandoned: Option<Box<Abandoned>>,
    pub(super) watchers: Watchers,
    pub(super) ledger: Ledger,
}

/// What the pump does next.
pub(crate) enum Next<A: Actor<Context = Context<A>>> {
    Probe(Signal<A>),
    Signal(Signal<A>),
    Message(Opened<A>),
    /// Control comes first: go back to the shell.
    Ordered,
    Empty,
}

/// The actor is no longer suspended.
pub(crate) struct Resumed;

/// By which a message, and its fate, is found: its number in this mailbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(pub(super) u64);

impl<A: Actor<Context = Context<A>>> Inner<A> {
    pub(super) fn new() -> Self {
        Self {
            closed: None,
            queue: VecDeque::new(),
            urgent: None,
            suspended: false,
            waker: None,
            woken: false,
            tickets: 0,
            opened: 0,
            failed_calls: None,
            abandoned: None,
            watchers: Watchers::default(),
            ledger: Ledger::default(),
        }
    }

    /// Queues a message. `handling`: the actor has one in its hands.
    pub(super) fn push(&mut self, envelope: Box<dyn Envelope<A>>, handling: bool) -> Ticket {
        self.tickets += 1;
        let number = self.tickets;
        // Most queues are empty and at once empty again: only what waits is worth a clock reading.
        let waits = handling || !self.queue.is_empty() || self.ledger.state != State::Running;
        let at = waits.then(Instant::now);
        self.queue.push_back(Queued { envelope, ticket: number, at });
        self.ledger.high_water = self.ledger.high_water.max(self.queue.len());
        Ticket(number)
    }

    pub(super) fn choose(&mut self, may: bool) -> Next<A> {
        if let Some(next) = self.choose_urgent() {
            return next;
        }
        if self.suspended || !may {
            return Next::Empty;
        }
        let Some(Queued { envelope, ticket, .. }) = self.queue.pop_front() else {
            return Next::Empty;
        };
        self.opened = ticket;
        let more = !self.queue.is_empty();
        if !more && self.queue.capacity() > SHRINK_ABOVE {
            self.queue = VecDeque::new();
        }
        let timed = self.ledger.begin(envelope.name());
        Next::Message(Opened { envelope, ticket, timed, more })
    }

    /// Takes a message back, if it still waits.
    pub(super) fn withdraw(&mut self, ticket: Ticket) -> Option<Queued<A>> {
        let at = self.queue.binary_search_by_key(&ticket.0, |queued| queued.ticket).ok()?;
        self.queue.remove(at)
    }

    /// Notes the end of a life. What to trace, if it ended in a message that is traced.
    pub(super) fn exit(
        &mut self,
        reason: ExitReason,
        handled: bool,
    ) -> Option<(&'static str, Duration)> {
        let now = Instant::now();
        self.suspended = false;
        let traced = handled.then(|| self.ledger.finish(now)).flatten();
        self.ledger.exit(reason, self.opened, now);
        traced
    }

    fn choose_urgent(&mut self) -> Option<Next<A>> {
        let urgent = self.urgent.as_mut()?;
        if urgent.orders.pending() {
            return Some(Next::Ordered);
        }
        let next = match urgent.probes.pop_front() {
            Some(probe) => Next::Probe(probe),
            None if self.suspended => return None,
            None => Next::Signal(urgent.signals.pop_front()?),
        };
        self.tidy();
        Some(next)
    }

    pub(super) fn pop_probe(&mut self) -> Option<Signal<A>> {
        let probe = self.urgent.as_mut()?.probes.pop_front();
        self.tidy();
        probe
    }

    pub(super) fn take_orders(&mut self) -> Option<Orders> {
        self.woken = false;
        let orders = std::mem::take(&mut self.urgent.as_mut()?.orders);
        self.tidy();
        orders.pending().then_some(orders)
    }

    pub(super) fn urgent(&mut self) -> &mut Urgent<A> {
        self.urgent.get_or_insert_default()
    }

    pub(super) fn take_urgent(&mut self) -> Option<Box<Urgent<A>>> {
        self.urgent.take()
    }

    fn tidy(&mut self) {
        self.urgent.take_if(|urgent| urgent.is_empty());
    }

    /// What the actor is doing, to others: one that left before it was suspended keeps its messages
    /// waiting like any other.
    pub(super) fn state(&self) -> State {
        match (self.ledger.state, self.suspended) {
            (State::Asleep, true) => State::Suspended,
            (state, _) => state,
        }
    }

    /// Whether there is something for the actor itself.
    pub(super) fn mail(&self) -> bool {
        let lanes = |lanes: &Urgent<A>| !lanes.signals.is_empty() || !lanes.probes.is_empty();
        !self.queue.is_empty() || self.urgent.as_deref().is_some_and(lanes)
    }

    /// Whether anything at all waits.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty() || self.urgent.is_some()
    }

    /// Since when the first message has waited; from now on, if nobody has looked before.
    pub(super) fn waits_since(&mut self, now: Instant) -> Option<Instant> {
        self.queue.front_mut().map(|first| *first.at.get_or_insert(now))
    }

    /// Wakes the shell, once until it looks.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = &self.waker
            && !std::mem::replace(&mut self.woken, true)
        {
            waker.wake_by_ref();
        }
    }
}
