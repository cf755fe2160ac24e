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
mod end;
mod life;
mod obey;
mod pump;
mod unplaced;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll},
};

use actix::{Actor, Context};
use tokio::time::{Sleep, sleep};

pub(crate) use call::Call;
pub use call::Concurrent;
use life::{Life, Turn};
pub(crate) use unplaced::Unplaced;

use crate::{
    crash,
    event::Happening,
    exit::ExitReason,
    inspect::{ActorId, State},
    mailbox::{AnyMailbox, Mailbox, Orders},
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
    /// Until when an idle actor is waited for, and the messages that it had handled before.
    idle: Option<(Pin<Box<Sleep>>, u64)>,
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
        let obeyed = orders.and_then(|orders| self.guarded(|shell| shell.obey(orders)));
        match (obeyed, &mut self.phase) {
            (Some(flow), _) => flow,
            (None, Phase::Vacant { .. }) => self.guarded(|shell| shell.vacant(mail, cx)),
            (None, Phase::Living(life)) => match life.turn(&self.mailbox, cx) {
                Turn::Pending => self.rest(cx),
                turn => self.guarded(|shell| shell.changed_by(turn)),
            },
        }
    }

    /// Each call of the actor's code is caught where it is made. This is for what was overlooked:
    /// whatever panics, the supervisor hears of an end.
    fn guarded<T: From<Flow>>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        crash::catch(|| body(self)).unwrap_or_else(|caught| self.collapse(caught).into())
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
            Ok(mut life) => {
                if self.mailbox.is_suspended() {
                    life.suspend(&self.mailbox);
                }
                self.phase = Phase::Living(Box::new(life));
            }
            Err(StartError::Ignore) => {
                self.phase = Phase::Vacant { begin: None, asleep: false };
                self.mailbox.enter(State::Down);
                self.changed(Change::Ignored);
            }
            Err(StartError::Failed(reason)) => {
                self.stillborn(reason);
            }
        }
    }

    fn changed_by(&mut self, turn: Turn) -> Flow {
        match turn {
            Turn::Ended(reason) => self.end(reason),
            Turn::Slept => self.sleep(),
            Turn::Started => {
                self.mailbox.started();
                self.changed(Change::Started);
                self.realm.emit(self.mailbox.about(), Happening::Started);
                Flow::Again
            }
            Turn::Pending => Flow::Wait,
        }
    }

    /// Nothing to do: perhaps for so long that the actor may leave.
    fn rest(&mut self, cx: &mut Task<'_>) -> Flow {
        let (Some(limit), Phase::Living(life)) = (self.mailbox.spec().idle, &mut self.phase) else {
            return Flow::Wait;
        };
        let (idle, before) = self
            .idle
            .get_or_insert_with(|| (Box::pin(sleep(limit)), self.mailbox.handled_so_far()));
        if idle.as_mut().poll(cx).is_pending() {
            return Flow::Wait;
        }
        let quiet = self.mailbox.idle_at().filter(|_| life.idle());
        if quiet == Some(*before) {
            life.leave();
        }
        self.idle = None;
        Flow::Again
    }

    fn changed(&self, change: Change) {
        if let Some(tell) = &self.tell {
            tell(self.mailbox.about().id, change);
        }
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
