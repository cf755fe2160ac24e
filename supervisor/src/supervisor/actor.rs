//! The actor around the machine: carries its actions out, brings events back.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Running, SpawnHandle, StreamHandler};
use tokio::sync::oneshot;

use super::{
    Inbox, Report, ReportKind, SupervisorError, SupervisorSpec,
    inbox::Reading,
    machine::{Action, CallId, Event, Key, Machine},
};
use crate::{
    actor_ref::ActorRef,
    context::ContextExt,
    event::Happening,
    exit::ExitReason,
    inspect::{ActorId, State},
    link::Owned,
    mailbox::Order,
    realm::{Origin, Realm, SpawnError},
    shell::Change,
    spec::{Birth, ChildSpec, Restart},
};

/// An OTP supervisor. Made from a [`SupervisorSpec`], asked through a [`super::SupervisorRef`].
pub struct Supervisor {
    me: ActorRef,
    realm: Arc<Realm>,
    pub(super) machine: Machine,
    pub(super) entries: HashMap<Key, Entry>,
    by_actor: HashMap<ActorId, Key>,
    inbox: Arc<Inbox<News>>,
    /// Bounded by the calls that the machine lets wait.
    replies: HashMap<CallId, oneshot::Sender<super::machine::Reply>>,
    next_call: u64,
    timer: Option<(Duration, SpawnHandle)>,
    finished: bool,
}

/// A child's spec, and its actor while it has one.
pub(super) struct Entry {
    pub(super) spec: ChildSpec,
    pub(super) owned: Option<Owned>,
}

#[derive(Debug)]
pub(super) enum News {
    Child(ActorId, Change),
    NotSpawned(Key, ExitReason),
    TryAgain(Key),
}

impl Supervisor {
    pub(super) fn new(spec: &SupervisorSpec, birth: &Birth<Self>) -> Self {
        let mut machine = Machine::new(spec.strategy, spec.intensity, spec.auto_shutdown);
        let entries = spec
            .children
            .iter()
            .map(|child| (machine.add(child.into()), Entry { spec: child.clone(), owned: None }))
            .collect();
        Self {
            me: birth.address().actor(),
            realm: birth.address().mailbox().realm().clone(),
            machine,
            entries,
            by_actor: HashMap::new(),
            inbox: Inbox::new(),
            replies: HashMap::new(),
            next_call: 0,
            timer: None,
            finished: false,
        }
    }

    /// Hands a call to the machine; the answer comes by the channel.
    pub(super) fn call(
        &mut self,
        ctx: &mut Context<Self>,
        event: impl FnOnce(CallId) -> Event,
    ) -> oneshot::Receiver<super::machine::Reply> {
        self.next_call += 1;
        let call = CallId(self.next_call);
        let (reply, answer) = oneshot::channel();
        self.replies.insert(call, reply);
        self.step(event(call), ctx);
        answer
    }

    pub(super) fn actor(&self, key: Key) -> Option<ActorRef> {
        self.entries.get(&key)?.owned.as_ref().map(|owned| owned.0.clone())
    }

    fn step(&mut self, event: Event, ctx: &mut Context<Self>) {
        let now = self.realm.now();
        let halting = self.machine.halting();
        for action in self.machine.step(event, now) {
            self.perform(action, ctx);
        }
        if self.machine.halting() && !halting && !self.finished {
            self.me.mailbox().enter(State::Stopping);
        }
        self.me.mailbox().set_budget_left(self.machine.restarts_left(now));
        self.arm(now, ctx);
    }

    fn perform(&mut self, action: Action, ctx: &mut Context<Self>) {
        match action {
            Action::Start(key) => self.start(key),
            Action::Stop(key) => self.order(key, Order::Shutdown),
            Action::Kill(key) => self.order(key, Order::Kill),
            Action::Abandon(key) => drop(self.release(key)),
            Action::Discard(key) => self.discard(key),
            Action::Forget(key) => drop(self.entries.remove(&key)),
            Action::TryAgain(key) => self.inbox.push(News::TryAgain(key)),
            Action::Reply(call, reply) => {
                if let Some(caller) = self.replies.remove(&call) {
                    let _ = caller.send(reply); // the caller no longer waits
                }
            }
            Action::Report(report) => self.report(report),
            Action::Ready => ctx.acknowledge(Ok(())),
            Action::Finish(reason) => {
                self.finished = true;
                ctx.exit(reason);
            }
        }
    }

    /// Starts the child in the mailbox that it has, so that its address stays good, or in a new one.
    fn start(&mut self, key: Key) {
        if self.actor(key).is_some() {
            return self.order(key, Order::Begin { after: Duration::ZERO });
        }
        match self.spawn(key) {
            Ok(actor) => {
                self.by_actor.insert(actor.id(), key);
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.owned = Some(Owned(actor));
                }
            }
            Err(error) => {
                let reason = ExitReason::Failed(error.to_string().into());
                self.inbox.push(News::NotSpawned(key, reason));
            }
        }
    }

    fn spawn(&self, key: Key) -> Result<ActorRef, SpawnError> {
        let unknown = SpawnError::Failed { reason: ExitReason::NoProc };
        let spec = &self.entries.get(&key).ok_or(unknown)?.spec;
        let inbox = self.inbox.clone();
        let origin = Origin {
            realm: self.realm.clone(),
            parent: Some(self.me.id()),
            path: format!("{}/{}", self.me.path(), spec.id).into(),
            kind: spec.kind,
            policy: match spec.restart {
                Restart::Permanent => "permanent",
                Restart::Transient => "transient",
                Restart::Temporary => "temporary",
            },
            tell: Some(Arc::new(move |actor, change| inbox.push(News::Child(actor, change)))),
        };
        spec.start.start(origin)
    }

    fn order(&self, key: Key, order: Order) {
        if let Some(actor) = self.actor(key) {
            actor.mailbox().order(order);
        }
    }

    /// Takes the child's actor out of the books: nothing more is heard of it.
    fn release(&mut self, key: Key) -> Option<Owned> {
        let owned = self.entries.get_mut(&key)?.owned.take()?;
        self.by_actor.remove(&owned.0.id());
        Some(owned)
    }

    fn discard(&mut self, key: Key) {
        if let Some(owned) = self.release(key) {
            let reason = owned.0.last_exit().unwrap_or(ExitReason::Normal);
            owned.discard(reason);
        }
    }

    fn report(&self, report: Report) {
        let (supervisor, child, reason) = (self.me.path(), &report.child, &report.reason);
        match report.kind {
            ReportKind::Progress => tracing::debug!(%supervisor, %child, "child started"),
            kind => {
                tracing::warn!(%supervisor, %child, ?kind, reason = ?reason.as_ref().map(ToString::to_string), "child report")
            }
        }
        self.realm.emit(self.me.mailbox().about(), Happening::Supervised(report));
    }

    fn arm(&mut self, now: Duration, ctx: &mut Context<Self>) {
        let deadline = self.machine.deadline();
        if self.timer.map(|(at, _)| at) == deadline {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = deadline.map(|at| {
            let tick = |supervisor: &mut Self, ctx: &mut Context<Self>| {
                supervisor.timer = None;
                supervisor.step(Event::Tick, ctx);
            };
            (at, ctx.run_later(at.saturating_sub(now), tick))
        });
    }

    pub(super) fn check(&self, child: &ChildSpec) -> Result<(), SupervisorError> {
        Ok(child.check(self.machine.auto_shutdown())?)
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.add_stream(Reading::new(self.inbox.clone()));
        self.step(Event::Boot, ctx);
    }

    /// Takes until the children are down; the supervisor's own supervisor decides for how long.
    fn stopping(&mut self, ctx: &mut Context<Self>) -> Running {
        if !self.finished {
            self.step(Event::Halt(ExitReason::Shutdown), ctx);
        }
        if self.finished { Running::Stop } else { Running::Continue }
    }
}

impl StreamHandler<News> for Supervisor {
    fn handle(&mut self, news: News, ctx: &mut Context<Self>) {
        let event = match news {
            News::TryAgain(key) => Event::TryAgain(key),
            News::NotSpawned(key, reason) => Event::StartFailed(key, reason),
            News::Child(actor, change) => {
                // An actor that was abandoned or discarded may still tell of its end.
                let Some(&key) = self.by_actor.get(&actor) else { return };
                match change {
                    Change::Started => Event::Started(key),
                    Change::Ignored => Event::Ignored(key),
                    Change::StartFailed(reason) => Event::StartFailed(key, reason),
                    Change::Exited(reason) => Event::Exited(key, reason),
                    Change::Lost => Event::Exited(key, ExitReason::Killed),
                    Change::Slept => return,
                }
            }
        };
        self.step(event, ctx);
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("machine", &self.machine).finish_non_exhaustive()
    }
}
