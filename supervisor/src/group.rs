//! Groups: many actors under one name.

use std::{collections::BTreeMap, sync::Arc};

use actix::{Actor, Context};
use dashmap::DashMap;

use crate::{
    actor_ref::ActorRef,
    address::Address,
    inspect::{ActorId, State},
};

/// Groups of actors. An actor leaves its groups when it is gone, not when it restarts.
#[derive(Debug)]
pub struct Groups {
    max_members: usize,
    groups: DashMap<Arc<str>, BTreeMap<ActorId, ActorRef>>,
    /// The groups that each actor is in.
    joined: DashMap<ActorId, Vec<Arc<str>>>,
}

impl Groups {
    pub(crate) fn new(max_members: usize) -> Self {
        Self { max_members, groups: DashMap::new(), joined: DashMap::new() }
    }

    /// The members, in the order of their first starts.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<ActorRef> {
        let members = self.groups.get(group);
        members.map(|members| members.values().cloned().collect()).unwrap_or_default()
    }

    /// The addresses of the members that are an `A`.
    #[must_use]
    pub fn addresses<A: Actor<Context = Context<A>>>(&self, group: &str) -> Vec<Address<A>> {
        self.members(group).iter().filter_map(ActorRef::address).collect()
    }

    /// The running member with the least to do.
    #[must_use]
    pub fn pick<A: Actor<Context = Context<A>>>(&self, group: &str) -> Option<Address<A>> {
        let members = self.members(group);
        let running = members.iter().map(|member| (member, member.row()));
        let running = running.filter(|(_, row)| row.state == State::Running);
        let least = running.min_by_key(|(_, row)| row.queued + row.awaiting);
        least.and_then(|(member, _)| member.address())
    }

    /// Adds a member. False when the group is full or has it already, or the actor is gone.
    pub fn join(&self, group: &str, member: &ActorRef) -> bool {
        let group: Arc<str> = group.into();
        let mut members = self.groups.entry(group.clone()).or_default();
        let joins = members.len() < self.max_members && !members.contains_key(&member.id());
        if joins {
            members.insert(member.id(), member.clone());
        }
        drop(members);
        if joins {
            self.joined.entry(member.id()).or_default().push(group.clone());
        }
        // Looked at last: an actor that ends from now on finds itself in the group and leaves it.
        if member.closed().is_some() {
            self.leave(&group, member);
            return false;
        }
        joins
    }

    /// Removes a member.
    pub fn leave(&self, group: &str, member: &ActorRef) {
        self.remove(group, member.id());
        if let Some(mut groups) = self.joined.get_mut(&member.id()) {
            groups.retain(|known| &**known != group);
        }
        self.joined.remove_if(&member.id(), |_, groups| groups.is_empty());
    }

    /// Removes a member from all its groups.
    pub(crate) fn leave_all(&self, member: ActorId) {
        for group in self.joined.remove(&member).map(|(_, groups)| groups).unwrap_or_default() {
            self.remove(&group, member);
        }
    }

    fn remove(&self, group: &str, member: ActorId) {
        if let Some(mut members) = self.groups.get_mut(group) {
            members.remove(&member);
        }
        self.groups.remove_if(group, |_, members| members.is_empty());
    }
}
