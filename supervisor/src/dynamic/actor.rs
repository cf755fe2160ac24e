//! The supervisor itself: decides about each child that ends.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Running, StreamHandler};

use super::{
    Children, Key,
    children::Keeper,
    policy::{Decision, Record},
};
use crate::{
    actor_ref::ActorRef,
    event::Happening,
    exit::ExitReason,
    inspect::{ActorId, State},
    link::Owned,
    mailbox::{AnyMailbox, Mailbox, Order},
    realm::{Realm, place},
    shell::{Change, Tell},
    spec::Birth,
    supervisor::{Inbox, Reading},
};

/// Who holds a sleeping child's mailbox when nobody has its address: the directory, the index of
/// the realm, this supervisor, the shell, and the mailbox itself as the reader of its channel.
const HOLDERS: usize = 5;
/// Sleeping children looked at in one round.
const ROUND: usize = 4096;

/// A dynamic supervisor. Made from a [`super::DynamicSpec`], asked through [`Children`].
pub struct DynamicSupervisor<K: Key, A: Actor<Context = Context<A>>> {
    pub(super) children: Children<K, A>,
    me: ActorRef,
    pub(super) realm: Arc<Realm>,
    inbox: Arc<Inbox<News<K, A>>>,
    /// How children tell their changes; one for all of them.
    tell: Tell,
    pub(super) entries: HashMap<ActorId, Entry<K>>,
    /// Children that fell asleep while somebody had their address.
    sleepers: VecDeque<ActorId>,
    /// When to kill a child that was asked to end, and when to drop one that was killed. At most
    /// two for each child that leaves.
    pub(super) deadlines: BinaryHeap<Reverse<(Duration, ActorId)>>,
    pub(super) armed: bool,
    pub(super) halting: bool,
}

pub(super) struct Entry<K> {
    key: K,
    pub(super) owned: Owned,
    /// Boxed, and made at the first failure: most children have none.
    record: Option<Box<Record>>,
    /// It does not come back when it has ended.
    pub(super) leaving: bool,
    pub(super) killed: bool,
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
            entries: HashMap::new(),
            sleepers: VecDeque::new(),
            deadlines: BinaryHeap::new(),
            armed: false,
            halting: false,
        }
    }

    fn added(&mut self, key: K, mailbox: &Arc<Mailbox<A>>) {
        let owned = Owned(mailbox.actor_ref());
        if place(mailbox, Some(self.tell.clone())).is_err() {
            return self.children.shared().remove(&key);
        }
        let entry = Entry { key, owned, record: None, leaving: false, killed: false };
        self.entries.insert(mailbox.about().id, entry);
        if self.halting {
            self.terminate(mailbox.about().id);
        }
    }

    fn ended(&mut self, actor: ActorId, reason: &ExitReason) {
        match self.decide(actor, reason) {
            Some(Decision::RestartAfter(after)) => self.order(actor, Order::Begin { after }),
            Some(Decision::Quarantine) => self.quarantine(actor, reason),
            Some(Decision::Forget) => self.forget(actor, reason.clone()),
            None => {}
        }
    }

    fn decide(&mut self, actor: ActorId, reason: &ExitReason) -> Option<Decision> {
        let entry = self.entries.get_mut(&actor)?;
        if entry.leaving {
            return Some(Decision::Forget);
        }
        let (spec, now) = (&self.children.shared().spec, self.realm.now());
        let record = entry.record.get_or_insert_default();
        let decision = record.decide(&spec.backoff, spec.restart, reason, now, (spec.dice)());
        entry.owned.0.mailbox().set_budget_left(record.left(&spec.backoff));
        Some(decision)
    }

    fn order(&self, actor: ActorId, order: Order) {
        if let Some(entry) = self.entries.get(&actor) {
            entry.owned.0.mailbox().order(order);
        }
    }

    fn quarantine(&self, actor: ActorId, reason: &ExitReason) {
        let Some(entry) = self.entries.get(&actor) else { return };
        let mailbox = entry.owned.0.mailbox();
        tracing::warn!(child = %mailbox.path(), %reason, "child put into quarantine");
        let closed = ExitReason::Quarantined(reason.to_string().into());
        mailbox.close(closed);
        mailbox.enter(State::Quarantined);
        self.realm.emit(mailbox.about(), Happening::Quarantined { reason: reason.clone() });
    }

    pub(super) fn forget(&mut self, actor: ActorId, reason: ExitReason) {
        if let Some(entry) = self.entries.remove(&actor) {
            self.children.shared().remove(&entry.key);
            entry.owned.discard(reason);
        }
    }

    fn resume(&mut self, actor: ActorId) {
        let Some(entry) = self.entries.get_mut(&actor) else { return };
        let mailbox = entry.owned.0.mailbox();
        if mailbox.state() == State::Quarantined {
            entry.record = None;
            mailbox.set_budget_left(self.children.shared().spec.backoff.restarts);
            mailbox.reopen();
            mailbox.order(Order::Begin { after: Duration::ZERO });
        }
    }

    fn slept(&mut self, actor: ActorId) {
        let Some(entry) = self.entries.get(&actor) else { return };
        if entry.owned.0.state() != State::Asleep {
            return; // it is awake again
        }
        if entry.leaving || self.children.shared().remove_if_unknown(&entry.key, HOLDERS) {
            self.forget(actor, ExitReason::Normal);
        } else {
            self.sleepers.push_back(actor);
        }
    }

    /// Looks again at children that fell asleep while somebody had their address.
    fn sweep(&mut self) {
        for _ in 0..self.sleepers.len().min(ROUND) {
            if let Some(actor) = self.sleepers.pop_front() {
                self.slept(actor);
            }
        }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> Actor for DynamicSupervisor<K, A> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.add_stream(Reading::new(self.inbox.clone()));
        self.children.shared().open(Keeper {
            realm: self.realm.clone(),
            id: self.me.id(),
            path: self.me.path(),
            inbox: self.inbox.clone(),
        });
        if let Some(idle) = self.children.shared().spec.passivate {
            ctx.run_interval(idle, |supervisor, _| supervisor.sweep());
        }
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) -> Running {
        if !self.halting {
            self.halt(ctx);
        }
        if self.entries.is_empty() { Running::Stop } else { Running::Continue }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> StreamHandler<News<K, A>> for DynamicSupervisor<K, A> {
    fn handle(&mut self, news: News<K, A>, ctx: &mut Context<Self>) {
        match news {
            News::Added(key, mailbox) => self.added(key, &mailbox),
            News::Terminate(actor) => self.terminate(actor),
            News::Resume(actor) => self.resume(actor),
            News::Child(actor, Change::StartFailed(reason) | Change::Exited(reason)) => {
                self.ended(actor, &reason);
            }
            News::Child(actor, Change::Lost) => self.forget(actor, ExitReason::Killed),
            News::Child(actor, Change::Ignored) => self.forget(actor, ExitReason::Normal),
            News::Child(actor, Change::Slept) => self.slept(actor),
            News::Child(_, Change::Started) => {}
        }
        self.rest(ctx);
    }
}

/// However the supervisor ends, no child stays without one.
impl<K: Key, A: Actor<Context = Context<A>>> Drop for DynamicSupervisor<K, A> {
    fn drop(&mut self) {
        self.entries.clear();
        self.children.shared().clear();
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> fmt::Debug for DynamicSupervisor<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicSupervisor")
            .field("children", &self.entries.len())
            .finish_non_exhaustive()
    }
}
