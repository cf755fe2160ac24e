//! The channel behind the actor's actix addresses, `ctx.address()`.
//!
//! It is as long-lived as the mailbox, so those addresses survive a restart. actix bounds it by
//! nothing, so it is emptied at once: whoever sends into it wakes its reader, and that reader is
//! the mailbox itself, which moves the envelope into the queue, where the limit holds.

use std::{
    sync::Arc,
    task::{Context as Task, Poll, Wake, Waker},
};

use actix::{
    Actor, Context,
    dev::{
        AsyncContextParts, ContextParts,
        channel::{AddressReceiver, channel},
    },
};
use futures_util::StreamExt;
use parking_lot::Mutex;

use super::Mailbox;

/// It is emptied at once, so its own capacity hardly ever counts.
const CAPACITY: usize = 1024;

/// The receiving end, from the actor's first life until it is gone.
pub(super) struct Raw<A: Actor>(Mutex<Option<AddressReceiver<A>>>);

impl<A: Actor> Default for Raw<A> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<A: Actor<Context = Context<A>>> Mailbox<A> {
    /// Makes the addresses that `ctx` gives out lead here.
    pub(crate) fn attach(self: &Arc<Self>, ctx: &mut Context<A>) {
        let mut raw = self.raw.0.lock();
        let opened = raw.is_none();
        let receiver = raw.get_or_insert_with(|| channel(CAPACITY).1);
        *ctx.parts() = ContextParts::new(receiver.sender_producer());
        drop(raw);
        if opened {
            self.clone().wake();
        }
    }

    /// Closes the channel. The channel keeps the mailbox that waits for it; this is what lets go.
    pub(super) fn detach(&self) {
        let raw = self.raw.0.lock().take();
        drop(raw);
    }
}

/// Called on the sender's thread, right after it has sent.
impl<A: Actor<Context = Context<A>>> Wake for Mailbox<A> {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut task = Task::from_waker(&waker);
        loop {
            // Not locked while the envelope is queued: dropping one that is refused may send again.
            let received = self.raw.0.lock().as_mut().map(|raw| raw.poll_next_unpin(&mut task));
            let Some(Poll::Ready(Some(envelope))) = received else { return };
            self.absorb(Box::new(envelope));
        }
    }
}
