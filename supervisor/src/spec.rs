//! How to build and run one actor.

mod child;

use std::{fmt, sync::Arc, time::Duration};

use actix::{Actor, Context, Handler, dev::MessageResponse};

pub use child::{ChildSpec, Kind, Restart, Shutdown, SpecError, check_child_specs};
pub(crate) use child::{KILL_GRACE, SHUTDOWN, START_LIMIT};

use crate::{address::Address, exit::ExitReason, link::Exit, scheduler::Placement};

/// Messages that may wait for an actor, unless its spec says otherwise.
pub const QUEUE_LIMIT: usize = 1024;

/// What a factory knows about the actor that it builds.
#[derive(Debug)]
pub struct Birth<A: Actor<Context = Context<A>>> {
    pub(crate) address: Address<A>,
    pub(crate) incarnation: u64,
}

impl<A: Actor<Context = Context<A>>> Birth<A> {
    /// The actor's address, the same in every life.
    #[must_use]
    pub fn address(&self) -> &Address<A> {
        &self.address
    }

    /// Which life this is, from 1.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }
}

/// Why a factory built nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Not an error: there is nothing to run. The spec is kept.
    #[error("nothing to start")]
    Ignore,
    /// The actor ends before it began.
    #[error("failed to start: {0}")]
    Failed(ExitReason),
}

impl StartError {
    /// A failure in the factory's own words.
    pub fn failed(words: impl fmt::Display) -> Self {
        Self::Failed(ExitReason::Failed(words.to_string().into()))
    }
}

/// What an actor shows of itself to somebody who looks from outside.
pub trait Show {
    /// A short text for people, without secrets.
    fn show(&self) -> String;
}

type Factory<A> = Box<dyn Fn(&Birth<A>) -> Result<A, StartError> + Send + Sync>;
type Trap<A> = fn(&mut A, Exit, &mut Context<A>);

/// How to build and run one actor. The factory runs again for every life, on the actor's thread,
/// after the state of the life before has been dropped.
pub struct ActorSpec<A: Actor<Context = Context<A>>> {
    pub(crate) factory: Factory<A>,
    pub(crate) queue_limit: usize,
    pub(crate) placement: Placement,
    pub(crate) concurrent: Option<usize>,
    pub(crate) idle: Option<Duration>,
    pub(crate) acknowledged: bool,
    pub(crate) trap_exits: Option<Trap<A>>,
    pub(crate) show: Option<fn(&A) -> String>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) groups: Vec<Arc<str>>,
}

impl<A: Actor<Context = Context<A>>> ActorSpec<A> {
    /// An actor whose state can always be built.
    pub fn new(factory: impl Fn() -> A + Send + Sync + 'static) -> Self {
        Self::fallible(move |_| Ok(factory()))
    }

    /// An actor whose factory may fail, or find that there is nothing to run.
    pub fn fallible(
        factory: impl Fn(&Birth<A>) -> Result<A, StartError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            factory: Box::new(factory),
            queue_limit: QUEUE_LIMIT,
            placement: Placement::Here,
            concurrent: None,
            idle: None,
            acknowledged: false,
            trap_exits: None,
            show: None,
            name: None,
            groups: Vec::new(),
        }
    }

    /// Messages that may wait, and asks that may be without an answer. At least 1.
    #[must_use]
    pub fn queue_limit(self, queue_limit: usize) -> Self {
        Self { queue_limit, ..self }
    }

    /// Where it runs; the thread of whoever starts it, unless said otherwise.
    #[must_use]
    pub fn placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// Declares that no handler leaves half-changed state behind: a panic in a handler, or in a
    /// future answered through [`crate::Concurrent`], fails that call alone. At most `limit` calls
    /// are in flight; further messages wait in the queue.
    #[must_use]
    pub fn concurrent(self, limit: usize) -> Self {
        Self { concurrent: Some(limit), ..self }
    }

    /// The start is complete when the actor says so by [`crate::ContextExt::acknowledge`], not when
    /// `started` returns.
    #[must_use]
    pub fn acknowledged(self) -> Self {
        Self { acknowledged: true, ..self }
    }

    /// Exit signals of linked actors arrive as [`Exit`] messages and do not end the actor.
    #[must_use]
    pub fn trap_exits(self) -> Self
    where
        A: Handler<Exit>,
    {
        Self {
            trap_exits: Some(|actor, exit, ctx| actor.handle(exit, ctx).handle(ctx, None)),
            ..self
        }
    }

    /// Lets the actor show itself to somebody who looks from outside.
    #[must_use]
    pub fn showing(self) -> Self
    where
        A: Show,
    {
        Self { show: Some(A::show), ..self }
    }

    /// Registers the actor under a name for as long as its spec runs, across restarts.
    #[must_use]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Makes the actor a member of a group for as long as its spec runs, across restarts.
    #[must_use]
    pub fn member_of(mut self, group: impl Into<Arc<str>>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// Calls that may be in flight.
    pub(crate) fn calls_limit(&self) -> usize {
        self.concurrent.unwrap_or(self.queue_limit)
    }

    pub(crate) fn check(&self) -> Result<(), SpecError> {
        if self.queue_limit == 0 {
            return Err(SpecError::ZeroQueueLimit);
        }
        if self.concurrent == Some(0) {
            return Err(SpecError::ZeroCallLimit);
        }
        Ok(())
    }
}

impl<A: Actor<Context = Context<A>>> fmt::Debug for ActorSpec<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorSpec").field("queue_limit", &self.queue_limit).finish_non_exhaustive()
    }
}
