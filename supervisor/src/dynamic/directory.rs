//! Which key has which child: shared by those who look for children and the supervisor they have.

use std::sync::Arc;

use actix::{Actor, Context};
use dashmap::{DashMap, Entry};
use parking_lot::{Mutex, RwLock};

use super::{DynamicSpec, Key, actor::News};
use crate::{
    actor_ref::ActorRef,
    address::Address,
    budget::Budget,
    crash,
    exit::ExitReason,
    inspect::{ActorId, State},
    mailbox::{AnyMailbox, Mailbox},
    realm::{Origin, Realm, give_up},
    spec::{ActorSpec, Kind},
    supervisor::{Inbox, SupervisorError},
};

/// The children by their keys. A key leads to one mailbox until that one's last life is over, and
/// whoever takes a mailbox out says which: so a key has one life at a time.
pub(super) struct Directory<K: Key, A: Actor<Context = Context<A>>> {
    pub(super) spec: DynamicSpec<K, A>,
    by_key: DashMap<K, Arc<Mailbox<A>>>,
    room: Budget,
    /// The supervisor, while it runs. Held for reading by whoever adds a child, so that none is
    /// added behind the back of a supervisor that goes.
    keeper: RwLock<Option<Keeper<K, A>>>,
    /// Children of a supervisor that ended before they did, for its successor to wait for. Bounded
    /// by `room`: a successor takes them before it opens.
    left: Mutex<Vec<ActorRef>>,
}

/// What the children need of their supervisor.
pub(super) struct Keeper<K: Key, A: Actor<Context = Context<A>>> {
    pub(super) realm: Arc<Realm>,
    pub(super) id: ActorId,
    pub(super) path: Arc<str>,
    /// Names the supervisor's life, too: each has its own.
    pub(super) inbox: Arc<Inbox<News<K, A>>>,
}

impl<K: Key, A: Actor<Context = Context<A>>> Directory<K, A> {
    pub(super) fn new(spec: DynamicSpec<K, A>) -> Self {
        let room = Budget::new(spec.max_children);
        Self {
            spec,
            by_key: DashMap::new(),
            room,
            keeper: RwLock::new(None),
            left: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<Address<A>> {
        self.by_key.get(key).map(|mailbox| Address::new(mailbox.clone()))
    }

    /// What `of` gives of each child.
    pub(super) fn collect<T>(&self, of: impl Fn(&K, &Mailbox<A>) -> Option<T>) -> Vec<T> {
        self.by_key.iter().filter_map(|entry| of(entry.key(), entry.value())).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn call(&self, news: News<K, A>) -> Result<(), SupervisorError> {
        let keeper = self.keeper.read();
        let keeper = keeper.as_ref().ok_or(SupervisorError::ShuttingDown)?;
        if keeper.inbox.call(news) { Ok(()) } else { Err(SupervisorError::Busy) }
    }

    /// Makes the child's mailbox and has the supervisor start it, unless somebody else has just
    /// done so. Whether it was this call.
    pub(super) fn add(&self, key: &K) -> Result<(Address<A>, bool), SupervisorError> {
        // Foreign code: before any lock, and dropped after them.
        let spec = Arc::new(self.make(key)?);
        let keeper = self.keeper.read();
        let keeper = keeper.as_ref().ok_or(SupervisorError::ShuttingDown)?;
        match self.by_key.entry(key.clone()) {
            Entry::Occupied(known) => Ok((Address::new(known.get().clone()), false)),
            Entry::Vacant(free) => {
                if !self.room.take() {
                    return Err(SupervisorError::Full { limit: self.spec.max_children });
                }
                let mailbox = keeper.prepare(key, &spec).inspect_err(|_| {
                    self.room.give_back(1);
                })?;
                free.insert(mailbox.clone());
                keeper.inbox.push(News::Added(key.clone(), mailbox.clone()));
                Ok((Address::new(mailbox), true))
            }
        }
    }

    fn make(&self, key: &K) -> Result<ActorSpec<A>, SupervisorError> {
        let made = crash::catch(|| (self.spec.make)(key)).map_err(|caught| {
            let words = format!("its spec panicked at {}: {}", caught.location, caught.text);
            SupervisorError::StartFailed(ExitReason::Failed(words.into()))
        });
        let mut actor = made?;
        actor.check()?;
        actor.idle = actor.idle.or(self.spec.passivate);
        Ok(actor)
    }

    /// Takes this actor out, and no other that may have its key by now.
    pub(super) fn remove(&self, key: &K, actor: ActorId) {
        if self.by_key.remove_if(key, |_, mailbox| mailbox.about().id == actor).is_some() {
            self.room.give_back(1);
        }
    }

    /// Takes a sleeping child out if nobody but `holders` has its address, under the lock by which
    /// an address would be given out; then no message can wake it any more. False if somebody has.
    pub(super) fn remove_if_unknown(&self, key: &K, actor: ActorId, holders: usize) -> bool {
        let unknown = |_: &K, mailbox: &Arc<Mailbox<A>>| {
            mailbox.about().id == actor
                && Arc::strong_count(mailbox) <= holders
                && mailbox.retire(ExitReason::Normal)
        };
        let removed = self.by_key.remove_if(key, unknown).is_some();
        if removed {
            self.room.give_back(1);
        }
        removed
    }

    /// Accepts children for this supervisor.
    pub(super) fn open(&self, keeper: Keeper<K, A>) {
        *self.keeper.write() = Some(keeper);
    }

    /// Refuses new children. False if another supervisor has taken over: then nothing changes.
    pub(super) fn close(&self, inbox: &Arc<Inbox<News<K, A>>>) -> bool {
        let mut keeper = self.keeper.write();
        let mine = keeper.as_ref().is_none_or(|keeper| Arc::ptr_eq(&keeper.inbox, inbox));
        if mine {
            *keeper = None;
        }
        mine
    }

    /// Sets aside whatever a supervisor leaves behind: what has a shell has been told to end.
    pub(super) fn set_aside(&self) {
        let mut set_aside = Vec::new();
        self.by_key.retain(|_, mailbox| {
            set_aside.push(mailbox.clone());
            false
        });
        self.room.give_back(set_aside.len());
        for mailbox in set_aside {
            if mailbox.closed().is_none() {
                give_up(&mailbox, ExitReason::Killed); // it was never placed
            } else if mailbox.state() != State::Gone {
                self.left.lock().push(mailbox.actor_ref());
            }
        }
    }

    /// What other supervisors have left behind, also one that was given up and is still there.
    pub(super) fn take_over(&self) -> Vec<ActorRef> {
        *self.keeper.write() = None;
        self.set_aside();
        let mut left = std::mem::take(&mut *self.left.lock());
        left.retain(|actor| actor.state() != State::Gone);
        left
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> Keeper<K, A> {
    fn prepare(
        &self,
        key: &K,
        actor: &Arc<ActorSpec<A>>,
    ) -> Result<Arc<Mailbox<A>>, SupervisorError> {
        let origin = Origin {
            realm: self.realm.clone(),
            parent: Some(self.id),
            path: format!("{}/{key}", self.path).into(),
            kind: Kind::Worker,
            policy: "dynamic",
            tell: None,
        };
        origin.prepare(actor.clone()).map_err(|error| {
            SupervisorError::StartFailed(ExitReason::Failed(error.to_string().into()))
        })
    }
}
