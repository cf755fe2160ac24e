//! Waiting for an answer.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll, ready},
    time::Duration,
};

use actix::{Actor, Context};
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep},
};

use super::{AskError, Refusal};
use crate::mailbox::{Mailbox, Ticket};

/// The answer to come. Dropping it takes the message back if the actor has not begun with it; else
/// its place is free again when the actor is done with it.
#[must_use = "the answer is lost if nobody waits for it"]
pub struct Ask<A: Actor<Context = Context<A>>, T: Send + 'static> {
    waiting: Result<Waiting<A, T>, Option<Refusal>>,
    /// Boxed: few asks have a limit, and a timer is large.
    limit: Option<(Duration, Pin<Box<Sleep>>)>,
}

struct Waiting<A: Actor<Context = Context<A>>, T: Send + 'static> {
    mailbox: Arc<Mailbox<A>>,
    ticket: Ticket,
    /// None once it has come.
    answer: Option<oneshot::Receiver<T>>,
}

impl<A: Actor<Context = Context<A>>, T: Send + 'static> Ask<A, T> {
    pub(super) fn sent(
        mailbox: Arc<Mailbox<A>>,
        ticket: Ticket,
        answer: oneshot::Receiver<T>,
    ) -> Self {
        Self { waiting: Ok(Waiting { mailbox, ticket, answer: Some(answer) }), limit: None }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { waiting: Err(Some(refusal)), limit: None }
    }

    /// Waits no longer than this.
    pub fn within(self, limit: Duration) -> Self {
        Self { limit: Some((limit, Box::pin(sleep(limit)))), ..self }
    }
}

impl<A: Actor<Context = Context<A>>, T: Send + 'static> Waiting<A, T> {
    fn poll(&mut self, cx: &mut Task<'_>) -> Poll<Result<T, AskError>> {
        let Some(answer) = &mut self.answer else { return Poll::Pending };
        let answer = ready!(Pin::new(answer).poll(cx));
        self.answer = None;
        Poll::Ready(answer.map_err(|_| self.mailbox.fate(&self.ticket).into()))
    }
}

impl<A: Actor<Context = Context<A>>, T: Send + 'static> Drop for Waiting<A, T> {
    fn drop(&mut self) {
        match self.answer.take() {
            Some(answer) => self.mailbox.abandon(self.ticket, answer),
            None => self.mailbox.answered(),
        }
    }
}

impl<A: Actor<Context = Context<A>>, T: Send + 'static> Future for Ask<A, T> {
    type Output = Result<T, AskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let result = match &mut this.waiting {
            Ok(waiting) => waiting.poll(cx),
            Err(refusal) => {
                return refusal.take().map_or(Poll::Pending, |why| Poll::Ready(Err(why.into())));
            }
        };
        match (result, &mut this.limit) {
            (Poll::Pending, Some((limit, timer))) => {
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Err(AskError::Timeout { limit: *limit }))
            }
            (result, _) => result,
        }
    }
}

impl<A: Actor<Context = Context<A>>, T: Send + 'static> fmt::Debug for Ask<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").finish_non_exhaustive()
    }
}
