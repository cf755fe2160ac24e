//! The children by their keys: found without asking the supervisor.

use std::{fmt, sync::Arc};

use actix::{Actor, Context};
use dashmap::{DashMap, Entry};
use parking_lot::RwLock;

use super::{DynamicSpec, Key, actor::News};
use crate::{
    address::Address,
    budget::Budget,
    exit::ExitReason,
    inspect::{ActorId, State},
    mailbox::{AnyMailbox, Mailbox},
    realm::{Origin, Realm, give_up},
    spec::Kind,
    supervisor::{ChildCounts, Inbox, SupervisorError},
};

/// The children of a dynamic supervisor. Clones are the same children.
pub struct Children<K: Key, A: Actor<Context = Context<A>>> {
    shared: Arc<Shared<K, A>>,
}

pub(super) struct Shared<K: Key, A: Actor<Context = Context<A>>> {
    pub(super) spec: Arc<DynamicSpec<K, A>>,
    by_key: DashMap<K, Arc<Mailbox<A>>>,
    room: Budget,
    /// The supervisor, while it runs. Held for reading by whoever adds a child, so that none is
    /// added behind the back of a supervisor that goes.
    keeper: RwLock<Option<Keeper<K, A>>>,
}

/// What the children need of their supervisor.
pub(super) struct Keeper<K: Key, A: Actor<Context = Context<A>>> {
    pub(super) realm: Arc<Realm>,
    pub(super) id: ActorId,
    pub(super) path: Arc<str>,
    pub(super) inbox: Arc<Inbox<News<K, A>>>,
}

/// A child in quarantine.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined<K> {
    /// Its key.
    pub key: K,
    /// Why.
    pub reason: ExitReason,
}

impl<K: Key, A: Actor<Context = Context<A>>> Children<K, A> {
    pub(super) fn new(spec: Arc<DynamicSpec<K, A>>) -> Self {
        let room = Budget::new(spec.max_children);
        let (by_key, keeper) = (DashMap::new(), RwLock::new(None));
        Self { shared: Arc::new(Shared { spec, by_key, room, keeper }) }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<K, A>> {
        &self.shared
    }

    /// The child with this key, started if it does not run. One that is waiting for a restart
    /// answers when it has been restarted.
    ///
    /// # Errors
    /// When it does not start, is in quarantine, there is no room for it, or the supervisor does
    /// not run.
    pub async fn get_or_start(&self, key: &K) -> Result<Address<A>, SupervisorError> {
        let address = match self.get(key) {
            Some(address) => address,
            None => self.add(key)?,
        };
        let actor = address.actor();
        match actor.reaches(|state| state != State::Starting).await {
            State::Quarantined | State::Gone => Err(SupervisorError::StartFailed(actor.fate())),
            _ if !actor.mailbox().has_run() => Err(SupervisorError::StartFailed(actor.fate())),
            _ => Ok(address),
        }
    }

    /// The child with this key, whatever it is doing.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<Address<A>> {
        self.shared.by_key.get(key).map(|mailbox| Address::new(mailbox.clone()))
    }

    /// Stops a child and forgets it, also one in quarantine.
    ///
    /// # Errors
    /// When there is no such child, or the supervisor does not run or is busy.
    pub async fn terminate(&self, key: &K) -> Result<(), SupervisorError> {
        let child = self.get(key).ok_or(SupervisorError::NotFound)?.actor();
        self.send(News::Terminate(child.id()))?;
        child.reaches(|state| state == State::Gone).await;
        Ok(())
    }

    /// Starts a child in quarantine again, with a full budget.
    ///
    /// # Errors
    /// When there is no such child, it is not in quarantine, or it does not start.
    pub async fn resume(&self, key: &K) -> Result<Address<A>, SupervisorError> {
        let child = self.get(key).ok_or(SupervisorError::NotFound)?;
        let actor = child.actor();
        if actor.state() != State::Quarantined {
            return Err(SupervisorError::Running);
        }
        self.send(News::Resume(actor.id()))?;
        let started = |state| !matches!(state, State::Quarantined | State::Starting);
        match actor.reaches(started).await {
            State::Running => Ok(child),
            _ => Err(SupervisorError::StartFailed(actor.fate())),
        }
    }

    /// The children in quarantine, and why.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined<K>> {
        let in_quarantine = self.shared.by_key.iter().filter_map(|entry| {
            let (key, mailbox) = entry.pair();
            let reason = mailbox.closed().filter(|_| mailbox.state() == State::Quarantined)?;
            Some(Quarantined { key: key.clone(), reason })
        });
        in_quarantine.collect()
    }

    /// The keys of all children, in no order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.shared.by_key.iter().map(|entry| entry.key().clone()).collect()
    }

    /// How many children there are; active are those that are not asleep or in quarantine.
    #[must_use]
    pub fn count(&self) -> ChildCounts {
        let specs = self.shared.by_key.len();
        let idle = |state| matches!(state, State::Asleep | State::Quarantined);
        let resting = self.shared.by_key.iter().filter(|entry| idle(entry.value().state()));
        ChildCounts { specs, active: specs - resting.count(), supervisors: 0, workers: specs }
    }

    /// OTP's `restart_child`: a dynamic supervisor has no stopped specs to restart.
    ///
    /// # Errors
    /// Always [`SupervisorError::Dynamic`].
    pub fn restart_child(&self, _: &K) -> Result<Address<A>, SupervisorError> {
        Err(SupervisorError::Dynamic)
    }

    /// OTP's `delete_child`: a dynamic supervisor has no stopped specs to delete.
    ///
    /// # Errors
    /// Always [`SupervisorError::Dynamic`].
    pub fn delete_child(&self, _: &K) -> Result<(), SupervisorError> {
        Err(SupervisorError::Dynamic)
    }

    fn send(&self, news: News<K, A>) -> Result<(), SupervisorError> {
        let keeper = self.shared.keeper.read();
        let keeper = keeper.as_ref().ok_or(SupervisorError::ShuttingDown)?;
        if keeper.inbox.call(news) { Ok(()) } else { Err(SupervisorError::Busy) }
    }

    /// Makes the child's mailbox and has the supervisor start it.
    fn add(&self, key: &K) -> Result<Address<A>, SupervisorError> {
        let shared = &self.shared;
        let keeper = shared.keeper.read();
        let keeper = keeper.as_ref().ok_or(SupervisorError::ShuttingDown)?;
        match shared.by_key.entry(key.clone()) {
            Entry::Occupied(known) => Ok(Address::new(known.get().clone())),
            Entry::Vacant(free) => {
                let limit = shared.spec.max_children;
                if !shared.room.take() {
                    return Err(SupervisorError::Full { limit });
                }
                let mailbox = keeper.prepare(&shared.spec, key).inspect_err(|_| {
                    shared.room.give_back(1);
                })?;
                free.insert(mailbox.clone());
                keeper.inbox.push(News::Added(key.clone(), mailbox.clone()));
                Ok(Address::new(mailbox))
            }
        }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> Keeper<K, A> {
    fn prepare(
        &self,
        spec: &DynamicSpec<K, A>,
        key: &K,
    ) -> Result<Arc<Mailbox<A>>, SupervisorError> {
        let mut actor = (spec.make)(key);
        actor.check()?;
        actor.idle = actor.idle.or(spec.passivate);
        let origin = Origin {
            realm: self.realm.clone(),
            parent: Some(self.id),
            path: format!("{}/{key}", self.path).into(),
            kind: Kind::Worker,
            policy: "dynamic",
            tell: None,
        };
        origin.prepare(Arc::new(actor)).map_err(|error| {
            SupervisorError::StartFailed(ExitReason::Failed(error.to_string().into()))
        })
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> Shared<K, A> {
    pub(super) fn open(&self, keeper: Keeper<K, A>) {
        *self.keeper.write() = Some(keeper);
    }

    /// Refuses new children.
    pub(super) fn close(&self) {
        *self.keeper.write() = None;
    }

    /// Ends whatever the supervisor has left behind.
    pub(super) fn clear(&self) {
        self.close();
        let left: Vec<_> = self.by_key.iter().map(|entry| entry.value().clone()).collect();
        self.by_key.clear();
        self.room.give_back(left.len());
        for mailbox in left {
            if mailbox.closed().is_none() {
                give_up(&mailbox, ExitReason::Killed);
            }
        }
    }

    pub(super) fn remove(&self, key: &K) {
        if self.by_key.remove(key).is_some() {
            self.room.give_back(1);
        }
    }

    /// Forgets a sleeping child if nobody has its address: under the lock by which an address
    /// would be given out. False if somebody has.
    pub(super) fn remove_if_unknown(&self, key: &K, holders: usize) -> bool {
        let unknown = |_: &K, mailbox: &Arc<Mailbox<A>>| {
            Arc::strong_count(mailbox) <= holders && !mailbox.has_mail()
        };
        let removed = self.by_key.remove_if(key, unknown).is_some();
        if removed {
            self.room.give_back(1);
        }
        removed
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> Clone for Children<K, A> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> fmt::Debug for Children<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children").field("count", &self.shared.by_key.len()).finish_non_exhaustive()
    }
}
