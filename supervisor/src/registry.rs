//! Names of actors. A name leads to the same address across restarts.

use std::sync::Arc;

use actix::{Actor, Context};
use dashmap::{DashMap, Entry};

use crate::{actor_ref::ActorRef, address::Address, exit::ExitReason};

/// The name belongs to an actor that lives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name {name} is taken")]
pub struct NameTaken {
    /// The name.
    pub name: Arc<str>,
}

/// Names of actors. Its size is bounded by the actors of the realm: each has one name at most, and
/// loses it when it is gone.
#[derive(Debug, Default)]
pub struct Registry {
    names: DashMap<Arc<str>, ActorRef>,
}

impl Registry {
    /// The address of the actor with this name, if it is an `A`.
    #[must_use]
    pub fn address<A: Actor<Context = Context<A>>>(&self, name: &str) -> Option<Address<A>> {
        self.find(name)?.address()
    }

    /// The actor with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ActorRef> {
        self.names.get(name).map(|entry| entry.value().clone())
    }

    /// All names, in no order.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.names.iter().map(|entry| entry.key().clone()).collect()
    }

    pub(crate) fn add(&self, name: &Arc<str>, actor: &ActorRef) -> Result<(), NameTaken> {
        match self.names.entry(name.clone()) {
            Entry::Occupied(taken) if keeps_its_name(taken.get()) => {
                Err(NameTaken { name: name.clone() })
            }
            Entry::Occupied(mut dead) => {
                dead.insert(actor.clone());
                Ok(())
            }
            Entry::Vacant(free) => {
                free.insert(actor.clone());
                Ok(())
            }
        }
    }

    pub(crate) fn remove(&self, name: &str, actor: &ActorRef) {
        self.names.remove_if(name, |_, owner| owner == actor);
    }
}

/// One in quarantine may be resumed, and then is found by its name again.
fn keeps_its_name(actor: &ActorRef) -> bool {
    matches!(actor.closed(), None | Some(ExitReason::Quarantined(_)))
}
