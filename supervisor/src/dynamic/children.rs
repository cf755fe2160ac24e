//! The handle to the children of a dynamic supervisor.

use std::{fmt, sync::Arc};

use actix::{Actor, Context};
use tokio::time::timeout;

use super::{DynamicSpec, Key, actor::News, directory::Directory};
use crate::{
    address::Address,
    exit::ExitReason,
    inspect::State,
    mailbox::AnyMailbox,
    spec::KILL_GRACE,
    supervisor::{ChildCounts, SupervisorError},
};

/// How often a child may end under the hands of whoever asks for it.
const TRIES: usize = 8;

/// The children of a dynamic supervisor. Clones are the same children.
pub struct Children<K: Key, A: Actor<Context = Context<A>>> {
    directory: Arc<Directory<K, A>>,
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
    pub(super) fn new(spec: DynamicSpec<K, A>) -> Self {
        Self { directory: Arc::new(Directory::new(spec)) }
    }

    pub(super) fn directory(&self) -> &Arc<Directory<K, A>> {
        &self.directory
    }

    /// The child with this key, started if there is none. One that waits for its restart, or is
    /// asleep, is given out as it is: it keeps its messages, and answers when it runs.
    ///
    /// # Errors
    /// When it does not start in time, is in quarantine, there is no room for it, or the supervisor
    /// does not run.
    pub async fn get_or_start(&self, key: &K) -> Result<Address<A>, SupervisorError> {
        let mut fate = ExitReason::NoProc;
        for _ in 0..TRIES {
            let (address, added) = match self.get(key) {
                Some(address) => (address, false),
                None => self.directory.add(key)?,
            };
            let actor = address.actor();
            match self.settled(&address).await? {
                // It was on its way out when it was found.
                State::Gone if !added => {
                    self.directory.remove(key, actor.id());
                    fate = actor.fate();
                }
                State::Quarantined | State::Gone => {
                    return Err(SupervisorError::StartFailed(actor.fate()));
                }
                _ if !actor.mailbox().has_run() => {
                    return Err(SupervisorError::StartFailed(actor.fate()));
                }
                _ => return Ok(address),
            }
        }
        Err(SupervisorError::StartFailed(fate))
    }

    /// What a child is doing once it has started, or its supervisor has decided what follows its
    /// end.
    async fn settled(&self, child: &Address<A>) -> Result<State, SupervisorError> {
        let actor = child.actor();
        let settled = actor.reaches(|state| !matches!(state, State::Starting | State::Down));
        let limit = self.directory.spec.start_limit.saturating_add(KILL_GRACE);
        let too_late = |_| SupervisorError::StartFailed(ExitReason::StartTimeout);
        timeout(limit, settled).await.map_err(too_late)
    }

    /// The child with this key, whatever it is doing.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<Address<A>> {
        self.directory.get(key)
    }

    /// Stops a child and forgets it, also one in quarantine.
    ///
    /// # Errors
    /// When there is no such child, or the supervisor does not run or is busy.
    pub async fn terminate(&self, key: &K) -> Result<(), SupervisorError> {
        let child = self.get(key).ok_or(SupervisorError::NotFound)?.actor();
        self.directory.call(News::Terminate(child.id()))?;
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
        self.directory.call(News::Resume(actor.id()))?;
        let started = |state| !matches!(state, State::Quarantined | State::Starting);
        match actor.reaches(started).await {
            State::Running => Ok(child),
            _ => Err(SupervisorError::StartFailed(actor.fate())),
        }
    }

    /// The children in quarantine, and why.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined<K>> {
        self.directory.collect(|key, mailbox| {
            let reason = mailbox.closed().filter(|_| mailbox.state() == State::Quarantined)?;
            Some(Quarantined { key: key.clone(), reason })
        })
    }

    /// The keys of all children, in no order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.directory.collect(|key, _| Some(key.clone()))
    }

    /// How many children there are; active are those that are not asleep or in quarantine.
    #[must_use]
    pub fn count(&self) -> ChildCounts {
        let specs = self.directory.len();
        let idle = |state| matches!(state, State::Asleep | State::Quarantined);
        let resting = self.directory.collect(|_, mailbox| idle(mailbox.state()).then_some(()));
        let active = specs.saturating_sub(resting.len());
        ChildCounts { specs, active, supervisors: 0, workers: specs }
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
}

impl<K: Key, A: Actor<Context = Context<A>>> Clone for Children<K, A> {
    fn clone(&self) -> Self {
        Self { directory: self.directory.clone() }
    }
}

impl<K: Key, A: Actor<Context = Context<A>>> fmt::Debug for Children<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children").field("count", &self.directory.len()).finish_non_exhaustive()
    }
}
