//! The supervisor itself: decides about each child that ends.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use actix::{
    Actor, AsyncContext, Context, Handler, Running, SpawnHandle, StreamHandler, WrapFuture,
    fut::ActorFutureExt,
};

use super::{
    Children, Key,
    directory::Keeper,
    entry::{Entries, Stage},
    policy::Decision,
};
use crate::{
    actor_ref::ActorRef,
    context::ContextExt,
    event::Happening,
    exit::ExitReason,
    inspect::{ActorId, State},
    link::Exit,
    mailbox::{AnyMailbox, Mailbox, Order},
    owned::{Owned, are_over},
    realm::{Realm, place},
    shell::{Change, Tell},
    spec::Birth,
    supervisor::{Inbox, Reading, Report, ReportKind},
};

/// A dynamic supervisor. Made from a [`super::DynamicSpec`], asked through [`Children`].
pub struct DynamicSupervisor<K: Key, A: Actor<Context = Context<A>>> {
    pub(super) children: Children<K, A>,
    me: ActorRef,
    pub(super) realm: Arc<Realm>,
    pub(super) inbox: Arc<Inbox<News<K, A>>>,
    /// How children tell their changes; one for all of them.
    tell: Tell,
    pub(super) entries: Entries<K>,
    /// Children that fell asleep while somebody had their address. Each once, and some that have
    /// gone since the last look.
    pub(super) sleepers: VecDeque<ActorId>,
    pub(super) timer: Option<(Duration, SpawnHandle)>,
    pub(super) halting: bool,
}

/// What the supervisor hears. Bounded by its children: each has one change under way, and the few
/// calls about it.
pub(super) enum News<K: Key, A: Actor<Context = Context<A>>> {
    Added(K, Arc<Mailbox<A>>),
    Child(ActorId, Change),
    Terminate(ActorId),
    Resume(ActorId),
}

impl<K: Key, A: Actor<Context = Context<A>>> DynamicSupervisor<K, A> {
    pub(super) fn new(children: Children<K, A>, birth: &Birth<Self>) -> Self {
        let inbox = Inbox::new();
        let news = inbox.clone();
        Self {
            children,
            me: birth.address().actor(),
            realm: birth.address().mailbox().realm().clone(),
            tell: Arc::new(move |actor, change| news.push(News::Child(actor, change))),
            inbox,
            entries: Entries::new(),
            sleepers: VecDeque::new(),
            timer: None,
            halting: false,
        }
    }

    /// Accepts children, once those of the life before are over.
    fn open(&mut self, ctx: &mut Context<Self>) {
        if !self.halting {
            self.children.directory().open(Keeper {
                realm: self.realm.clone(),
                id: self.me.id(),
                path: self.me.path(),
                inbox: self.inbox.clone(),
            });
        }
        ctx.acknowledge(Ok(()));
    }

    fn added(&mut self, key: K, mailbox: &Arc<Mailbox<A>>) {
        let (actor, owned) = (mailbox.about().id, Owned(mailbox.actor_ref()));
        self.entries.add(actor, key, owned);
        if place(mailbox, Some(self.tell.clone())).is_err() {
            self.report(ReportKind::StartError, actor, &ExitReason::NoProc);
            return self.forget(actor, ExitReason::NoProc);
        }
        self.starting(actor, Duration::ZERO);
        if self.halting {
            self.terminate(actor);
        }
    }

    /// The child begins after a while; from then on it has its time to start.
    fn starting(&mut self, actor: ActorId, after: Duration) {
        let limit = self.children.directory().spec.start_limit;
        let until = self.realm.now().checked_add(after).and_then(|at| at.checked_add(limit));
        self.entries.enter(actor, Stage::Starting, until);
    }

    fn started(&mut self, actor: ActorId) {
        if self.entries.stage(actor) == Some(Stage::Starting) {
            self.entries.enter(actor, Stage::Settled, None);
        }
    }

    fn ended(&mut self, actor: ActorId, kind: ReportKind, reason: ExitReason) {
        let shutdown = self.children.directory().spec.shutdown;
        match self.entries.stage(actor) {
            None => {}
            Some(Stage::Leaving | Stage::Killed) => {
                if shutdown.missed(&reason) {
                    self.report(ReportKind::ShutdownError, actor, &reason);
                }
                self.forget(actor, reason);
            }
            Some(Stage::Late) => self.failed(actor, kind, ExitReason::StartTimeout),
            Some(Stage::Starting | Stage::Settled) => self.failed(actor, kind, reason),
        }
    }

    fn failed(&mut self, actor: ActorId, kind: ReportKind, reason: ExitReason) {
        let decision = self.decide(actor, &reason);
        if decision != Some(Decision::Forget) || !reason.is_normal() {
            self.report(kind, actor, &reason);
        }
        match decision {
            Some(Decision::RestartAfter(after)) => {
                self.starting(actor, after);
                self.order(actor, Order::Begin { after });
            }
            Some(Decision::Quarantine) => self.quarantine(actor, &reason),
            Some(Decision::Forget) => self.forget(actor, reason),
            None => {}
        }
    }

    fn decide(&mut self, actor: ActorId, reason: &ExitReason) -> Option<Decision> {
        let entry = self.entries.get_mut(actor)?;
        let (spec, now) = (&self.children.directory().spec, self.realm.now());
        let record = entry.record.get_or_insert_default();
        let decision = record.decide(&spec.backoff, spec.restart, reason, now, (spec.dice)());
        entry.owned.0.mailbox().set_budget_left(record.left(&spec.backoff));
        Some(decision)
    }

    pub(super) fn order(&self, actor: ActorId, order: Order) {
        if let Some(entry) = self.entries.get(actor) {
            entry.owned.0.mailbox().order(order);
        }
    }

    pub(super) fn report(&self, kind: ReportKind, actor: ActorId, reason: &ExitReason) {
        if let Some(entry) = self.entries.get(actor) {
            let child = entry.key.to_string().into();
            Report { kind, child, reason: Some(reason.clone()) }.emit(&self.realm, &self.me);
        }
    }

    fn quarantine(&mut self, actor: ActorId, reason: &ExitReason) {
        self.entries.enter(actor, Stage::Settled, None);
        let Some(entry) = self.entries.get(actor) else { return };
        let mailbox = entry.owned.0.mailbox();
        tracing::warn!(child = %mailbox.path(), %reason, "child put into quarantine");
        let closed = ExitReason::Quarantined(reason.to_string().into());
        mailbox.close(closed);
        mailbox.enter(State::Quarantined);
        self.realm.emit(mailbox.about(), Happening::Quarantined { reason: reason.clone() });
    }

    /// Drops a child whose last life is over.
    pub(super) fn forget(&mut self, actor: ActorId, reason: ExitReason) {
        if let Some(entry) = self.entries.remove(actor) {
            self.children.directory().remove(&entry.key, actor);
            entry.owned.discard(reason);
        }
    }

    fn resume(&mut self, actor: ActorId) {
        let backoff = self.children.directory().spec.backoff;
        let Some(entry) = self.entries.get_mut(actor) else { return };
        let mailbox = entry.owned.0.mailbox();
        if mailbox.state() == State::Quarantined {
            entry.record = None;
            mailbox.set_budget_left(backoff.restarts);
            mailbox.reopen();
            mailbox.order(Order::Begin { after: Duration::ZERO });
            self.starting(actor, Duration::ZERO);
        }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> Actor for DynamicSupervisor<K, A> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.add_stream(Reading::new(self.inbox.clone()));
        if let Some(idle) = self.children.directory().spec.passivate {
            ctx.run_interval(idle, Self::sweep);
        }
        // The children of a life that was killed may still be busy on other threads.
        let left = self.children.directory().take_over();
        if left.is_empty() {
            return self.open(ctx);
        }
        let over = are_over(left).into_actor(self);
        ctx.wait(over.map(|(), supervisor, ctx| supervisor.open(ctx)));
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) -> Running {
        self.halt(ctx);
        if self.entries.is_empty() { Running::Stop } else { Running::Continue }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> StreamHandler<News<K, A>> for DynamicSupervisor<K, A> {
    fn handle(&mut self, news: News<K, A>, ctx: &mut Context<Self>) {
        match news {
            News::Added(key, mailbox) => self.added(key, &mailbox),
            News::Terminate(actor) => self.terminate(actor),
            News::Resume(actor) => self.resume(actor),
            News::Child(actor, change) => match change {
                Change::Started => self.started(actor),
                Change::StartFailed(reason) => self.ended(actor, ReportKind::StartError, reason),
                Change::Exited(reason) => self.ended(actor, ReportKind::ChildTerminated, reason),
                Change::Ignored => self.forget(actor, ExitReason::Normal),
                Change::Slept => self.slept(actor),
                Change::Lost => {
                    self.report(ReportKind::ChildTerminated, actor, &ExitReason::Killed);
                    self.lost(actor, ExitReason::Killed);
                }
            },
        }
        self.rest(ctx);
    }
}

/// A supervisor traps exits, as in OTP: only its own supervisor's end ends it.
impl<K: Key, A: Actor<Context = Context<A>>> Handler<Exit> for DynamicSupervisor<K, A> {
    type Result = ();

    fn handle(&mut self, exit: Exit, ctx: &mut Context<Self>) {
        if self.me.mailbox().about().parent == Some(exit.from) {
            self.halt(ctx);
            self.rest(ctx);
        }
    }
}

/// However the supervisor ends, no child stays without one.
impl<K: Key, A: Actor<Context = Context<A>>> Drop for DynamicSupervisor<K, A> {
    fn drop(&mut self) {
        self.entries.clear();
        if self.children.directory().close(&self.inbox) {
            self.children.directory().set_aside();
        }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> fmt::Debug for DynamicSupervisor<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicSupervisor")
            .field("children", &self.entries.len())
            .finish_non_exhaustive()
    }
}
