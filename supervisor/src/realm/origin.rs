//! Where an actor comes from: the last steps before it runs.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Context};

use super::Realm;
use crate::{
    exit::ExitReason,
    inspect::{About, ActorId, State},
    mailbox::{AnyMailbox, Mailbox, Order},
    registry::NameTaken,
    scheduler::NoPlace,
    shell::{Tell, Unplaced},
    spec::{ActorSpec, Kind, SpecError},
};

/// Why an actor was not started.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The spec is wrong.
    #[error("failed to use the spec")]
    Spec(#[from] SpecError),
    /// The name belongs to an actor that lives.
    #[error(transparent)]
    Name(#[from] NameTaken),
    /// There is no thread to run it on.
    #[error(transparent)]
    Place(#[from] NoPlace),
    /// The realm is full.
    #[error("the realm has its {limit} actors")]
    Full {
        /// How many there may be.
        limit: usize,
    },
    /// It ended before it had started.
    #[error("failed to start: {reason}")]
    Failed {
        /// How.
        reason: ExitReason,
    },
}

/// Who starts an actor, and as what.
pub(crate) struct Origin {
    pub(crate) realm: Arc<Realm>,
    pub(crate) parent: Option<ActorId>,
    pub(crate) path: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) policy: &'static str,
    pub(crate) tell: Option<Tell>,
}

impl Origin {
    pub(crate) fn root(realm: Arc<Realm>, name: &str, kind: Kind) -> Self {
        Self { realm, parent: None, path: name.into(), kind, policy: "root", tell: None }
    }

    /// Makes the mailbox and starts its shell.
    ///
    /// # Errors
    /// When the name is taken, the realm is full, or there is no place to run.
    pub(crate) fn launch<A: Actor<Context = Context<A>>>(
        mut self,
        spec: Arc<ActorSpec<A>>,
    ) -> Result<Arc<Mailbox<A>>, SpawnError> {
        let tell = self.tell.take();
        let mailbox = self.prepare(spec)?;
        place(&mailbox, tell)?;
        Ok(mailbox)
    }

    /// Makes the mailbox, and gives it its name. Messages wait in it until it is placed.
    ///
    /// # Errors
    /// When the name is taken, or the realm is full.
    pub(crate) fn prepare<A: Actor<Context = Context<A>>>(
        self,
        spec: Arc<ActorSpec<A>>,
    ) -> Result<Arc<Mailbox<A>>, SpawnError> {
        let realm = self.realm;
        let limit = realm.config.max_actors;
        let about = About {
            id: Realm::next_id(),
            parent: self.parent,
            path: self.path,
            kind: self.kind,
            policy: self.policy,
        };
        let mailbox = Mailbox::new(about, spec.clone(), realm.clone());
        let actor = mailbox.actor_ref();
        if !realm.index.add(actor.clone(), limit) {
            return Err(SpawnError::Full { limit });
        }
        if let Some(name) = &spec.name
            && let Err(taken) = realm.registry.add(name, &actor)
        {
            realm.index.remove(&actor);
            return Err(taken.into());
        }
        for group in &spec.groups {
            realm.groups.join(group, &actor);
        }
        mailbox.enter(State::Starting);
        mailbox.order(Order::Begin { after: Duration::ZERO });
        Ok(mailbox)
    }
}

/// Starts the shell of a mailbox where its spec wants it.
///
/// # Errors
/// When there is no thread for it; then the mailbox is closed.
pub(crate) fn place<A: Actor<Context = Context<A>>>(
    mailbox: &Arc<Mailbox<A>>,
    tell: Option<Tell>,
) -> Result<(), NoPlace> {
    let unplaced = Unplaced::new(mailbox.clone(), tell);
    let placed = mailbox.realm().schedulers.place(mailbox.spec().placement, unplaced);
    if placed.is_err() {
        give_up(mailbox, ExitReason::NoProc);
    }
    placed
}

/// Forgets a mailbox whose shell is not there, or does not answer.
pub(crate) fn give_up<A: Actor<Context = Context<A>>>(mailbox: &Arc<Mailbox<A>>, why: ExitReason) {
    mailbox.realm().forget(&mailbox.actor_ref(), mailbox.spec());
    mailbox.close(why.clone());
    mailbox.take_watchers().tell(mailbox.about().id, &why);
    mailbox.enter(State::Gone);
}
