//! The calls of a concurrent actor, each in its own guard.

use std::{
    any::Any,
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context as Task, Poll, ready},
};

use actix::{
    Actor, Message,
    dev::{MessageResponse, OneshotSender},
};
use futures_util::future::LocalBoxFuture;

use crate::{
    crash::{self, Crash, Place},
    scope::{self, Scope},
};

/// The answer of a handler whose calls are isolated from each other: a panic in this future fails
/// this call with [`crate::AskError::CallPanicked`], and nothing else.
///
/// The future cannot reach the actor's state. It ends with the actor's life. An actor that is not
/// supervised, or not by this crate, drops it.
pub struct Concurrent<T>(LocalBoxFuture<'static, T>);

impl<T> Concurrent<T> {
    /// Answers with what the future gives.
    pub fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self(Box::pin(future))
    }
}

impl<T> fmt::Debug for Concurrent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concurrent").finish_non_exhaustive()
    }
}

impl<A, M> MessageResponse<A, M> for Concurrent<M::Result>
where
    A: Actor,
    M: Message,
{
    fn handle(self, _: &mut A::Context, reply: Option<OneshotSender<M::Result>>) {
        let Some(scope) = scope::current() else { return };
        scope.in_flight.set(scope.in_flight.get() + 1);
        let guarded = Guarded {
            ticket: scope.ticket.get(),
            message: scope.message.get(),
            future: self.0,
            reply,
            scope: scope.clone(),
        };
        scope.calls.borrow_mut().push(Box::pin(guarded));
    }
}

/// A call in flight.
pub(crate) type Call = Pin<Box<dyn Future<Output = Done>>>;

/// What a call came to.
pub(crate) struct Done {
    pub(super) failed: Option<Failed>,
    /// The reply of a failed call: its caller hears of the failure when it is dropped, so it is
    /// dropped after the failure is noted.
    pub(super) reply: Option<Box<dyn Any>>,
}

pub(crate) struct Failed {
    pub(super) ticket: u64,
    pub(super) crash: Crash,
}

struct Guarded<T> {
    ticket: u64,
    message: Option<&'static str>,
    future: LocalBoxFuture<'static, T>,
    reply: Option<OneshotSender<T>>,
    scope: Rc<Scope>,
}

impl<T: 'static> Future for Guarded<T> {
    type Output = Done;

    fn poll(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Done> {
        let this = self.get_mut();
        this.scope.place.set(Place::Call);
        this.scope.message.set(this.message);
        let polled = crash::catch(|| this.future.as_mut().poll(cx));
        let outcome = match polled {
            Ok(poll) => Ok(ready!(poll)),
            Err(caught) => Err(this.scope.report(caught)),
        };
        // The future itself goes inside the guard: its drop may panic too.
        let spent = std::mem::replace(&mut this.future, Box::pin(std::future::pending()));
        let _ = crash::catch(move || drop(spent));
        Poll::Ready(this.done(outcome))
    }
}

impl<T: 'static> Guarded<T> {
    /// Sends the answer. One that nobody takes is dropped here, and its drop is the actor's code.
    fn deliver(&self, answer: T, reply: Option<OneshotSender<T>>) -> Option<Failed> {
        let delivered = crash::catch(move || match reply {
            Some(reply) => drop(reply.send(answer)),
            None => drop(answer),
        });
        let crash = delivered.err().map(|caught| self.scope.report(caught))?;
        Some(Failed { ticket: self.ticket, crash })
    }

    fn done(&mut self, outcome: Result<T, Crash>) -> Done {
        match (outcome, self.reply.take()) {
            (Ok(answer), reply) => Done { failed: self.deliver(answer, reply), reply: None },
            (Err(crash), reply) => Done {
                failed: Some(Failed { ticket: self.ticket, crash }),
                reply: reply.map(|reply| Box::new(reply) as Box<dyn Any>),
            },
        }
    }
}
