//! All actors of a realm, in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU64,
    ops::Bound,
};

use parking_lot::RwLock;

use super::ActorId;
use crate::actor_ref::ActorRef;

/// Actors by number, and by supervisor. A supervisor is always started before its children, so the
/// order of numbers puts each actor after its supervisor.
#[derive(Debug, Default)]
pub(crate) struct Index {
    maps: RwLock<Maps>,
}

#[derive(Debug, Default)]
struct Maps {
    by_id: BTreeMap<ActorId, ActorRef>,
    by_parent: BTreeSet<(Option<ActorId>, ActorId)>,
}

impl Index {
    /// Adds an actor. False if there are `limit` already.
    pub(crate) fn add(&self, actor: ActorRef, limit: usize) -> bool {
        let (id, parent) = (actor.id(), actor.mailbox().about().parent);
        let mut maps = self.maps.write();
        if maps.by_id.len() >= limit {
            return false;
        }
        maps.by_id.insert(id, actor);
        maps.by_parent.insert((parent, id));
        true
    }

    pub(crate) fn remove(&self, actor: &ActorRef) {
        let (id, parent) = (actor.id(), actor.mailbox().about().parent);
        let mut maps = self.maps.write();
        maps.by_id.remove(&id);
        maps.by_parent.remove(&(parent, id));
    }

    pub(crate) fn find(&self, id: ActorId) -> Option<ActorRef> {
        self.maps.read().by_id.get(&id).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.maps.read().by_id.len()
    }

    /// The actor of a path: the names from the root on, with slashes between. Of several the first.
    /// Costs a look at the siblings of each of its ancestors.
    pub(crate) fn at(&self, path: &str) -> Option<ActorRef> {
        let maps = self.maps.read();
        let mut found: Option<&ActorRef> = None;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            let upper = path.get(..end)?;
            let siblings = maps.by_parent.range(children_of(found.map(ActorRef::id)));
            let mut siblings = siblings.filter_map(|(_, id)| maps.by_id.get(id));
            found = Some(siblings.find(|actor| &*actor.mailbox().about().path == upper)?);
        }
        found.cloned()
    }

    /// Up to `limit` actors after `after` that have at most `depth` ancestors, each after its
    /// supervisor.
    pub(crate) fn page(&self, after: Option<ActorId>, limit: usize, depth: usize) -> Vec<ActorRef> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let maps = self.maps.read();
        let actors = maps.by_id.range((from, Bound::Unbounded)).map(|(_, actor)| actor);
        let shown =
            actors.filter(|actor| depth == usize::MAX || actor.mailbox().about().depth() <= depth);
        shown.take(limit).cloned().collect()
    }

    /// Up to `limit` children of one supervisor after `after`, in the order of first starts.
    pub(crate) fn children(
        &self,
        parent: Option<ActorId>,
        after: Option<ActorId>,
        limit: usize,
    ) -> Vec<ActorRef> {
        let (first, to) = children_of(parent);
        let from = after.map_or(first, |after| Bound::Excluded((parent, after)));
        let maps = self.maps.read();
        let ids = maps.by_parent.range((from, to)).take(limit).map(|(_, id)| id);
        ids.filter_map(|id| maps.by_id.get(id).cloned()).collect()
    }
}

type Place = (Option<ActorId>, ActorId);

/// Where the children of one supervisor are in the order of supervisors.
fn children_of(parent: Option<ActorId>) -> (Bound<Place>, Bound<Place>) {
    let first = Bound::Included((parent, ActorId(NonZeroU64::MIN)));
    (first, Bound::Included((parent, ActorId(NonZeroU64::MAX))))
}
