//! What outlives every incarnation of an actor: its identity, its queue and its control lane.
//!
//! One lock guards all of it, held for a few field writes and never across a call of foreign code
//! or an await. So the queue's limit is exact whoever sends and by however many addresses, and a
//! wake-up cannot be lost.

mod abandoned;
mod admission;
mod erased;
mod failed;
mod inner;
mod ledger;
mod letter;
mod orders;
mod raw;
mod trace;
mod urgent;
mod watchers;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Waker,
};

use actix::{Actor, Context};
use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, time::Instant};

pub(crate) use erased::AnyMailbox;
use inner::Inner;
pub(crate) use inner::{Next, Resumed, Ticket};
use ledger::Ledger;
use letter::Queued;
pub(crate) use letter::{Envelope, Letter, Opened};
pub(crate) use orders::{Order, Orders};
use raw::Raw;
pub(crate) use watchers::{OnDown, Watchers};

use crate::{
    actor_ref::ActorRef,
    exit::ExitReason,
    inspect::{About, State},
    realm::Realm,
    spec::ActorSpec,
};

/// Something that the actor runs with its state in hand: an exit signal, a `Down`, an inspection.
pub(crate) type Signal<A> = Box<dyn FnOnce(&mut A, &mut Context<A>) + Send>;

/// The mailbox of one actor.
pub(crate) struct Mailbox<A: Actor<Context = Context<A>>> {
    about: About,
    spec: Arc<ActorSpec<A>>,
    realm: Arc<Realm>,
    inner: Mutex<Inner<A>>,
    /// Asks that have no answer yet, queued or in the actor's hands.
    awaiting: AtomicUsize,
    /// The ledger's current message is in the actor's hands. Only the shell writes it, and readers
    /// look at nothing else by it: so most messages end without the lock.
    handling: AtomicBool,
    raw: Raw<A>,
    /// Told at every change of state.
    changed: Notify,
}

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    pub(crate) fn new(about: About, spec: Arc<ActorSpec<A>>, realm: Arc<Realm>) -> Arc<Self> {
        Arc::new(Self {
            about,
            spec,
            realm,
            inner: Mutex::new(Inner::new()),
            awaiting: AtomicUsize::new(0),
            handling: AtomicBool::new(false),
            raw: Raw::default(),
            changed: Notify::new(),
        })
    }

    pub(crate) fn realm(&self) -> &Arc<Realm> {
        &self.realm
    }

    pub(crate) fn spec(&self) -> &Arc<ActorSpec<A>> {
        &self.spec
    }

    /// The next thing for the actor to do; a message only if one more `may` be in its hands.
    pub(crate) fn next(&self, may: bool) -> Next<A> {
        let next = self.inner.lock().choose(may);
        if let Next::Message(opened) = &next {
            self.handling.store(true, Ordering::Relaxed);
            if opened.more {
                self.realm.budget().give_back(1);
            }
        }
        next
    }

    /// The message that `next` gave has been handled.
    pub(crate) fn handled(&self, timed: bool) {
        self.handling.store(false, Ordering::Relaxed);
        if !timed {
            return;
        }
        let traced = self.inner.lock().ledger.finish(Instant::now());
        if let Some((message, took)) = traced {
            self.realm.emit_traced(&self.about, message, took);
        }
    }

    /// An inspection for a suspended actor, or whether it is suspended no more.
    pub(crate) fn next_probe(&self) -> Result<Option<Signal<A>>, Resumed> {
        let mut inner = self.inner.lock();
        match inner.pop_probe() {
            Some(probe) => Ok(Some(probe)),
            None if inner.suspended => Ok(None),
            None => Err(Resumed),
        }
    }

    /// Takes the orders that wait, and whether there is mail; leaves word how to wake the shell for
    /// what comes next.
    pub(crate) fn take_orders(&self, waker: &Waker) -> (Option<Orders>, bool) {
        let mut inner = self.inner.lock();
        if !inner.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            inner.waker = Some(waker.clone());
        }
        if inner.suspended {
            inner.waits_since(Instant::now());
        }
        (inner.take_orders(), inner.mail())
    }

    pub(crate) fn handled_so_far(&self) -> u64 {
        self.inner.lock().ledger.handled
    }

    /// Messages handled so far, if the actor could leave without anybody noticing.
    pub(crate) fn idle_at(&self) -> Option<u64> {
        self.sweep();
        let inner = self.inner.lock();
        // A message that the actor waits in (`ctx.wait`) is still the current one.
        let busy = self.handling.load(Ordering::Relaxed)
            || inner.has_work()
            || inner.suspended
            || self.awaiting() > 0;
        (!busy).then_some(inner.ledger.handled)
    }

    /// Holds what comes, or lets it through again.
    pub(crate) fn suspend(&self, suspended: bool) {
        let mut inner = self.inner.lock();
        inner.suspended = suspended;
        inner.ledger.suspend(suspended);
        drop(inner);
        self.changed.notify_waiters();
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.inner.lock().suspended
    }

    /// Notes a change of state and tells those who wait for one.
    pub(crate) fn enter(&self, state: State) {
        self.inner.lock().ledger.enter(state, Instant::now());
        self.changed.notify_waiters();
    }

    /// Notes that the start is complete.
    pub(crate) fn started(&self) {
        let mut inner = self.inner.lock();
        let suspended = inner.suspended;
        inner.ledger.started();
        inner.ledger.suspend(suspended);
        drop(inner);
        self.changed.notify_waiters();
    }

    /// Notes that another life begins.
    pub(crate) fn begin_life(&self) {
        self.inner.lock().ledger.incarnation += 1;
        self.enter(State::Starting);
    }

    /// Notes how an incarnation ended, before its state is dropped: a caller whose reply is dropped
    /// with it must find the reason. Gives back whom to tell.
    pub(crate) fn note_exit(&self, reason: &ExitReason) -> Watchers {
        let mut inner = self.inner.lock();
        let handled = self.handling.swap(false, Ordering::Relaxed);
        let traced = inner.exit(reason.clone(), handled);
        let watchers = std::mem::take(&mut inner.watchers);
        drop(inner);
        self.changed.notify_waiters();
        if let Some((message, took)) = traced {
            self.realm.emit_traced(&self.about, message, took);
        }
        watchers
    }

    /// Accepts nothing more, and drops what is queued.
    pub(crate) fn close(&self, reason: ExitReason) {
        let mut inner = self.inner.lock();
        inner.closed = Some(Box::new(reason));
        let queue = std::mem::take(&mut inner.queue);
        let lanes = inner.take_urgent();
        drop(inner);
        self.detach();
        self.realm.budget().give_back(behind_first(&queue));
        // Outside the lock: a message's own drop may send to this very mailbox. Each on its own:
        // a message whose drop panics must not take the others' wake-ups with it.
        for queued in queue {
            let _ = crate::crash::catch(move || drop(queued));
        }
        for signal in
            lanes.into_iter().flat_map(|lanes| lanes.probes.into_iter().chain(lanes.signals))
        {
            let _ = crate::crash::catch(move || drop(signal));
        }
    }

    /// Closes the mailbox of a sleeping actor that nothing waits for. False if it is needed, as one
    /// that is suspended is: another in its place would not be.
    pub(crate) fn retire(&self, reason: ExitReason) -> bool {
        let mut inner = self.inner.lock();
        let retires = inner.state() == State::Asleep && !inner.has_work();
        if retires {
            inner.closed = Some(Box::new(reason));
        }
        retires
    }

    /// Accepts messages again.
    pub(crate) fn reopen(&self) {
        self.inner.lock().closed = None;
    }

    /// Which life this is, from 1.
    pub(crate) fn incarnation(&self) -> u64 {
        self.inner.lock().ledger.incarnation
    }

    pub(crate) fn has_mail(&self) -> bool {
        !self.inner.lock().queue.is_empty()
    }

    pub(crate) fn take_watchers(&self) -> Watchers {
        let mut inner = self.inner.lock();
        // The shell is gone: nothing is left to wake.
        inner.waker = None;
        std::mem::take(&mut inner.watchers)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<A>> {
        self.inner.lock()
    }

    pub(crate) fn actor_ref(self: &Arc<Self>) -> ActorRef {
        ActorRef::new(self.clone())
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Mailbox<A> {
    fn drop(&mut self) {
        let left = behind_first(&self.inner.get_mut().queue);
        self.realm.budget().give_back(left);
    }
}

/// Messages of a queue that the realm's budget counts.
fn behind_first<A: Actor>(queue: &VecDeque<Queued<A>>) -> usize {
    queue.len().saturating_sub(1)
}
