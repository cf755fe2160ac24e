//! The actor of a process: who waits for which slot, and the work on the next one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Weak;
use std::time::Duration;

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
use super::attempt::Attempt;
use super::machine::{Commits, Stopped};
use super::state::{Live, shown};
use super::waits::Worker;
use super::{Wanted, commit, load, machine};
use crate::context::Context;
use crate::error::CallError;
use crate::metrics::Share;
use crate::node::Node;
use crate::outcome::Outcome;
use crate::trace::Trace;

/// States of the last slots that are kept in memory, for those who ask a little late.
const RECENT: usize = 16;

/// How long a process has nothing to do before it writes a checkpoint.
const IDLE: Duration = Duration::from_secs(5);

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
    /// A checkpoint is to be written after a while.
    timed: bool,
    attempt: Attempt,
    /// The slot that was tried last and has no state.
    failed: Option<Slot>,
    /// Shown states of the last slots, the latest last.
    recent: VecDeque<(Slot, Message)>,
    /// Who waits for the state after a slot, or (`None`) before any.
    waiting: BTreeMap<Option<Slot>, Vec<Waiter>>,
    lag: Share,
}

/// What came of the work on a slot.
struct Done {
    live: Option<Live>,
    stopped: Option<Stopped>,
    /// The slot that has no state.
    failed: Option<Slot>,
    /// The state in memory, to be run elsewhere.
    copy: Option<Result<Message, CallError>>,
}

impl Done {
    fn at(live: Live) -> Self {
        Self { live: Some(live), stopped: None, failed: None, copy: None }
    }

    fn unloaded(stopped: Stopped) -> Self {
        Self { live: None, stopped: Some(stopped), failed: None, copy: None }
    }
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
            attempt: Attempt::default(),
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
            let (failed, attempt) = (self.failed, self.attempt.clone());
            let work = Work { wanted, last, failed, past: self.past, attempt };
            let context = self.context.fresh().traced(self.trace_of(wanted));
            let process = self.process;
            let mut ahead = std::mem::take(&mut self.ahead);
            let work = async move {
                let done = work.go_on(context, process, live, &mut ahead).await;
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
        self.attempt.withdraw(&self.context, self.process);
        self.save_later(ctx);
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

    /// Writes a checkpoint after a while without work, so that the process may leave and come back
    /// for little.
    fn save_later(&mut self, ctx: &mut ActorContext<Self>) {
        let unsaved = self.live.as_ref().is_some_and(|live| live.since > 0);
        if self.past || !unsaved || self.timed {
            return;
        }
        self.timed = true;
        ctx.run_later(IDLE, |actor, ctx| {
            actor.timed = false;
            if !actor.computing
                && let Some(mut live) = actor.live.take()
            {
                actor.computing = true;
                let (context, process) = (actor.context.fresh(), actor.process);
                let saved = async move {
                    commit::save(&context, process, &mut live).await;
                    Done::at(live)
                };
                ctx.spawn(
                    wrap_future::<_, Self>(saved).map(|done, actor, ctx| actor.done(done, ctx)),
                );
            }
        });
    }

    fn done(&mut self, done: Done, ctx: &mut ActorContext<Self>) {
        self.computing = false;
        self.attempt.over();
        if done.failed.is_some() {
            self.failed = done.failed;
        }
        self.live = done.live;
        if let Some(live) = &self.live {
            let slot = live.slot;
            let state = shown(&live.state);
            if let Some(slot) = slot {
                self.recent.retain(|(known, _)| *known != slot);
                self.recent.push_back((slot, state.clone()));
                let over = self.recent.len().saturating_sub(RECENT);
                self.recent.drain(..over);
            }
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

    /// Answers those who want to see the state, and those who want to run it if it is all there is.
    fn show(&mut self, slot: Option<Slot>, state: Message) {
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

/// What an actor does next.
struct Work {
    wanted: Option<Slot>,
    /// The last slot that somebody waits for.
    last: Option<Slot>,
    failed: Option<Slot>,
    past: bool,
    attempt: Attempt,
}

impl Work {
    /// Copies the state if it is the one that is wanted, else works towards that.
    async fn go_on(
        self,
        context: Context,
        process: Id,
        live: Option<Live>,
        ahead: &mut Ahead,
    ) -> Done {
        match live {
            Some(live) if live.slot == self.wanted => {
                // A copy runs guests as well: it is made before the next slot is.
                self.attempt.withdraw(&context, process);
                let copy = commit::with_snapshot(&context, &live.state).await;
                let copy = copy.map(Message::without_handles);
                Done { copy: Some(copy), ..Done::at(live) }
            }
            live => self.advance(context, process, live, ahead).await,
        }
    }

    /// Loads the state if there is none, else computes one slot.
    async fn advance(
        self,
        context: Context,
        process: Id,
        live: Option<Live>,
        ahead: &mut Ahead,
    ) -> Done {
        let Some(mut live) = live else {
            // The actor of the present begins with the last checkpoint there is.
            let at_or_before = if self.past { self.wanted } else { self.wanted.map(|_| Slot::MAX) };
            if !self.past
                && let Err(error) = context.node().load_aside(process).await
            {
                return Done::unloaded(Stopped::By(error));
            }
            return match load::load(&context, process, at_or_before).await {
                Ok(Ok(live)) => Done::at(live),
                Ok(Err(outcome)) => Done::unloaded(Stopped::At(outcome)),
                Err(error) => Done::unloaded(Stopped::By(error)),
            };
        };
        let commits = Commits { attempt: &self.attempt, last: self.last };
        let commits = Some(commits).filter(|_| !self.past);
        let ready = machine::ready(&context, process, (&mut live, &mut *ahead), commits).await;
        // Where the slot is not tried after all.
        self.attempt.withdraw(&context, process);
        let ready = match ready {
            Ok(ready) => ready,
            // Nothing ran. Whoever asks for a slot that is not there costs nobody anything.
            Err(stopped) => return Done { stopped: Some(stopped), ..Done::at(live) },
        };
        // It will fail again, and cost what is run for the state: let that come back for little.
        if !self.past && live.state.has_handles() && self.failed == Some(live.next()) {
            commit::save(&context, process, &mut live).await;
        }
        let before = live.clone();
        let last = self.last.filter(|_| ready.is_verified());
        let slots = before.next().checked_add(1).zip(last);
        let next = machine::next(process, live, ready, commits);
        match meanwhile(next, ahead, (&context, process, slots)).await {
            Ok(live) => Done::at(live),
            Err(stopped) => {
                let failed = Some(before.next());
                // What is run for the state may be anywhere in the slot: it has to start anew.
                let live = Some(before).filter(|before| !before.state.has_handles());
                Done { live, stopped: Some(stopped), failed, copy: None }
            }
        }
    }
}

/// Computes, and reads assignments of the slots between these two, ends included, meanwhile.
async fn meanwhile<T>(
    computed: impl Future<Output = T>,
    ahead: &mut Ahead,
    (context, process, slots): (&Context, Id, Option<(Slot, Slot)>),
) -> T {
    match slots {
        Some(slots) => tokio::select! {
            biased;
            computed = computed => computed,
            never = ahead.fill(context, process, slots) => match never {},
        },
        None => computed.await,
    }
}

impl Actor for ProcessActor {
    type Context = ActorContext<Self>;

    /// Runs only when the actor ends in order: after a panic or when it is killed, the attempt counts.
    fn stopped(&mut self, _: &mut Self::Context) {
        self.attempt.break_off(&self.context, self.process);
    }
}

impl Handler<Compute> for ProcessActor {
    type Result = ResponseActFuture<Self, Result<Option<Outcome>, CallError>>;

    fn handle(&mut self, compute: Compute, ctx: &mut Self::Context) -> Self::Result {
        let wanted = match compute.wanted {
            Wanted::Slot(slot) => Some(slot),
            Wanted::Initial | Wanted::Computed | Wanted::Now => None,
        };
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
