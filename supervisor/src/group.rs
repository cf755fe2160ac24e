//! Groups: many actors under one name.

use std::sync::Arc;

use actix::{Actor, Context};
use dashmap::DashMap;

use crate::{actor_ref::ActorRef, address::Address, inspect::State};

/// Groups of actors. An actor leaves its groups when it is gone, not when it restarts.
#[derive(Debug)]
pub struct Groups {
    max_members: usize,
    groups: DashMap<Arc<str>, Vec<ActorRef>>,
}

impl Groups {
    pub(crate) fn new(max_members: usize) -> Self {
        Self { max_members, groups: DashMap::new() }
    }

    /// The members, in the order in which they joined.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<ActorRef> {
        self.groups.get(group).map(|members| members.clone()).unwrap_or_default()
    }

    /// The addresses of the members that are an `A`.
    #[must_use]
    pub fn addresses<A: Actor<Context = Context<A>>>(&self, group: &str) -> Vec<Address<A>> {
        self.members(group).iter().filter_map(ActorRef::address).collect()
    }

    /// The running member with the least to do.
    #[must_use]
    pub fn pick<A: Actor<Context = Context<A>>>(&self, group: &str) -> Option<Address<A>> {
        let members = self.groups.get(group)?;
        let running = members.iter().map(|member| (member, member.row()));
        let running = running.filter(|(_, row)| row.state == State::Running);
        let least = running.min_by_key(|(_, row)| row.queued + row.awaiting);
        least.and_then(|(member, _)| member.address())
    }

    /// Adds a member. False when the group is full, or has it already.
    pub fn join(&self, group: &str, member: &ActorRef) -> bool {
        let mut members = self.groups.entry(group.into()).or_default();
        let joins = members.len() < self.max_members && !members.contains(member);
        if joins && member.closed().is_none() {
            members.push(member.clone());
        }
        joins
    }

    /// Removes a member.
    pub fn leave(&self, group: &str, member: &ActorRef) {
        if let Some(mut members) = self.groups.get_mut(group) {
            members.retain(|known| known != member);
        }
        self.groups.remove_if(group, |_, members| members.is_empty());
    }
}
