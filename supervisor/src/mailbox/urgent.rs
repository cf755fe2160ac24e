//! What comes before an actor's messages: orders, inspections and signals.

use std::collections::VecDeque;

use actix::{Actor, Context};

use super::{Orders, Signal};

/// The lanes beside the queue. An actor has them only while something waits in one: so an idle
/// actor is small, and a message pays for one look.
pub(super) struct Urgent<A: Actor<Context = Context<A>>> {
    pub(super) orders: Orders,
    /// Bounded by the spec's queue limit.
    pub(super) probes: VecDeque<Signal<A>>,
    /// Bounded by the links and monitors that an actor may have.
    pub(super) signals: VecDeque<Signal<A>>,
}

impl<A: Actor<Context = Context<A>>> Urgent<A> {
    pub(super) fn is_empty(&self) -> bool {
        !self.orders.pending() && self.probes.is_empty() && self.signals.is_empty()
    }
}

impl<A: Actor<Context = Context<A>>> Default for Urgent<A> {
    fn default() -> Self {
        Self { orders: Orders::default(), probes: VecDeque::new(), signals: VecDeque::new() }
    }
}
