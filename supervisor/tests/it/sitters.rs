//! Actors that can be made to hold their threads, on the wall clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use actix::{Actor, Arbiter, Context, Handler};
use oxbeam_supervisor::{
    ActorSpec, Address, Backoff, DynamicSpec, Placement, Realm, RealmConfig, Schedulers,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::common::Never;

/// Holds its thread, or tells which it is and that it lives.
pub(crate) struct Sitter(Arc<AtomicUsize>);

impl Sitter {
    pub(crate) fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(alive.clone())
    }
}

impl Drop for Sitter {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Actor for Sitter {
    type Context = Context<Self>;
}

/// Says that it has begun, and holds the thread until the other end is dropped. The thread is
/// really blocked: what is tested is what others do about one that cannot be interrupted.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Hold(oneshot::Sender<()>, mpsc::Receiver<()>);

impl Hold {
    /// Also what is told when it has begun, and what ends it when it is dropped.
    pub(crate) fn new() -> (Self, oneshot::Receiver<()>, mpsc::Sender<()>) {
        let (let_go, until) = mpsc::channel();
        let (begun, holds) = oneshot::channel();
        (Self(begun, until), holds, let_go)
    }

    pub(crate) fn here(self) {
        self.0.send(()).unwrap();
        let _ = self.1.recv();
    }
}

impl Handler<Hold> for Sitter {
    type Result = ();
    fn handle(&mut self, hold: Hold, _: &mut Context<Self>) {
        hold.here();
    }
}

/// Makes an actor hold its thread, until what this gives is dropped.
pub(crate) async fn hold(sitter: &Address<Sitter>) -> mpsc::Sender<()> {
    let (hold, holds, let_go) = Hold::new();
    sitter.tell(hold).unwrap();
    holds.await.unwrap();
    let_go
}

/// Waits on a clock that jumps to this thread's next deadline: for one that has to run out because
/// another thread is held. Nothing else that is waited for may come from another thread.
pub(crate) async fn hurry<F: Future>(waits: F) -> F::Output {
    tokio::time::pause();
    let done = waits.await;
    tokio::time::resume();
    done
}

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Ping;

impl Handler<Ping> for Sitter {
    type Result = ();
    fn handle(&mut self, _: Ping, _: &mut Context<Self>) {}
}

#[derive(Debug, actix::Message)]
#[rtype(result = "String")]
pub(crate) struct Where;

impl Handler<Where> for Sitter {
    type Result = String;
    fn handle(&mut self, _: Where, _: &mut Context<Self>) -> String {
        here()
    }
}

/// This thread, as [`Where`] tells it.
pub(crate) fn here() -> String {
    format!("{:?}", thread::current().id())
}

/// Holds its thread while it is built, the first time.
pub(crate) fn held_up(hold: Hold) -> ActorSpec<Never> {
    let hold = Mutex::new(Some(hold));
    ActorSpec::new(move || {
        let first = hold.lock().take();
        if let Some(hold) = first {
            hold.here();
        }
        Never
    })
}

/// Holds its thread while it is dropped.
pub(crate) struct Slow(Option<Hold>);

impl Slow {
    /// Only the first to be dropped holds.
    pub(crate) fn spec(hold: Hold) -> impl Fn() -> ActorSpec<Self> + Send + Sync + 'static {
        let hold = Arc::new(Mutex::new(Some(hold)));
        move || {
            let hold = hold.clone();
            ActorSpec::new(move || Self(hold.lock().take())).placement(Placement::Compute)
        }
    }
}

impl Actor for Slow {
    type Context = Context<Self>;
}

impl Drop for Slow {
    fn drop(&mut self) {
        if let Some(hold) = self.0.take() {
            hold.here();
        }
    }
}

impl Handler<Ping> for Slow {
    type Result = ();
    fn handle(&mut self, _: Ping, _: &mut Context<Self>) {}
}

pub(crate) fn realm_on(control: &[Arbiter], compute: &[Arbiter]) -> Arc<Realm> {
    let handles = |arbiters: &[Arbiter]| arbiters.iter().map(Arbiter::handle).collect();
    let schedulers = Schedulers::on(handles(control), handles(compute));
    Realm::with_schedulers(RealmConfig::default(), schedulers).unwrap()
}

pub(crate) fn arbiters(number: usize) -> Vec<Arbiter> {
    (0..number).map(|_| Arbiter::new()).collect()
}

pub(crate) fn sitter(alive: &Arc<AtomicUsize>) -> ActorSpec<Sitter> {
    let alive = alive.clone();
    ActorSpec::new(move || Sitter::new(&alive)).placement(Placement::Compute)
}

pub(crate) fn many(alive: &Arc<AtomicUsize>) -> DynamicSpec<u32, Sitter> {
    let alive = alive.clone();
    let quick = Backoff {
        min: Duration::from_millis(1),
        max: Duration::from_millis(1),
        ..Backoff::default()
    };
    DynamicSpec::new(move |_| sitter(&alive)).backoff(quick)
}
