//! Who wants to know when an actor ends: links and monitors.

use std::collections::HashMap;

use crate::{
    actor_ref::{ActorRef, WeakRef},
    exit::ExitReason,
    inspect::ActorId,
    mailbox::Order,
};

/// Links and monitors of one actor, each kind. Enough for everything in a large program to watch
/// one actor, and a bound all the same.
pub(crate) const LIMIT: usize = 1 << 20;

/// Runs once, when the watched actor ends.
pub(crate) type OnDown = Box<dyn FnOnce(ActorId, ExitReason) + Send>;

/// The links and monitors of one incarnation.
#[derive(Default)]
pub(crate) struct Watchers {
    /// Boxed: most actors have none, and there may be hundreds of thousands of actors.
    lists: Option<Box<Lists>>,
}

#[derive(Default)]
struct Lists {
    /// Each with the ends that the peer had had when it was linked.
    links: HashMap<ActorId, (ActorRef, u64)>,
    monitors: HashMap<u64, OnDown>,
    /// Whom this life monitors; its monitors end with it.
    watched: HashMap<u64, WeakRef>,
}

impl Watchers {
    /// Adds a link; one more to the same actor changes nothing. False when there is no room.
    pub(crate) fn link(&mut self, peer: ActorRef, exits: u64) -> bool {
        let links = &mut self.lists.get_or_insert_default().links;
        let room = links.len() < LIMIT;
        if room {
            links.insert(peer.id(), (peer, exits));
        }
        room
    }

    pub(crate) fn unlink(&mut self, peer: ActorId) {
        if let Some(lists) = &mut self.lists {
            lists.links.remove(&peer);
        }
    }

    /// Adds a monitor. Gives it back when there is no room.
    pub(crate) fn monitor(&mut self, number: u64, monitor: OnDown) -> Result<(), OnDown> {
        let monitors = &mut self.lists.get_or_insert_default().monitors;
        if monitors.len() >= LIMIT {
            return Err(monitor);
        }
        monitors.insert(number, monitor);
        Ok(())
    }

    pub(crate) fn demonitor(&mut self, number: u64) -> bool {
        self.lists.as_mut().is_some_and(|lists| lists.monitors.remove(&number).is_some())
    }

    /// Notes that this life monitors `target`. False when there is no room.
    pub(crate) fn watch(&mut self, number: u64, target: &ActorRef) -> bool {
        let watched = &mut self.lists.get_or_insert_default().watched;
        let room = watched.len() < LIMIT;
        if room {
            watched.insert(number, target.downgrade());
        }
        room
    }

    pub(crate) fn unwatch(&mut self, number: u64) -> bool {
        self.lists.as_mut().is_some_and(|lists| lists.watched.remove(&number).is_some())
    }

    pub(crate) fn links(&self) -> Vec<ActorId> {
        self.lists.iter().flat_map(|lists| lists.links.keys().copied()).collect()
    }

    /// Tells everybody, and ends this life's own monitors.
    pub(crate) fn tell(self, from: ActorId, reason: &ExitReason) {
        let Some(lists) = self.lists else { return };
        for (number, target) in lists.watched {
            if let Some(target) = target.upgrade() {
                target.mailbox().demonitor(number);
            }
        }
        for (peer, exits) in lists.links.into_values() {
            peer.mailbox().unlink(from);
            peer.mailbox().order(Order::Exit { from, reason: reason.clone(), exits: Some(exits) });
        }
        for monitor in lists.monitors.into_values() {
            monitor(from, reason.clone());
        }
    }
}
