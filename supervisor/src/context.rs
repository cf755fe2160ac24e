//! What an actor's context can do under supervision, beside what actix gives it.

use std::fmt::Display;

use actix::{Actor, ActorContext, Context};

use crate::{address::Address, exit::ExitReason, scope};

/// Extends [`actix::Context`]. Outside supervised code nothing happens, or [`None`] is answered.
pub trait ContextExt<A: Actor<Context = Context<A>>> {
    /// The actor's own address. Prefer it to `ctx.address()`, whose senders are not told why a
    /// message was refused.
    fn own_address(&self) -> Option<Address<A>>;

    /// Ends the actor with this reason when the handler returns; `stopped` runs.
    fn exit(&mut self, reason: ExitReason);

    /// Ends the actor with an error of its own, which its supervisor treats as a crash.
    fn fail(&mut self, error: impl Display) {
        self.exit(ExitReason::Failed(error.to_string().into()));
    }

    /// Completes the start of an actor whose spec is [`crate::ActorSpec::acknowledged`], or makes
    /// it fail.
    fn acknowledge(&mut self, started: Result<(), ExitReason>);
}

impl<A: Actor<Context = Context<A>>> ContextExt<A> for Context<A> {
    fn own_address(&self) -> Option<Address<A>> {
        scope::current().and_then(|scope| scope.actor.address())
    }

    fn exit(&mut self, reason: ExitReason) {
        if let Some(scope) = scope::current() {
            let first = scope.exit.take();
            scope.exit.set(first.or_else(|| Some(Box::new(reason))));
        }
        self.terminate();
    }

    fn acknowledge(&mut self, started: Result<(), ExitReason>) {
        if let Some(scope) = scope::current() {
            scope.started.set(Some(started.map_err(Box::new)));
        }
    }
}
