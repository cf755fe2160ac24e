//! A supervisor's hold on a child.

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    actor_ref::ActorRef, exit::ExitReason, inspect::State, mailbox::Order, spec::KILL_GRACE,
};

/// Ends a child for good when its supervisor drops it, however the supervisor ends.
///
/// The mailbox is closed at once, so that the child's name is free at once; its shell follows when
/// its thread comes to it.
#[derive(Debug)]
pub(crate) struct Owned(pub(crate) ActorRef);

impl Owned {
    pub(crate) fn discard(self, reason: ExitReason) {
        self.0.mailbox().close(reason.clone());
        self.0.mailbox().order(Order::Discard(reason));
    }

    /// Expects nothing more of the child's shell: for everybody else the child is gone now.
    pub(crate) fn abandon(self, why: ExitReason) {
        self.0.abandon(why);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.0.closed().is_none() {
            self.0.mailbox().close(ExitReason::Killed);
        }
        // The first such order counts: after `discard` this one changes nothing.
        self.0.mailbox().order(Order::Discard(ExitReason::Killed));
    }
}

/// Ends what a supervisor's last life has left behind, and waits until it is over, so that no child
/// has two lives at a time. What does not notice in time is given up.
pub(crate) async fn are_over(left: Vec<ActorRef>) {
    let owned: Vec<Owned> = left.iter().cloned().map(Owned).collect();
    drop(owned);
    let over = left.iter().map(|actor| actor.reaches(|state| state == State::Gone));
    if timeout(KILL_GRACE, join_all(over)).await.is_ok() {
        return;
    }
    for actor in left {
        if actor.state() != State::Gone {
            Owned(actor).abandon(ExitReason::Stuck);
        }
    }
}
