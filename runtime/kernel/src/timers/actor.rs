//! The actor of the timers: waits until something is due, has it made, and records what came of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::{LocalBoxActorFuture, ready, wrap_future};
use actix::{
    Actor, ActorFutureExt, AsyncContext, AtomicResponse, Context as ActorContext, Handler,
    SpawnHandle,
};
use oxbeam_protocol::Id;
use oxbeam_store::{Answer as Stored, Change, Failure, Limit, Persist, Store, Timer};
use oxbeam_supervisor::{ActorSpec, Address, ContextExt, Placement};
use tracing::{debug, error, warn};

use super::NotTaken;
use super::agenda::{Agenda, Run};
use super::run::{self, Ending, Made};
use crate::assignment::milliseconds;
use crate::error::CallError;
use crate::node::Node;

/// The group that the actor is in.
const GROUP: &str = "timers";
/// Requests to start and stop timers that may wait.
const MAX_WAITING: usize = 4096;
/// How long one may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Timers that are read in one piece.
const PIECE: usize = 256;
/// How long it sleeps at most: the clock may be set while it does.
const SLEEP: Duration = Duration::from_secs(30);

/// Takes a timer that is on disk when this is answered.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<(), NotTaken>")]
struct Start(Timer, Vec<Change>);

/// Ends a timer. Answers whether there was one.
#[derive(Debug, actix::Message)]
#[rtype(result = "Result<bool, CallError>")]
struct Stop(Id);

/// Runs the node's timers.
pub(crate) struct TimersActor {
    node: Arc<Node>,
    agenda: Agenda,
    /// The runs that are being made.
    runs: HashMap<Id, SpawnHandle>,
    wakes: Option<SpawnHandle>,
}

impl TimersActor {
    pub(crate) fn spec(node: &Arc<Node>) -> ActorSpec<Self> {
        let node = node.clone();
        let make = move || Self {
            node: node.clone(),
            agenda: Agenda::default(),
            runs: HashMap::new(),
            wakes: None,
        };
        ActorSpec::new(make).queue_limit(MAX_WAITING).member_of(GROUP).placement(Placement::Control)
    }

    pub(super) async fn start_timer(
        node: &Node,
        timer: Timer,
        noted: Vec<Change>,
    ) -> Result<(), NotTaken> {
        let answer = Self::of(node)?.ask(Start(timer, noted)).within(LIMIT).await;
        answer.unwrap_or_else(|error| Err(CallError::unanswered("the timers", error).into()))
    }

    pub(super) async fn stop_timer(node: &Node, id: Id) -> Result<bool, CallError> {
        let answer = Self::of(node)?.ask(Stop(id)).within(LIMIT).await;
        answer.unwrap_or_else(|error| Err(CallError::unanswered("the timers", error)))
    }

    fn of(node: &Node) -> Result<Address<Self>, CallError> {
        let (what, reason) = ("the timers".into(), "they are starting or stopping".into());
        node.realm().groups().pick(GROUP).ok_or(CallError::Unavailable { what, reason })
    }

    /// Begins what is due, and sleeps until something else is.
    fn turn(&mut self, ctx: &mut ActorContext<Self>) {
        let now = milliseconds();
        for run in self.agenda.step(now) {
            self.begin(run, ctx);
        }
        self.tell();
        if let Some(wakes) = self.wakes.take() {
            ctx.cancel_future(wakes);
        }
        if let Some(at) = self.agenda.next(now) {
            let pause = Duration::from_millis(at.saturating_sub(now)).min(SLEEP);
            self.wakes = Some(ctx.run_later(pause, |actor, ctx| {
                actor.wakes = None;
                actor.turn(ctx);
            }));
        }
    }

    /// Tells those who watch how many timers there are.
    fn tell(&self) {
        let running = self.agenda.running();
        let waiting = self.agenda.len().saturating_sub(running);
        self.node.metrics().timers(waiting, running, self.agenda.first_due());
    }

    fn begin(&mut self, run: Run, ctx: &mut ActorContext<Self>) {
        let made = wrap_future::<_, Self>(run::make(self.node.clone(), run));
        let handle = ctx.spawn(made.map(move |made, actor, ctx| {
            actor.runs.remove(&run.id);
            match made {
                Ok(Some(made)) => actor.made(made, ctx),
                Ok(None) => drop(actor.agenda.remove(&run.id)),
                Err(error) => {
                    // It has not been made: its beginning could not be recorded.
                    warn!(timer = %run.id, %error, "a timer's run waits");
                    actor.agenda.put_off(run.id, milliseconds());
                }
            }
            actor.turn(ctx);
        }));
        self.runs.insert(run.id, handle);
    }

    /// Records how a run ended.
    fn made(&mut self, Made { mut timer, ending }: Made, ctx: &mut ActorContext<Self>) {
        let (id, now) = (timer.id, milliseconds());
        match ending {
            Ending::Well => {
                self.node.metrics().timer_ran("ok");
                debug!(timer = %id, "a timer has run");
            }
            Ending::Failed { by, reason } if self.agenda.tries_again(&id, by) => {
                self.node.metrics().timer_ran("put_off");
                self.agenda.put_off(id, now);
                return debug!(timer = %id, reason, "a timer's run waits");
            }
            Ending::Failed { reason, .. } => {
                self.node.metrics().timer_ran("failed");
                warn!(timer = %id, reason, "a timer's run failed");
                timer.failure = Some(Failure { at: now, reason });
            }
        }
        let Some(plan) = self.agenda.ended(id, now) else { return };
        let Ok(store) = self.node.store() else {
            // It is opened again, and this actor started after it: the run is made again then.
            return warn!(timer = %id, "the end of a timer's run could not be recorded");
        };
        let recorded: Stored<()> = match plan.due() {
            Some(_) => store.put_timer(plan.recorded(timer), Persist::Buffered),
            None => {
                let removed = store.remove_timer(id);
                Box::pin(async move { removed.await.map(drop) })
            }
        };
        // Whoever stops the timer is behind this in the store's queue.
        ctx.spawn(wrap_future::<_, Self>(recorded).map(move |recorded, _, _| {
            if let Err(error) = recorded {
                warn!(timer = %id, %error, "the end of a timer's run could not be recorded");
            }
        }));
    }

    /// Decides about a timer that somebody asks for.
    fn admit(&self, timer: &Timer) -> Result<(), NotTaken> {
        let settings = &self.node.configuration().settings;
        let (limit, of_client) = (settings.cron_max_tasks, settings.cron_max_tasks_of_client);
        if self.agenda.len() >= limit {
            return Err(NotTaken::Full { limit });
        }
        if self.agenda.len_of(&timer.owners) >= of_client {
            return Err(NotTaken::FullOfClient { limit: of_client });
        }
        Ok(())
    }
}

impl Actor for TimersActor {
    type Context = ActorContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let node = self.node.clone();
        let read = async move { read_all(&*node.store()?, milliseconds()).await };
        ctx.wait(wrap_future::<_, Self>(read).map(|read, actor, ctx| match read {
            Ok(agenda) => {
                actor.agenda = agenda;
                actor.turn(ctx);
            }
            Err(error) => ctx.fail(format_args!("failed to read the timers: {error}")),
        }));
    }
}

/// The timers of the store. Those whose record is damaged do not run; that is said, and the others do.
pub(super) async fn read_all(store: &dyn Store, now: u64) -> Result<Agenda, CallError> {
    let (mut agenda, mut after) = (Agenda::default(), None);
    loop {
        let page = store.timers(after, Limit::count(PIECE)).await?;
        for listed in page.items {
            let timer = match listed {
                Ok(timer) => timer,
                Err(error) => {
                    error!(%error, "a timer cannot be read and does not run");
                    continue;
                }
            };
            if let Some(plan) = agenda.insert(&timer, now) {
                store.put_timer(plan.recorded(timer), Persist::Buffered).await?;
            }
        }
        after = page.last;
        if after.is_none() {
            return Ok(agenda);
        }
    }
}

/// Answers one after another, and runs none of the actor's futures meanwhile: no two changes of the
/// timers cross.
type InTurn<T> = AtomicResponse<TimersActor, T>;

impl Handler<Start> for TimersActor {
    type Result = InTurn<Result<(), NotTaken>>;

    fn handle(&mut self, Start(timer, noted): Start, _: &mut Self::Context) -> Self::Result {
        let known = self.agenda.contains(&timer.id);
        if !known && let Err(not_taken) = self.admit(&timer) {
            return InTurn::new(Box::pin(ready(Err(not_taken))));
        }
        let node = self.node.clone();
        InTurn::new(match known {
            true => Box::pin(wrap_future(same(node, timer))),
            false => taken(node, timer, noted),
        })
    }
}

/// Finds out whether a timer is the one that is there under its name.
async fn same(node: Arc<Node>, timer: Timer) -> Result<(), NotTaken> {
    let known = node.timer(timer.id).await?;
    let is_same = |known: &Timer| {
        (&known.request, known.interval, known.catch_up, &known.owners)
            == (&timer.request, timer.interval, timer.catch_up, &timer.owners)
    };
    match known.as_ref().is_some_and(is_same) {
        true => Ok(()),
        false => Err(NotTaken::Other { id: timer.id }),
    }
}

fn taken(
    node: Arc<Node>,
    timer: Timer,
    noted: Vec<Change>,
) -> LocalBoxActorFuture<TimersActor, Result<(), NotTaken>> {
    let record = timer.clone();
    let written = async move {
        let written = node.store()?.start_timer(record, noted).await;
        written.map_err(CallError::from)
    };
    Box::pin(wrap_future::<_, TimersActor>(written).map(move |written, actor, ctx| {
        written?;
        actor.agenda.insert(&timer, milliseconds());
        actor.turn(ctx);
        Ok(())
    }))
}

impl Handler<Stop> for TimersActor {
    type Result = InTurn<Result<bool, CallError>>;

    fn handle(&mut self, Stop(id): Stop, _: &mut Self::Context) -> Self::Result {
        if !self.agenda.contains(&id) {
            return InTurn::new(Box::pin(ready(Ok(false))));
        }
        let node = self.node.clone();
        let removed = async move { node.store()?.remove_timer(id).await.map_err(CallError::from) };
        InTurn::new(Box::pin(wrap_future::<_, Self>(removed).map(move |removed, actor, ctx| {
            removed?;
            if let Some(run) = actor.runs.remove(&id) {
                ctx.cancel_future(run);
            }
            actor.agenda.remove(&id);
            actor.turn(ctx);
            Ok(true)
        })))
    }
}

impl fmt::Debug for TimersActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimersActor").field("agenda", &self.agenda).finish_non_exhaustive()
    }
}
