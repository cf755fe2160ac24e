//! What lies in the writer's queue.

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::{How, Phase};
use crate::batch::Batch;
use crate::error::{Ended, StoreError};

/// What the writer's thread is told.
pub(super) enum Message {
    Request(Queued),
    Stop,
}

impl Message {
    /// The request; `None` of the last message.
    pub(super) fn request(self) -> Option<Queued> {
        match self {
            Self::Request(queued) => Some(queued),
            Self::Stop => None,
        }
    }
}

/// A request with its place in the queue, which others get when it is answered.
pub(super) struct Queued {
    pub(super) request: Box<dyn Request>,
    pub(super) how: How,
    pub(super) place: Place,
}

/// Where in the queue a request lies.
pub(super) enum Place {
    /// It is done, whoever waits for it.
    Room { _held: OwnedSemaphorePermit },
    /// It is behind the room there is, and done only if its caller is still there by then.
    Line { _held: (OwnedSemaphorePermit, OwnedSemaphorePermit) },
}

impl Queued {
    /// Whether whoever asked went away before there was room.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self.place, Place::Line { .. }) && self.request.is_deserted()
    }
}

/// A request of any answer.
pub(super) trait Request: Send {
    /// Plans the changes, and says whether the request is granted, be it without any.
    fn plan(&mut self, batch: &mut Batch<'_>) -> bool;

    /// Whether nobody waits for the answer any more.
    fn is_deserted(&self) -> bool;

    /// Gives the planned answer, or the reason why nothing was written.
    fn answer(self: Box<Self>, written: Result<(), StoreError>);
}

/// A request, and its answer once there is one.
pub(super) struct Planned<T, F, N> {
    plan: Option<F>,
    then: N,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, N> Planned<T, F, N>
where
    T: Send + 'static,
    F: FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
    N: FnOnce(&Result<T, StoreError>) + Send + 'static,
{
    pub(super) fn of(
        plan: F,
        then: N,
    ) -> (Box<dyn Request>, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Self { plan: Some(plan), then, outcome: None, reply }), answer)
    }
}

impl<T, F, N> Request for Planned<T, F, N>
where
    T: Send,
    F: FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send,
    N: FnOnce(&Result<T, StoreError>) + Send,
{
    fn plan(&mut self, batch: &mut Batch<'_>) -> bool {
        let Some(plan) = self.plan.take() else { return false };
        let outcome = batch.plan(plan);
        let granted = outcome.is_ok();
        self.outcome = Some(outcome);
        granted
    }

    fn is_deserted(&self) -> bool {
        self.reply.is_closed()
    }

    fn answer(self: Box<Self>, written: Result<(), StoreError>) {
        let outcome = match (written, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(StoreError::Ended { ended: Ended::Closed }),
        };
        (self.then)(&outcome);
        // Whoever asked may have gone.
        let _ = self.reply.send(outcome);
    }
}

/// Waits for the answer, or for the reason why there will be none.
pub(super) async fn answered<T>(
    answer: oneshot::Receiver<Result<T, StoreError>>,
    mut phase: watch::Receiver<Phase>,
) -> Result<T, StoreError> {
    match answer.await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::Ended { ended: why(&mut phase).await }),
    }
}

/// Waits until the writer has ended, and says why.
pub(super) async fn why(phase: &mut watch::Receiver<Phase>) -> Ended {
    match phase.wait_for(|phase| *phase != Phase::Running).await.as_deref() {
        Ok(Phase::Ended(ended) | Phase::Released(ended)) => ended.clone(),
        Ok(Phase::Running) | Err(_) => Ended::Panicked,
    }
}
