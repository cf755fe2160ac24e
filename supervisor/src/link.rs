//! Links and monitors: hearing of another actor's end.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use actix::{Actor, Context, Handler, dev::MessageResponse};
use tokio::sync::oneshot;

use crate::{
    actor_ref::ActorRef,
    address::{Address, Refusal},
    exit::ExitReason,
    inspect::ActorId,
    mailbox::AnyMailbox,
};

/// A linked actor ended; arrives at actors that trap exits.
#[derive(Debug, Clone, PartialEq, actix::Message)]
#[rtype(result = "()")]
pub struct Exit {
    /// Who ended.
    pub from: ActorId,
    /// How.
    pub reason: ExitReason,
}

/// A monitored actor ended.
#[derive(Debug, Clone, PartialEq, actix::Message)]
#[rtype(result = "()")]
pub struct Down {
    /// The monitor that saw it.
    pub monitor: MonitorId,
    /// Who ended.
    pub actor: ActorId,
    /// How; `NoProc` if it was gone before it was monitored.
    pub reason: ExitReason,
}

/// One monitor. Monitors stack: two of one actor deliver twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MonitorId(u64);

impl MonitorId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl ActorRef {
    /// Links two actors, once however often it is called: when one ends, the other gets an exit
    /// signal, which ends it too unless it traps exits. A link is spent when it has delivered.
    ///
    /// # Errors
    /// When either is gone, or has too many links.
    pub fn link(&self, other: &ActorRef) -> Result<(), Refusal> {
        other.mailbox().link(self.clone(), self.exits())?;
        let linked = self.mailbox().link(other.clone(), other.exits());
        if linked.is_err() {
            other.mailbox().unlink(self.id());
        }
        linked
    }

    /// Undoes [`ActorRef::link`].
    pub fn unlink(&self, other: &ActorRef) {
        self.mailbox().unlink(other.id());
        other.mailbox().unlink(self.id());
    }

    /// Sends `watcher` a [`Down`] when this actor ends, or at once if it is gone already. It does
    /// not count towards the watcher's queue limit. It ends with the watcher's life.
    pub fn monitor<W>(&self, watcher: &Address<W>) -> MonitorId
    where
        W: Actor<Context = Context<W>> + Handler<Down>,
    {
        let monitor = MonitorId::new();
        let mailbox = Arc::downgrade(watcher.mailbox());
        let deliver = move |actor, reason| {
            let Some(watcher) = mailbox.upgrade() else { return };
            let down = Down { monitor, actor, reason };
            // A watcher that is gone has no use for the news.
            let _ = watcher.signal(Box::new(move |watcher, ctx| {
                watcher.handle(down, ctx).handle(ctx, None);
            }));
        };
        if !watcher.mailbox().watch(monitor.0, self) {
            deliver(self.id(), ExitReason::NoProc);
            return monitor;
        }
        let mailbox = Arc::downgrade(watcher.mailbox());
        let told = move |actor, reason| {
            if mailbox.upgrade().is_some_and(|watcher| watcher.unwatch(monitor.0)) {
                deliver(actor, reason);
            }
        };
        self.mailbox().monitor(monitor.0, Box::new(told));
        monitor
    }

    /// Ends a monitor. False if it had delivered or was another actor's.
    pub fn demonitor(&self, monitor: MonitorId) -> bool {
        self.mailbox().demonitor(monitor.0)
    }

    /// Waits for the actor's next end; `NoProc` if it is gone already.
    pub async fn down(&self) -> ExitReason {
        let (tell, told) = oneshot::channel();
        let monitor = MonitorId::new();
        let _until_told = Monitored { actor: self, monitor };
        self.mailbox().monitor(
            monitor.0,
            Box::new(move |_, reason| {
                let _ = tell.send(reason); // nobody waits any more
            }),
        );
        told.await.unwrap_or(ExitReason::NoProc)
    }
}

/// Ends a monitor when nobody waits for it any more.
struct Monitored<'a> {
    actor: &'a ActorRef,
    monitor: MonitorId,
}

impl Drop for Monitored<'_> {
    fn drop(&mut self) {
        self.actor.demonitor(self.monitor);
    }
}
