//! A mailbox whose actor's type is not known.

use std::{
    any::{Any, type_name},
    sync::{Arc, atomic::Ordering},
};

use actix::{Actor, Context};
use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, time::Instant};

use super::{Mailbox, OnDown, Order, trace::Tracing};
use crate::{
    actor_ref::ActorRef,
    address::{AskError, Refusal, failed},
    crash,
    exit::ExitReason,
    inspect::{About, ActorId, Current, LastExit, Row, State, Trace},
    link::Exit,
};

/// What can be done with any actor.
pub(crate) trait AnyMailbox: Send + Sync {
    fn about(&self) -> &About;
    fn order(&self, order: Order);
    fn row(&self) -> Row;
    fn state(&self) -> State;
    /// Ends so far.
    fn exits(&self) -> u64;
    /// Whether any life ever came as far as running.
    fn has_run(&self) -> bool;
    /// Waits for the next change of state after the present moment.
    fn changed(&self) -> BoxFuture<'_, ()>;
    fn closed(&self) -> Option<ExitReason>;
    /// Notes a change of state and tells those who wait for one.
    fn enter(&self, state: State);
    /// Closes the queue, and opens it again.
    fn close(&self, reason: ExitReason);
    fn reopen(&self);
    /// Forgets the actor though its thread may still be in it, and ends what it supervises.
    fn abandon(self: Arc<Self>, why: ExitReason);
    fn links(&self) -> Vec<ActorId>;
    /// Notes a link with a peer that has ended so many times.
    fn link(&self, peer: ActorRef, exits: u64) -> Result<(), Refusal>;
    fn unlink(&self, peer: ActorId);
    /// Adds a monitor, or runs it at once if the actor is gone.
    fn monitor(&self, number: u64, monitor: OnDown);
    fn demonitor(&self, number: u64) -> bool;
    /// Notes that this life monitors `target`. False if it is gone or has too many monitors.
    fn watch(&self, number: u64, target: &ActorRef) -> bool;
    /// Forgets that; whether it was so.
    fn unwatch(&self, number: u64) -> bool;
    /// Times the current message from now on, if it is not timed.
    fn stamp(&self);
    fn trace(&self, messages: u32);
    fn traced(&self) -> Option<Trace>;
    fn set_budget_left(&self, restarts: u32);
    fn last_exit(&self) -> Option<ExitReason>;
    /// In how many places of the realm it is found beside the index: by its name, in its groups.
    fn places(&self) -> usize;
    /// Asks the actor to show itself.
    fn show(&self) -> Result<oneshot::Receiver<Result<String, AskError>>, Refusal>;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl dyn AnyMailbox {
    pub(crate) fn id(&self) -> ActorId {
        self.about().id
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        &self.about().path
    }
}

impl<A: Actor<Context = Context<A>>> AnyMailbox for Mailbox<A> {
    fn about(&self) -> &About {
        &self.about
    }

    fn order(&self, order: Order) {
        if let Order::Exit { exits: Some(exits), .. } = &order
            && *exits != self.exits()
        {
            return; // meant for a life that is over
        }
        if let (Order::Exit { from, reason, .. }, Some(trap)) = (&order, self.spec.trap_exits) {
            let exit = Exit { from: *from, reason: reason.clone() };
            // An actor that is gone, or buried in signals, has no use for one more.
            let _ = self.signal(Box::new(move |actor, ctx| trap(actor, exit, ctx)));
            return;
        }
        if matches!(&order, Order::Exit { reason: ExitReason::Normal, .. }) {
            return; // a linked actor's normal end ends nobody else
        }
        let mut inner = self.lock();
        inner.urgent().orders.add(order);
        inner.wake();
    }

    fn row(&self) -> Row {
        self.sweep();
        let now = Instant::now();
        let mut inner = self.lock();
        let oldest = inner.waits_since(now);
        let handling = self.handling.load(Ordering::Relaxed);
        let current = inner.ledger.current(now).filter(|_| handling);
        let ledger = &inner.ledger;
        let age = |at: Instant| now.saturating_duration_since(at);
        Row {
            about: self.about.clone(),
            actor: type_name::<A>(),
            state: inner.state(),
            incarnation: ledger.incarnation,
            exits: ledger.exits,
            budget_left: ledger.budget_left,
            queue_limit: self.spec.queue_limit,
            queued: inner.queue.len(),
            awaiting: self.awaiting(),
            oldest: oldest.map(age),
            high_water: ledger.high_water,
            handled: ledger.handled,
            refused: ledger.refused,
            current: current.map(|(message, at)| Current { message, busy: age(at) }),
            last_exits: ledger
                .last_exits()
                .map(|end| LastExit { reason: end.reason.clone(), ago: age(end.at) })
                .collect(),
            uptime: ledger.since.map(age),
        }
    }

    fn state(&self) -> State {
        self.lock().state()
    }

    fn exits(&self) -> u64 {
        self.lock().ledger.exits
    }

    fn has_run(&self) -> bool {
        self.lock().ledger.has_run
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        let mut changed = Box::pin(self.changed.notified());
        // Counts from now, not from the first poll: no change in between is missed.
        changed.as_mut().enable();
        changed
    }

    fn closed(&self) -> Option<ExitReason> {
        self.lock().closed.as_deref().cloned()
    }

    fn enter(&self, state: State) {
        Mailbox::enter(self, state);
    }

    fn close(&self, reason: ExitReason) {
        Mailbox::close(self, reason);
    }

    fn reopen(&self) {
        Mailbox::reopen(self);
    }

    fn abandon(self: Arc<Self>, why: ExitReason) {
        self.realm.orphan(self.about.id);
        // Its shell, should it come back, finds this first.
        self.order(Order::Discard(why.clone()));
        crate::realm::give_up(&self, why);
    }

    fn links(&self) -> Vec<ActorId> {
        self.lock().watchers.links()
    }

    fn link(&self, peer: ActorRef, exits: u64) -> Result<(), Refusal> {
        let mut inner = self.lock();
        if let Some(reason) = inner.closed.as_deref() {
            return Err(Refusal::NoProc { reason: reason.clone() });
        }
        let retry_after = inner.ledger.time_for(0);
        let linked = inner.watchers.link(peer, exits);
        linked
            .then_some(())
            .ok_or(Refusal::Overloaded { queued: super::watchers::LIMIT, retry_after })
    }

    fn unlink(&self, peer: ActorId) {
        self.lock().watchers.unlink(peer);
    }

    fn monitor(&self, number: u64, monitor: OnDown) {
        let mut inner = self.lock();
        let refused = match &inner.closed {
            Some(_) => Some(monitor),
            None => inner.watchers.monitor(number, monitor).err(),
        };
        drop(inner);
        if let Some(monitor) = refused {
            monitor(self.about.id, ExitReason::NoProc);
        }
    }

    fn demonitor(&self, number: u64) -> bool {
        self.lock().watchers.demonitor(number)
    }

    fn watch(&self, number: u64, target: &ActorRef) -> bool {
        let mut inner = self.lock();
        inner.closed.is_none() && inner.watchers.watch(number, target)
    }

    fn unwatch(&self, number: u64) -> bool {
        self.lock().watchers.unwatch(number)
    }

    fn stamp(&self) {
        self.lock().ledger.current(Instant::now());
    }

    fn trace(&self, messages: u32) {
        self.lock().ledger.tracing = Some(Box::new(Tracing::of(messages)));
    }

    fn traced(&self) -> Option<Trace> {
        self.lock().ledger.tracing.as_ref().map(|tracing| tracing.show(Instant::now()))
    }

    fn set_budget_left(&self, restarts: u32) {
        self.lock().ledger.budget_left = Some(restarts);
    }

    fn last_exit(&self) -> Option<ExitReason> {
        self.lock().ledger.last_exit()
    }

    fn places(&self) -> usize {
        let groups: std::collections::HashSet<_> = self.spec.groups.iter().collect();
        usize::from(self.spec.name.is_some()) + groups.len()
    }

    fn show(&self) -> Result<oneshot::Receiver<Result<String, AskError>>, Refusal> {
        let (tell, shown) = oneshot::channel();
        let (show, realm) = (self.spec.show, self.realm.clone());
        self.probe(Box::new(move |actor, _| {
            let show = || show.map_or_else(|| type_name::<A>().to_owned(), |show| show(actor));
            let text = crash::catch(show).map_err(|caught| failed(&realm, caught));
            let _ = tell.send(text); // nobody waits any more: nothing to show
        }))?;
        Ok(shown)
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
