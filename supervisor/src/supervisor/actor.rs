//! The actor around the machine: carries its actions out, brings events back.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix::{
    Actor, AsyncContext, Context, Handler, Running, SpawnHandle, StreamHandler, WrapFuture,
    fut::ActorFutureExt,
};
use tokio::sync::oneshot;

use super::{
    Books, Finish, Inbox, SupervisorError, SupervisorSpec,
    inbox::Reading,
    machine::{Action, CallId, Event, Key, Machine, Reply},
};
use crate::{
    actor_ref::ActorRef,
    context::ContextExt,
    exit::ExitReason,
    inspect::{ActorId, State},
    link::Exit,
    mailbox::Order,
    owned,
    realm::{Origin, Realm, SpawnError},
    shell::Change,
    spec::{Birth, ChildSpec},
};

/// An OTP supervisor. Made from a [`SupervisorSpec`], asked through a [`super::SupervisorRef`].
pub struct Supervisor {
    me: ActorRef,
    realm: Arc<Realm>,
    pub(super) machine: Machine,
    pub(super) books: Books,
    inbox: Arc<Inbox<News>>,
    /// Bounded by the calls that the machine lets wait.
    replies: HashMap<CallId, oneshot::Sender<Reply>>,
    next_call: u64,
    timer: Option<(Duration, SpawnHandle)>,
    finish: Arc<OnceLock<Finish>>,
    finished: bool,
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
        let mut books = Books::default();
        for child in &spec.children {
            books.add(machine.add(child.into()), child.clone());
        }
        Self {
            me: birth.address().actor(),
            realm: birth.address().mailbox().realm().clone(),
            machine,
            books,
            inbox: Inbox::new(),
            replies: HashMap::new(),
            next_call: 0,
            timer: None,
            finish: spec.finish.clone(),
            finished: false,
        }
    }

    /// Hands a call to the machine; the answer comes by the channel.
    pub(super) fn call(
        &mut self,
        ctx: &mut Context<Self>,
        event: impl FnOnce(CallId) -> Event,
    ) -> oneshot::Receiver<Reply> {
        self.next_call += 1;
        let call = CallId(self.next_call);
        let (reply, answer) = oneshot::channel();
        self.replies.insert(call, reply);
        self.step(event(call), ctx);
        answer
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
            Action::Abandon(key) => {
                if let Some(owned) = self.books.release(key) {
                    owned.abandon(ExitReason::Stuck);
                }
            }
            Action::Discard(key) => self.discard(key),
            Action::Forget(key) => self.books.forget(key),
            Action::TryAgain(key) => self.inbox.push(News::TryAgain(key)),
            Action::Reply(call, reply) => {
                if let Some(caller) = self.replies.remove(&call) {
                    let _ = caller.send(reply); // the caller no longer waits
                }
            }
            Action::Report(report) => report.emit(&self.realm, &self.me),
            Action::Ready => ctx.acknowledge(Ok(())),
            Action::Finish(finish) => {
                self.finished = true;
                ctx.exit(finish.reason());
                let _ = self.finish.set(finish); // a child's supervisor may end more than once
            }
        }
    }

    /// Starts the child in the mailbox that it has, so that its address stays good, or in a new one.
    fn start(&mut self, key: Key) {
        if self.books.actor(key).is_some() {
            return self.order(key, Order::Begin { after: Duration::ZERO });
        }
        match self.spawn(key) {
            Ok(actor) => self.books.hold(key, actor),
            Err(error) => {
                let reason = ExitReason::Failed(error.to_string().into());
                self.inbox.push(News::NotSpawned(key, reason));
            }
        }
    }

    fn spawn(&self, key: Key) -> Result<ActorRef, SpawnError> {
        let unknown = SpawnError::Failed { reason: ExitReason::NoProc };
        let spec = &self.books.get(key).ok_or(unknown)?.spec;
        let inbox = self.inbox.clone();
        let origin = Origin {
            realm: self.realm.clone(),
            parent: Some(self.me.id()),
            path: format!("{}/{}", self.me.path(), spec.id).into(),
            kind: spec.kind,
            policy: spec.restart.word(),
            tell: Some(Arc::new(move |actor, change| inbox.push(News::Child(actor, change)))),
        };
        spec.start.start(origin)
    }

    fn order(&self, key: Key, order: Order) {
        if let Some(actor) = self.books.actor(key) {
            actor.mailbox().order(order);
        }
    }

    fn discard(&mut self, key: Key) {
        if let Some(owned) = self.books.release(key) {
            let reason = owned.0.last_exit().unwrap_or(ExitReason::Normal);
            owned.discard(reason);
        }
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

    /// What a child's news mean to the machine.
    fn hear(&mut self, actor: ActorId, change: Change) -> Option<Event> {
        // An actor that was abandoned or discarded may still tell of its end.
        let key = self.books.key(actor)?;
        match change {
            Change::Started => Some(Event::Started(key)),
            Change::Ignored => Some(Event::Ignored(key)),
            Change::StartFailed(reason) => Some(Event::StartFailed(key, reason)),
            Change::Exited(reason) => Some(Event::Exited(key, reason)),
            Change::Slept => None,
            Change::Lost => {
                // Its mailbox has no shell any more: if it comes back, then in another one.
                drop(self.books.release(key));
                Some(Event::StartFailed(key, ExitReason::Killed))
            }
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.add_stream(Reading::new(self.inbox.clone()));
        // The children of a life that was killed may still be busy on other threads.
        let left = self.realm.descendants(self.me.id());
        if left.is_empty() {
            return self.step(Event::Boot, ctx);
        }
        let over = owned::are_over(left).into_actor(self);
        ctx.wait(over.map(|(), supervisor, ctx| supervisor.step(Event::Boot, ctx)));
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
            News::TryAgain(key) => Some(Event::TryAgain(key)),
            News::NotSpawned(key, reason) => Some(Event::StartFailed(key, reason)),
            News::Child(actor, change) => self.hear(actor, change),
        };
        if let Some(event) = event {
            self.step(event, ctx);
        }
    }
}

/// A supervisor traps exits, as in OTP: only its own supervisor's end ends it.
impl Handler<Exit> for Supervisor {
    type Result = ();

    fn handle(&mut self, exit: Exit, ctx: &mut Context<Self>) {
        if self.me.mailbox().about().parent == Some(exit.from) {
            self.step(Event::Halt(exit.reason), ctx);
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("machine", &self.machine).finish_non_exhaustive()
    }
}
