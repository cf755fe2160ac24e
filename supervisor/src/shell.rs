//! The shell: the future that an actor lives in.
//!
//! It owns the actor's `ContextFut` and polls it inside `catch_unwind`, so a panic ends neither the
//! task nor the queue. In one turn, in this order: orders (discard > kill > exit signal > shutdown
//! > suspend), the calls of a concurrent actor, then the actor itself, message by message.
//!
//! | Phase | What is there | Leaves by |
//! |---|---|---|
//! | vacant | mailbox | an order to begin, a message if asleep, an order to discard |
//! | living | mailbox, state | its end: state dropped, reason noted, everybody told |
//!
//! A life that ends by panic or kill is dropped without running a hook: the context is terminated
//! first, so that actix's own drop does not poll half-changed state.

mod call;
mod life;
mod pump;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll},
    time::Duration,
};

use actix::{Actor, Context};
use tokio::time::{Sleep, sleep};

pub(crate) use call::Call;
pub use call::Concurrent;
use life::{Life, Turn};

use crate::{
    actor_ref::ActorRef,
    event::Happening,
    exit::ExitReason,
    inspect::{ActorId, State},
    mailbox::{AnyMailbox, Mailbox, Order, Orders},
    realm::Realm,
    scheduler::Seat,
    spec::StartError,
};

/// What a shell tells its actor's supervisor.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Started,
    Ignored,
    StartFailed(ExitReason),
    Exited(ExitReason),
    /// Left because nobody needed it; it wakes by itself.
    Slept,
    /// Its thread has ended: the mailbox is closed and has no shell that could begin again.
    Lost,
}

/// Where a shell tells its changes. Never blocks, never panics.
pub(crate) type Tell = Arc<dyn Fn(ActorId, Change) + Send + Sync>;

/// The future that an actor lives in.
pub(crate) struct Shell<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    realm: Arc<Realm>,
    tell: Option<Tell>,
    phase: Phase<A>,
    /// Until when an idle actor is waited for.
    idle: Option<Pin<Box<Sleep>>>,
    seat: Option<Seat>,
    finished: bool,
}

enum Phase<A: Actor<Context = Context<A>>> {
    Vacant {
        begin: Option<Pin<Box<Sleep>>>,
        asleep: bool,
    },
    /// Boxed: an actor that is asleep is small.
    Living(Box<Life<A>>),
}

enum Flow {
    Again,
    Wait,
    Done,
}

impl<A: Actor<Context = Context<A>>> Shell<A> {
    pub(crate) fn new(
        mailbox: Arc<Mailbox<A>>,
        realm: Arc<Realm>,
        tell: Option<Tell>,
        seat: Option<Seat>,
    ) -> Self {
        let phase = Phase::Vacant { begin: None, asleep: false };
        Self { mailbox, realm, tell, phase, idle: None, seat, finished: false }
    }

    fn turn(&mut self, orders: Option<Orders>, mail: bool, cx: &mut Task<'_>) -> Flow {
        let ordered = orders.and_then(|mut orders| match orders.discard.take() {
            Some(reason) => Some(self.discard(reason)),
            None if matches!(self.phase, Phase::Vacant { .. }) => self.obey_vacant(&orders),
            None => self.obey_living(orders),
        });
        match (ordered, &self.phase) {
            (Some(flow), _) => flow,
            (None, Phase::Vacant { .. }) => self.vacant(mail, cx),
            (None, Phase::Living(_)) => self.living(cx),
        }
    }

    fn discard(&mut self, reason: ExitReason) -> Flow {
        if matches!(self.phase, Phase::Living(_)) {
            self.end(reason.clone());
        }
        self.finish(reason);
        Flow::Done
    }

    /// What there is to do at once, if anything is.
    fn obey_vacant(&mut self, orders: &Orders) -> Option<Flow> {
        let Phase::Vacant { begin, asleep } = &mut self.phase else { return None };
        if orders.kill || orders.shutdown {
            // Ordered after the begin that waits, or asleep: the life ends before it began.
            if orders.begin.is_some() || begin.is_some() || *asleep {
                let reason = if orders.kill { ExitReason::Killed } else { ExitReason::Shutdown };
                self.stillborn(reason);
            }
            return Some(Flow::Again);
        }
        let after = orders.begin?;
        *begin = (!after.is_zero()).then(|| Box::pin(sleep(after)));
        if begin.is_none() {
            self.begin();
        } else {
            self.mailbox.enter(State::Backoff);
        }
        Some(Flow::Again)
    }

    fn vacant(&mut self, mail: bool, cx: &mut Task<'_>) -> Flow {
        let Phase::Vacant { begin, asleep } = &mut self.phase else { return Flow::Again };
        let woken = *asleep && mail;
        let due = begin.as_mut().is_some_and(|begin| begin.as_mut().poll(cx).is_ready());
        if woken || due {
            self.begin();
            return Flow::Again;
        }
        Flow::Wait
    }

    fn begin(&mut self) {
        self.mailbox.begin_life();
        match Life::begin(&self.mailbox, &self.realm) {
            Ok(life) => self.phase = Phase::Living(Box::new(life)),
            Err(StartError::Ignore) => {
                self.phase = Phase::Vacant { begin: None, asleep: false };
                self.mailbox.enter(State::Down);
                self.changed(Change::Ignored);
            }
            Err(StartError::Failed(reason)) => self.stillborn(reason),
        }
    }

    /// The life ended before there was any state.
    fn stillborn(&mut self, reason: ExitReason) {
        self.mailbox.note_exit(&reason).tell(self.mailbox.about().id, &reason);
        self.vacate(Change::StartFailed(reason));
    }

    /// What there is to do at once, if anything is.
    fn obey_living(&mut self, orders: Orders) -> Option<Flow> {
        if orders.kill {
            return Some(self.end(ExitReason::Killed));
        }
        if let Some(reason) = orders.exit {
            return Some(self.end(reason));
        }
        let Phase::Living(life) = &mut self.phase else { return None };
        if orders.shutdown {
            life.stop();
            self.mailbox.enter(State::Stopping);
        }
        match orders.suspend {
            Some(true) => life.suspend(&self.mailbox),
            Some(false) => self.mailbox.suspend(false),
            None => {}
        }
        None
    }

    fn living(&mut self, cx: &mut Task<'_>) -> Flow {
        let Phase::Living(life) = &mut self.phase else { return Flow::Again };
        match life.turn(&self.mailbox, cx) {
            Turn::Ended(reason) => self.end(reason),
            Turn::Slept => self.sleep(),
            Turn::Started => {
                self.mailbox.started();
                self.changed(Change::Started);
                self.realm.emit(self.mailbox.about(), Happening::Started);
                Flow::Again
            }
            Turn::Pending => self.rest(cx),
        }
    }

    /// Nothing to do: perhaps for so long that the actor may leave.
    fn rest(&mut self, cx: &mut Task<'_>) -> Flow {
        let (Some(limit), Phase::Living(life)) = (self.mailbox.spec().idle, &mut self.phase) else {
            return Flow::Wait;
        };
        let idle = self.idle.get_or_insert_with(|| Box::pin(sleep(limit)));
        if idle.as_mut().poll(cx).is_pending() {
            return Flow::Wait;
        }
        let since = self.mailbox.idle_since().filter(|_| life.idle());
        let quiet = since.map_or(Duration::ZERO, |since| since.elapsed());
        if quiet >= limit {
            life.leave();
            self.idle = None;
        } else {
            self.idle = Some(Box::pin(sleep(limit - quiet)));
        }
        Flow::Again
    }

    fn sleep(&mut self) -> Flow {
        self.drop_state();
        self.phase = Phase::Vacant { begin: None, asleep: true };
        self.mailbox.enter(State::Asleep);
        self.realm.emit(self.mailbox.about(), Happening::Slept);
        self.changed(Change::Slept);
        Flow::Again
    }

    fn end(&mut self, reason: ExitReason) -> Flow {
        let Phase::Living(life) = &self.phase else { return Flow::Again };
        let starting = life.starting();
        self.bury(&reason);
        let change = if starting { Change::StartFailed(reason) } else { Change::Exited(reason) };
        self.vacate(change);
        Flow::Again
    }

    /// Ends the life. First the reason is noted, then the state is dropped: a caller whose reply is
    /// dropped with it finds the reason.
    fn bury(&mut self, reason: &ExitReason) {
        let watchers = self.mailbox.note_exit(reason);
        // A linked actor's crash, or a child's, is reported where it happened.
        if let Some(crash) = reason.crash().filter(|crash| crash.actor == self.mailbox.about().id) {
            self.realm.record(crash);
        }
        self.realm.emit(self.mailbox.about(), Happening::Exited { reason: reason.clone() });
        self.drop_state();
        watchers.tell(self.mailbox.about().id, reason);
    }

    fn drop_state(&mut self) {
        let vacant = Phase::Vacant { begin: None, asleep: false };
        if let Phase::Living(life) = std::mem::replace(&mut self.phase, vacant)
            && let Some(crash) = life.bury()
        {
            self.realm.record(&Arc::new(crash));
        }
        self.idle = None;
    }

    /// Waits for what the supervisor decides; without one this was the end.
    fn vacate(&mut self, change: Change) {
        self.phase = Phase::Vacant { begin: None, asleep: false };
        self.mailbox.enter(State::Down);
        if self.tell.is_none() {
            let reason = self.mailbox.last_exit().unwrap_or(ExitReason::Normal);
            self.mailbox.order(Order::Discard(reason));
        }
        self.changed(change);
    }

    fn changed(&self, change: Change) {
        if let Some(tell) = &self.tell {
            tell(self.mailbox.about().id, change);
        }
    }

    /// Closes the mailbox and forgets the actor.
    fn finish(&mut self, reason: ExitReason) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let actor: ActorRef = self.mailbox.actor_ref();
        self.realm.forget(&actor, self.mailbox.spec());
        self.mailbox.close(reason.clone());
        // Monitors made while the actor was vacant.
        self.mailbox.take_watchers().tell(actor.id(), &reason);
        self.mailbox.enter(State::Gone);
        self.seat = None;
    }
}

impl<A: Actor<Context = Context<A>>> Future for Shell<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            let (orders, mail) = this.mailbox.take_orders(cx.waker());
            match this.turn(orders, mail, cx) {
                Flow::Again => {}
                Flow::Wait => return Poll::Pending,
                Flow::Done => return Poll::Ready(()),
            }
        }
    }
}

/// The thread or the program ends: whoever waits for the actor hears of it.
impl<A: Actor<Context = Context<A>>> Drop for Shell<A> {
    fn drop(&mut self) {
        if !self.finished {
            if matches!(self.phase, Phase::Living(_)) {
                self.bury(&ExitReason::Killed);
            }
            self.finish(ExitReason::Killed);
            self.changed(Change::Lost);
        }
    }
}
