//! What outlives every incarnation of an actor: its identity, its queue and its control lane.
//!
//! One lock guards all of it, held for a few field writes and never across a call of foreign code
//! or an await. So the queue's limit is exact whoever sends and by however many addresses, and a
//! wake-up cannot be lost.

mod erased;
mod ledger;
mod letter;
mod orders;
mod watchers;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
};

use actix::{Actor, Context};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

pub(crate) use erased::AnyMailbox;
pub(crate) use ledger::Ledger;
pub(crate) use letter::{Envelope, Letter, Queued};
pub(crate) use orders::{Order, Orders};
pub(crate) use watchers::{OnDown, Watchers};

use crate::{
    actor_ref::ActorRef,
    address::{Fate, Refusal, Unsent},
    crash::Crash,
    exit::ExitReason,
    inspect::{About, State},
    realm::Realm,
    spec::ActorSpec,
};

/// A queue that has grown past this many places gives the memory back when it is empty.
const SHRINK_ABOVE: usize = 64;
/// Failed calls whose callers have not looked yet; past it the oldest caller hears less detail.
const FAILED_CALLS: usize = 256;

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
    /// Told at every change of state.
    changed: Notify,
}

struct Inner<A: Actor<Context = Context<A>>> {
    /// Why nothing is accepted any more, once that is so.
    closed: Option<ExitReason>,
    queue: VecDeque<Queued<A>>,
    /// Bounded by links and monitors, each of which sends at most one; see [`Watchers`].
    signals: VecDeque<Signal<A>>,
    /// Bounded by the spec's queue limit.
    probes: VecDeque<Signal<A>>,
    orders: Orders,
    suspended: bool,
    waker: Option<Waker>,
    tickets: u64,
    failed_calls: VecDeque<(u64, Arc<Crash>)>,
    watchers: Watchers,
    ledger: Ledger,
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

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    pub(crate) fn new(about: About, spec: Arc<ActorSpec<A>>, realm: Arc<Realm>) -> Arc<Self> {
        Arc::new(Self {
            about,
            spec,
            realm,
            inner: Mutex::new(Inner {
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
            }),
            awaiting: AtomicUsize::new(0),
            changed: Notify::new(),
        })
    }

    pub(crate) fn realm(&self) -> &Arc<Realm> {
        &self.realm
    }

    pub(crate) fn spec(&self) -> &Arc<ActorSpec<A>> {
        &self.spec
    }

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
        let at = Instant::now();
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
        let ticket = inner.push(letter, at);
        inner.wake();
        Ok(ticket)
    }

    /// Decides on one more message, and takes its unit of the realm's budget.
    fn admit(&self, inner: &Inner<A>, asks: bool) -> Result<(), Refusal> {
        if let Some(reason) = &inner.closed {
            return Err(Refusal::NoProc { reason: reason.clone() });
        }
        let (queued, limit) = (inner.queue.len(), self.spec.queue_limit);
        let full = queued >= limit || (asks && self.awaiting.load(Ordering::Relaxed) >= limit);
        if full || !self.realm.budget().take() {
            let retry_after = inner.ledger.time_for(queued);
            return Err(Refusal::Overloaded { queued, retry_after });
        }
        Ok(())
    }

    /// Queues an envelope that came by the actor's actix address. Over the limit it is dropped,
    /// which its sender sees as a closed mailbox.
    pub(crate) fn absorb(&self, envelope: Box<dyn Envelope<A>>) {
        let mut inner = self.inner.lock();
        if self.admit(&inner, false).is_ok() {
            inner.push(envelope, Instant::now());
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
        let failed = inner.failed_calls.iter().position(|(number, _)| *number == ticket.number);
        if let Some((_, crash)) = failed.and_then(|at| inner.failed_calls.remove(at)) {
            return Fate::CallPanicked { crash };
        }
        let died = inner.ledger.exits > ticket.exits;
        match died.then(|| inner.ledger.last_exit()).flatten().or_else(|| inner.closed.clone()) {
            Some(reason) => Fate::Down { reason },
            None => Fate::Unanswered,
        }
    }

    /// Notes a call that panicked while its actor lives on.
    pub(crate) fn note_crash(&self, ticket: u64, crash: Arc<Crash>) {
        self.realm.record(&crash);
        let mut inner = self.inner.lock();
        if inner.failed_calls.len() >= FAILED_CALLS {
            inner.failed_calls.pop_front();
        }
        inner.failed_calls.push_back((ticket, crash));
    }

    /// The next thing for the actor to do; ends the time of the message before.
    pub(crate) fn next(&self) -> Next<A> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        let traced = inner.ledger.finish(now);
        let next = inner.choose(now);
        drop(inner);
        if let Next::Message(_) = &next {
            self.realm.budget().give_back(1);
        }
        if let Some((message, took)) = traced {
            self.realm.emit_traced(&self.about, message, took);
        }
        next
    }

    /// An inspection for a suspended actor, or whether it is suspended no more.
    pub(crate) fn next_probe(&self) -> Result<Option<Signal<A>>, Resumed> {
        let mut inner = self.inner.lock();
        match inner.probes.pop_front() {
            Some(probe) => Ok(Some(probe)),
            None if inner.suspended => Ok(None),
            None => Err(Resumed),
        }
    }

    /// Asks the actor to run `probe` before its next message, also while it is suspended.
    ///
    /// # Errors
    /// When the actor is gone or has too many of them waiting.
    pub(crate) fn probe(&self, probe: Signal<A>) -> Result<(), Refusal> {
        self.lane(probe, |inner| &mut inner.probes)
    }

    /// Asks the actor to run `signal` before its next message, unless it is suspended.
    ///
    /// # Errors
    /// When the actor is gone or has too many of them waiting.
    pub(crate) fn signal(&self, signal: Signal<A>) -> Result<(), Refusal> {
        self.lane(signal, |inner| &mut inner.signals)
    }

    fn lane(
        &self,
        signal: Signal<A>,
        lane: impl Fn(&mut Inner<A>) -> &mut VecDeque<Signal<A>>,
    ) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        if let Some(reason) = &inner.closed {
            return Err(Refusal::NoProc { reason: reason.clone() });
        }
        let queued = lane(&mut inner).len();
        // Links and monitors deliver here and must not be lost, so their bound is the widest.
        if queued >= watchers::LIMIT.max(self.spec.queue_limit) {
            let retry_after = inner.ledger.time_for(queued);
            return Err(Refusal::Overloaded { queued, retry_after });
        }
        lane(&mut inner).push_back(signal);
        inner.wake();
        Ok(())
    }

    /// Takes the orders that wait and leaves word how to wake the shell for the next ones.
    pub(crate) fn take_orders(&self, waker: &Waker) -> Orders {
        let mut inner = self.inner.lock();
        if !inner.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            inner.waker = Some(waker.clone());
        }
        let mail = !inner.queue.is_empty() || !inner.signals.is_empty();
        Orders { mail, ..std::mem::take(&mut inner.orders) }
    }

    /// Whether the actor could leave without anybody noticing, and since when it has been idle.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let inner = self.inner.lock();
        let busy = !inner.queue.is_empty()
            || !inner.signals.is_empty()
            || !inner.probes.is_empty()
            || self.awaiting.load(Ordering::Relaxed) > 0;
        if busy { None } else { inner.ledger.idle_since() }
    }

    pub(crate) fn suspend(&self, suspended: bool) {
        self.inner.lock().suspended = suspended;
        self.enter(if suspended { State::Suspended } else { State::Running });
    }

    /// Notes a change of state and tells those who wait for one.
    pub(crate) fn enter(&self, state: State) {
        self.inner.lock().ledger.enter(state, Instant::now());
        self.changed.notify_waiters();
    }

    /// Notes that the start is complete. An actor that is already on its way out stays so.
    pub(crate) fn started(&self) {
        let stopping = self.inner.lock().ledger.state == State::Stopping;
        self.enter(State::Running);
        if stopping {
            self.enter(State::Stopping);
        }
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
        inner.ledger.exit(reason.clone(), Instant::now());
        inner.suspended = false;
        std::mem::take(&mut inner.watchers)
    }

    /// Accepts nothing more, and drops what is queued.
    pub(crate) fn close(&self, reason: ExitReason) {
        let mut inner = self.inner.lock();
        inner.closed = Some(reason);
        let queue = std::mem::take(&mut inner.queue);
        let lanes = (std::mem::take(&mut inner.signals), std::mem::take(&mut inner.probes));
        drop(inner);
        self.realm.budget().give_back(queue.len());
        // Outside the lock: a message's own drop may send to this very mailbox. Each on its own:
        // a message whose drop panics must not take the others' wake-ups with it.
        for queued in queue {
            let _ = crate::crash::catch(move || drop(queued));
        }
        drop(lanes);
    }

    /// Accepts messages again.
    pub(crate) fn reopen(&self) {
        self.inner.lock().closed = None;
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

/// The actor is no longer suspended.
pub(crate) struct Resumed;

/// By which a message's fate is found.
#[derive(Debug)]
pub(crate) struct Ticket {
    number: u64,
    /// Deaths of the actor before the message was queued.
    exits: u64,
}

impl<A: Actor<Context = Context<A>>> Inner<A> {
    fn push(&mut self, envelope: Box<dyn Envelope<A>>, at: Instant) -> Ticket {
        self.tickets += 1;
        let number = self.tickets;
        self.queue.push_back(Queued { envelope, ticket: number, at });
        self.ledger.high_water = self.ledger.high_water.max(self.queue.len());
        Ticket { number, exits: self.ledger.exits }
    }

    fn choose(&mut self, now: Instant) -> Next<A> {
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

    fn wake(&mut self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Mailbox<A> {
    fn drop(&mut self) {
        let left = self.inner.get_mut().queue.len();
        self.realm.budget().give_back(left);
    }
}
