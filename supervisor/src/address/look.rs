//! Looking at an actor's state from outside.

use std::sync::Arc;

use actix::{Actor, Context};
use tokio::sync::oneshot;

use super::{Address, AskError};
use crate::{
    actor_ref::ActorRef,
    crash::{self, Caught},
    realm::Realm,
    scope,
};

impl<A: Actor<Context = Context<A>>> Address<A> {
    /// Runs `look` on the actor's state, before its next message, also while it is suspended. An
    /// actor that is asleep wakes for it. A panic in `look` fails it alone.
    ///
    /// # Errors
    /// When the actor is gone, or ends before it gets there, or `look` panics.
    pub async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&A) -> T + Send + 'static,
    ) -> Result<T, AskError> {
        let exits = self.actor().exits();
        let (tell, told) = oneshot::channel();
        let realm = self.mailbox().realm().clone();
        self.mailbox().probe(Box::new(move |actor, _| {
            let seen = crash::catch(|| look(actor)).map_err(|caught| failed(&realm, caught));
            let _ = tell.send(seen); // nobody waits any more
        }))?;
        answered(&self.actor(), exits, told).await
    }

    /// As [`Address::inspect`], and may change the state: OTP's `replace_state`. A panic in `change`
    /// ends the actor, as one in a handler does.
    ///
    /// # Errors
    /// When the actor is gone, or ends before it gets there, or by it.
    pub async fn alter<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut A) -> T + Send + 'static,
    ) -> Result<T, AskError> {
        let exits = self.actor().exits();
        let (tell, told) = oneshot::channel();
        self.mailbox().probe(Box::new(move |actor, _| {
            let _ = tell.send(Ok(change(actor))); // nobody waits any more
        }))?;
        answered(&self.actor(), exits, told).await
    }
}

/// Reports the panic of a look.
pub(crate) fn failed(realm: &Realm, caught: Caught) -> AskError {
    let Some(scope) = scope::current() else { return AskError::Unanswered };
    let crash = Arc::new(scope.report(caught));
    realm.record(&crash);
    AskError::CallPanicked { crash }
}

/// Waits for what a look comes to. Where it is dropped, the actor has ended or is about to.
pub(crate) async fn answered<T>(
    actor: &ActorRef,
    exits: u64,
    told: oneshot::Receiver<Result<T, AskError>>,
) -> Result<T, AskError> {
    match told.await {
        Ok(answer) => answer,
        Err(_) => Err(AskError::Down { reason: actor.end_after(exits).await }),
    }
}
