//! The actor of a process: who waits for which slot, and the work on the next one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Weak;

use actix::fut::wrap_future;
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context as ActorContext, Handler, ResponseActFuture,
};
use oxbeam_protocol::{Id, Message};
use oxbeam_store::Slot;
use oxbeam_supervisor::StartError;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ahead::Ahead;
use super::attempt::Attempts;
use super::machine::Stopped;
use super::state::{Live, shown};
use super::turn::{Done, Work};
use super::waits::Worker;
use super::{Wanted, commit};
use crate::context::Context;
use crate::error::CallError;
use crate::metrics::Share;
use crate::node::Node;
use crate::outcome::Outcome;
use crate::trace::Trace;

/// States of the last slots that are kept in memory, for those who ask a little late.
const RECENT: usize = 16;

type Reply = oneshot::Sender<Result<Option<Outcome>, CallError>>;

/// Asks for a state. None if it lies before the one in memory, or is not there and was wanted at once.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<Option<Outcome>, CallError>")]
pub(super) struct Compute {
    pub(super) wanted: Wanted,
    pub(super) at_once: bool,
    /// The state is to be run: with a snapshot of what its devices run for it.
    pub(super) to_run: bool,
    /// What it is asked for.
    pub(super) trace: Trace,
    /// Cancelled when nobody waits for the answer any more.
    pub(super) asker: CancellationToken,
}

/// Somebody who waits for a state.
struct Waiter {
    reply: Reply,
    to_run: bool,
    trace: Trace,
    asker: CancellationToken,
}

/// Computes one process: its next slots or, if it is the one of the past, earlier ones.
pub struct ProcessActor {
    process: Id,
    context: Context,
    /// Ends what is computed with the actor.
    _ends: DropGuard,
    past: bool,
    /// The state. It is not here while the next one is computed from it.
    live: Option<Live>,
    /// What was read for it. It is away with the state.
    ahead: Ahead,
    computing: bool,
    /// The actor looks after a while whether it has anything to do.
    timed: bool,
    /// Somebody has asked since that was decided.
    asked: bool,
    attempts: Attempts,
    /// The slot that was tried last and has no state.
    failed: Option<Slot>,
    /// Shown states of the last slots, the latest last.
    recent: VecDeque<(Slot, Message)>,
    /// Who waits for the state after a slot, or (`None`) before any.
    waiting: BTreeMap<Option<Slot>, Vec<Waiter>>,
    lag: Share,
}

impl ProcessActor {
    pub(super) fn new(process: Id, node: &Weak<Node>, past: bool) -> Result<Self, StartError> {
        let node = node.upgrade().ok_or_else(|| StartError::failed("the node has ended"))?;
        let cancelled = CancellationToken::new();
        let worker = Worker { process, past };
        Ok(Self {
            process,
            lag: node.metrics().lag(),
            context: node.context(cancelled.clone()).as_worker(worker),
            _ends: cancelled.drop_guard(),
            past,
            live: None,
            ahead: Ahead::default(),
            computing: false,
            timed: false,
            asked: false,
            attempts: Attempts::default(),
            failed: None,
            recent: VecDeque::new(),
            waiting: BTreeMap::new(),
        })
    }

    /// The state that is wanted, if it is in memory. What is run for a state is not shown, so that a
    /// state to be run has to be copied.
    fn known(&self, wanted: Option<Slot>, to_run: bool) -> Option<Outcome> {
        if to_run && self.runs() {
            return None;
        }
        if let Some(live) = &self.live
            && live.slot == wanted
        {
            return Some(Outcome::ok(shown(&live.state)));
        }
        let recent = self.recent.iter().find(|(slot, _)| Some(*slot) == wanted);
        recent.map(|(_, state)| Outcome::ok(state.clone()))
    }

    /// Whether devices run anything for the state.
    fn runs(&self) -> bool {
        self.live.as_ref().is_none_or(|live| live.state.has_handles())
    }

    /// Works towards the first slot that somebody waits for.
    fn work(&mut self, ctx: &mut ActorContext<Self>) {
        if self.computing {
            return;
        }
        while let Some(wanted) = self.first_wanted() {
            let behind = self.behind();
            self.lag.is(behind);
            let behind = self.live.as_ref().is_some_and(|live| wanted < live.slot);
            if behind && !self.past {
                self.answer(wanted, &Ok(None));
                continue;
            }
            self.computing = true;
            let live = self.live.take().filter(|_| !behind);
            let last = self.waiting.keys().next_back().copied().flatten();
            let (process, failed) = (self.process, self.failed);
            let context = self.context.traced(self.trace_of(wanted));
            let attempts = Some(self.attempts.clone()).filter(|_| !self.past);
            let work = Work { context, process, wanted, last, failed, attempts };
            let mut ahead = std::mem::take(&mut self.ahead);
            let work = async move {
                let done = work.go_on(live, &mut ahead).await;
                (done, ahead)
            };
            ctx.spawn(wrap_future::<_, Self>(work).map(|(done, ahead), actor, ctx| {
                actor.ahead = ahead;
                actor.done(done, ctx);
            }));
            return;
        }
        self.lag.is(0);
        // Whoever waited for the next slot has gone.
        self.attempts.withdraw(&self.context, self.process);
        self.rest_later(ctx);
    }

    /// What is computed is a part of the trace of whoever waits for it first.
    fn trace_of(&self, wanted: Option<Slot>) -> Trace {
        let first = self.waiting.get(&wanted).and_then(|waiting| waiting.first());
        first.map(|waiter| waiter.trace.clone()).unwrap_or_default()
    }

    /// Slots that are still to be computed for those who wait, where that can be told.
    fn behind(&self) -> u64 {
        let last = self.waiting.keys().next_back().copied().flatten();
        let next = self.live.as_ref().map(Live::next);
        last.zip(next).map_or(0, |(last, next)| last.saturating_add(1).saturating_sub(next))
    }

    /// The first slot that somebody still waits for.
    fn first_wanted(&mut self) -> Option<Option<Slot>> {
        self.waiting.retain(|_, replies| {
            replies.retain(|waiter| !waiter.asker.is_cancelled());
            !replies.is_empty()
        });
        if self.waiting.is_empty() {
            // Or it would keep room for those who are gone, in every idle process.
            self.waiting = BTreeMap::new();
        }
        self.waiting.keys().next().copied()
    }

    /// Has the actor look after a while whether there was anything to do.
    fn rest_later(&mut self, ctx: &mut ActorContext<Self>) {
        if self.past || self.timed || self.live.is_none() {
            return;
        }
        (self.timed, self.asked) = (true, false);
        ctx.run_later(self.context.fresh().settings().rest_after, |actor, ctx| {
            actor.timed = false;
            if !actor.computing {
                actor.rest(ctx);
            }
        });
    }

    /// Writes a checkpoint, so that the process may leave and come back for little. A state that comes
    /// back for next to nothing leaves after that.
    fn rest(&mut self, ctx: &mut ActorContext<Self>) {
        match self.live.take() {
            Some(mut live) if live.since > 0 => {
                self.computing = true;
                let (context, process) = (self.context.fresh(), self.process);
                let saved = async move {
                    commit::save(&context, process, &mut live).await;
                    live
                };
                ctx.spawn(
                    wrap_future::<_, Self>(saved)
                        .map(|live, actor, ctx| actor.done(Done::at(live), ctx)),
                );
            }
            Some(live) if live.is_cheap() && !self.asked => self.recent = VecDeque::new(),
            live => {
                let is_asked = self.asked;
                self.live = live;
                if is_asked {
                    self.rest_later(ctx);
                }
            }
        }
    }

    fn done(&mut self, done: Done, ctx: &mut ActorContext<Self>) {
        self.computing = false;
        if done.failed.is_some() {
            self.failed = done.failed;
        }
        self.live = done.live;
        for (slot, state) in done.passed {
            self.show(slot, state);
        }
        if let Some(live) = &self.live {
            let (slot, state) = (live.slot, shown(&live.state));
            self.show(slot, state);
            if let Some(copy) = done.copy {
                self.answer(slot, &copy.map(|state| Some(Outcome::ok(state))));
            }
        }
        if let Some(stopped) = done.stopped {
            let answer = match stopped {
                Stopped::At(outcome) => Ok(Some(outcome)),
                Stopped::By(error) => Err(error),
            };
            // Every later slot comes after the one that has no state.
            let slot = self.live.as_ref().and_then(|live| live.slot);
            let all: Vec<_> = self
                .waiting
                .keys()
                .filter(|wanted| **wanted > slot || self.live.is_none())
                .copied()
                .collect();
            for wanted in all {
                self.answer(wanted, &answer);
            }
        }
        self.work(ctx);
    }

    /// Answers those who want to see a state, now or a little late, and those who want to run it if it
    /// is all there is.
    fn show(&mut self, slot: Option<Slot>, state: Message) {
        if let Some(slot) = slot {
            self.recent.retain(|(known, _)| *known != slot);
            self.recent.push_back((slot, state.clone()));
            let over = self.recent.len().saturating_sub(RECENT);
            self.recent.drain(..over);
        }
        let runs = self.runs();
        let waiting = self.waiting.remove(&slot).into_iter().flatten();
        let (later, now): (Vec<_>, Vec<_>) = waiting.partition(|waiter| waiter.to_run && runs);
        for waiter in now {
            // Whoever asked may have gone.
            let _ = waiter.reply.send(Ok(Some(Outcome::ok(state.clone()))));
        }
        if !later.is_empty() {
            self.waiting.insert(slot, later);
        }
    }

    fn answer(&mut self, wanted: Option<Slot>, answer: &Result<Option<Outcome>, CallError>) {
        for waiter in self.waiting.remove(&wanted).into_iter().flatten() {
            // Whoever asked may have gone.
            let _ = waiter.reply.send(answer.clone());
        }
    }
}

impl Actor for ProcessActor {
    type Context = ActorContext<Self>;

    /// Runs only when the actor ends in order: after a panic or when it is killed, the attempt counts.
    fn stopped(&mut self, _: &mut Self::Context) {
        self.attempts.break_off(&self.context, self.process);
    }
}

impl Handler<Compute> for ProcessActor {
    type Result = ResponseActFuture<Self, Result<Option<Outcome>, CallError>>;

    fn handle(&mut self, compute: Compute, ctx: &mut Self::Context) -> Self::Result {
        let wanted = match compute.wanted {
            Wanted::Slot(slot) => Some(slot),
            Wanted::Initial | Wanted::Computed | Wanted::Now => None,
        };
        self.asked = true;
        let known = self.known(wanted, compute.to_run);
        if compute.at_once || known.is_some() {
            return Box::pin(wrap_future(std::future::ready(Ok(known))));
        }
        let Compute { to_run, trace, asker, .. } = compute;
        let (reply, answer) = oneshot::channel();
        let waiter = Waiter { reply, to_run, trace, asker };
        self.waiting.entry(wanted).or_default().push(waiter);
        self.work(ctx);
        Box::pin(wrap_future(async move { answer.await.unwrap_or(Err(CallError::Cancelled)) }))
    }
}

impl Drop for ProcessActor {
    fn drop(&mut self) {
        if !self.past {
            self.context.node().quarantine().unload(self.process);
        }
    }
}

impl fmt::Debug for ProcessActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessActor").field("process", &self.process).finish_non_exhaustive()
    }
}
