//! Actors that can be made to hold their threads, on the wall clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use actix::{Actor, Arbiter, Context, Handler};
use oxbeam_supervisor::{
    ActorSpec, Address, Backoff, Children, DynamicSpec, Placement, Realm, RealmConfig, Schedulers,
    SupervisorRef, SupervisorSpec,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Holds its thread, or tells that it lives.
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

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Hold(pub(crate) tokio::sync::oneshot::Sender<()>, pub(crate) mpsc::Receiver<()>);

impl Handler<Hold> for Sitter {
    type Result = ();
    fn handle(&mut self, Hold(begun, until): Hold, _: &mut Context<Self>) {
        begun.send(()).unwrap();
        let _ = until.recv();
    }
}

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Ping;

impl Handler<Ping> for Sitter {
    type Result = ();
    fn handle(&mut self, _: Ping, _: &mut Context<Self>) {}
}

pub(crate) async fn hold(sitter: &Address<Sitter>) -> mpsc::Sender<()> {
    let (let_go, until) = mpsc::channel();
    let (begun, holds) = tokio::sync::oneshot::channel();
    sitter.tell(Hold(begun, until)).unwrap();
    holds.await.unwrap();
    let_go
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

/// The first supervisor of a test, and its children.
pub(crate) async fn start<A: Actor<Context = Context<A>>>(
    realm: &Arc<Realm>,
    spec: DynamicSpec<u32, A>,
) -> (Children<u32, A>, SupervisorRef) {
    let (children, child) = spec.into_child("many");
    let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
    (children, root)
}
