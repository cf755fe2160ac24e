//! Talking to a supervisor.

use std::sync::Arc;

use actix::{Context, Handler, ResponseActFuture, WrapFuture, fut::ActorFutureExt};
use tokio::sync::oneshot;

use super::{
    ChildCounts, ChildRow, ChildStatus, Supervisor, SupervisorError,
    calls::{
        ChildSpecOf, CountChildren, DeleteChild, RestartChild, StartChild, TerminateChild,
        WhichChildren,
    },
    machine::{Command, Event, Reply},
};
use crate::{
    actor_ref::ActorRef,
    address::Address,
    exit::ExitReason,
    spec::{ChildSpec, Kind},
};

/// A running supervisor. Every call may also fail because the supervisor is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisorRef {
    address: Address<Supervisor>,
}

impl SupervisorRef {
    /// Refers to the supervisor with this address.
    #[must_use]
    pub fn new(address: Address<Supervisor>) -> Self {
        Self { address }
    }

    /// The supervisor, as any actor.
    #[must_use]
    pub fn actor(&self) -> ActorRef {
        self.address.actor()
    }

    /// Waits until all children have run, perhaps for a moment; or until those that did have been
    /// stopped again.
    pub(crate) async fn started(&self) -> Result<(), ExitReason> {
        let actor = self.actor();
        actor.reaches(|_| actor.mailbox().has_run()).await;
        if actor.mailbox().has_run() { Ok(()) } else { Err(actor.fate()) }
    }

    /// Adds a child and starts it. Answers with its actor, or with none if it was ignored.
    ///
    /// # Errors
    /// When the id is known, the spec is wrong, or the child does not start; then its spec is not
    /// kept.
    pub async fn start_child(&self, child: ChildSpec) -> Result<Option<ActorRef>, SupervisorError> {
        self.address.ask(StartChild(child)).await?
    }

    /// Starts a stopped child. Answers with its actor, or with none if it was ignored.
    ///
    /// # Errors
    /// When it runs, is being restarted, is not known, or does not start.
    pub async fn restart_child(
        &self,
        id: impl Into<Arc<str>>,
    ) -> Result<Option<ActorRef>, SupervisorError> {
        self.address.ask(RestartChild(id.into())).await?
    }

    /// Stops a child. Its spec is kept, unless it is temporary.
    ///
    /// # Errors
    /// When it is not known.
    pub async fn terminate_child(&self, id: impl Into<Arc<str>>) -> Result<(), SupervisorError> {
        self.address.ask(TerminateChild(id.into())).await?
    }

    /// Forgets a stopped child.
    ///
    /// # Errors
    /// When it runs, is being restarted, or is not known.
    pub async fn delete_child(&self, id: impl Into<Arc<str>>) -> Result<(), SupervisorError> {
        self.address.ask(DeleteChild(id.into())).await?
    }

    /// The children, in the order of their starts.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn which_children(&self) -> Result<Vec<ChildRow>, SupervisorError> {
        Ok(self.address.ask(WhichChildren).await?)
    }

    /// How many children there are.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn count_children(&self) -> Result<ChildCounts, SupervisorError> {
        self.address.ask(CountChildren).await?
    }

    /// The spec of a child.
    ///
    /// # Errors
    /// When it is not known.
    pub async fn child_spec(&self, id: impl Into<Arc<str>>) -> Result<ChildSpec, SupervisorError> {
        self.address.ask(ChildSpecOf(id.into())).await?.ok_or(SupervisorError::NotFound)
    }

    /// The actor of a child that has one.
    ///
    /// # Errors
    /// When the child is not known or has no actor.
    pub async fn child(&self, id: &str) -> Result<ActorRef, SupervisorError> {
        let children = self.which_children().await?;
        let child = children.into_iter().find(|child| *child.id == *id);
        child.and_then(|child| child.actor).ok_or(SupervisorError::NotFound)
    }
}

type Answer<T> = ResponseActFuture<Supervisor, Result<T, SupervisorError>>;

impl Supervisor {
    /// Waits for the machine's answer, without holding anything up.
    fn answer<T: 'static>(
        &self,
        answer: oneshot::Receiver<Reply>,
        give: impl Fn(&Self, Reply) -> Result<T, SupervisorError> + 'static,
    ) -> Answer<T> {
        let answer = answer.into_actor(self);
        Box::pin(answer.map(move |reply, supervisor, _| {
            // The machine answers every call; a lost one means that it is going down.
            give(supervisor, reply.unwrap_or(Err(SupervisorError::ShuttingDown)))
        }))
    }

    fn started_actor(&self, reply: Reply) -> Result<Option<ActorRef>, SupervisorError> {
        reply.map(|key| key.and_then(|key| self.books.actor(key)))
    }

    fn refuse<T: 'static>(error: SupervisorError) -> Answer<T> {
        Box::pin(actix::fut::ready(Err(error)))
    }
}

impl Handler<StartChild> for Supervisor {
    type Result = Answer<Option<ActorRef>>;

    fn handle(&mut self, StartChild(spec): StartChild, ctx: &mut Context<Self>) -> Self::Result {
        if let Err(error) = self.check(&spec) {
            return Self::refuse(error);
        }
        let (key, policy) = (self.machine.next_key(), (&spec).into());
        self.books.add(key, spec);
        let answer = self.call(ctx, |call| Event::Call(call, Command::Start(key, policy)));
        self.answer(answer, Self::started_actor)
    }
}

impl Handler<RestartChild> for Supervisor {
    type Result = Answer<Option<ActorRef>>;

    fn handle(&mut self, RestartChild(id): RestartChild, ctx: &mut Context<Self>) -> Self::Result {
        let answer = self.call(ctx, |call| Event::Call(call, Command::Restart(id)));
        self.answer(answer, Self::started_actor)
    }
}

impl Handler<TerminateChild> for Supervisor {
    type Result = Answer<()>;

    fn handle(
        &mut self,
        TerminateChild(id): TerminateChild,
        ctx: &mut Context<Self>,
    ) -> Self::Result {
        let answer = self.call(ctx, |call| Event::Call(call, Command::Terminate(id)));
        self.answer(answer, |_, reply| reply.map(drop))
    }
}

impl Handler<DeleteChild> for Supervisor {
    type Result = Answer<()>;

    fn handle(&mut self, DeleteChild(id): DeleteChild, ctx: &mut Context<Self>) -> Self::Result {
        let answer = self.call(ctx, |call| Event::Call(call, Command::Delete(id)));
        self.answer(answer, |_, reply| reply.map(drop))
    }
}

impl Handler<WhichChildren> for Supervisor {
    type Result = Vec<ChildRow>;

    fn handle(&mut self, _: WhichChildren, _: &mut Context<Self>) -> Self::Result {
        let row = |child: &super::machine::Child| {
            let entry = self.books.get(child.key)?;
            Some(ChildRow {
                id: child.policy.id.clone(),
                status: child.status(),
                kind: entry.spec.kind,
                actor: entry.actor(),
            })
        };
        self.machine.children().iter().filter_map(row).collect()
    }
}

impl Handler<CountChildren> for Supervisor {
    type Result = Result<ChildCounts, SupervisorError>;

    fn handle(&mut self, _: CountChildren, ctx: &mut Context<Self>) -> Self::Result {
        let rows = self.handle(WhichChildren, ctx);
        let count = |of: &dyn Fn(&ChildRow) -> bool| rows.iter().filter(|row| of(row)).count();
        Ok(ChildCounts {
            specs: rows.len(),
            active: count(&|row| row.status == ChildStatus::Running),
            supervisors: count(&|row| row.kind == Kind::Supervisor),
            workers: count(&|row| row.kind == Kind::Worker),
        })
    }
}

impl Handler<ChildSpecOf> for Supervisor {
    type Result = Option<ChildSpec>;

    fn handle(&mut self, ChildSpecOf(id): ChildSpecOf, _: &mut Context<Self>) -> Self::Result {
        let child = self.machine.children().find(&id)?;
        self.books.get(child.key).map(|entry| entry.spec.clone())
    }
}
