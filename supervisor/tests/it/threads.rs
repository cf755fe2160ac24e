//! Threads that end while actors live on them, or are on their way to them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use actix::{Actor, Arbiter, Context, Handler, System};
use oxbeam_supervisor::{
    ActorSpec, Address, Children, DynamicSpec, Happening, Placement, Realm, RealmConfig,
    Schedulers, Shutdown, State, SupervisorRef, SupervisorSpec, WatchdogConfig, watch,
};
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

async fn start<A: Actor<Context = Context<A>>>(
    realm: &Arc<Realm>,
    spec: DynamicSpec<u32, A>,
) -> (Children<u32, A>, SupervisorRef) {
    let (children, child) = spec.into_child("many");
    let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
    (children, root)
}

/// Holds its thread, or tells that it lives.
struct Sitter(Arc<AtomicUsize>);

impl Sitter {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
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
struct Hold(tokio::sync::oneshot::Sender<()>, mpsc::Receiver<()>);

impl Handler<Hold> for Sitter {
    type Result = ();
    fn handle(&mut self, Hold(begun, until): Hold, _: &mut Context<Self>) {
        begun.send(()).unwrap();
        let _ = until.recv();
    }
}

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
struct Ping;

impl Handler<Ping> for Sitter {
    type Result = ();
    fn handle(&mut self, _: Ping, _: &mut Context<Self>) {}
}

async fn hold(sitter: &Address<Sitter>) -> mpsc::Sender<()> {
    let (let_go, until) = mpsc::channel();
    let (begun, holds) = tokio::sync::oneshot::channel();
    sitter.tell(Hold(begun, until)).unwrap();
    holds.await.unwrap();
    let_go
}

fn realm_on(control: &[Arbiter], compute: &[Arbiter]) -> Arc<Realm> {
    let handles = |arbiters: &[Arbiter]| arbiters.iter().map(Arbiter::handle).collect();
    let schedulers = Schedulers::on(handles(control), handles(compute));
    Realm::with_schedulers(RealmConfig::default(), schedulers).unwrap()
}

fn arbiters(number: usize) -> Vec<Arbiter> {
    (0..number).map(|_| Arbiter::new()).collect()
}

fn sitter(alive: &Arc<AtomicUsize>) -> ActorSpec<Sitter> {
    let alive = alive.clone();
    ActorSpec::new(move || Sitter::new(&alive)).placement(Placement::Compute)
}

struct Never;

impl Actor for Never {
    type Context = Context<Self>;
}

/// Takes its time to be dropped.
struct Slow(Option<mpsc::Receiver<()>>);

impl Actor for Slow {
    type Context = Context<Self>;
}

impl Drop for Slow {
    fn drop(&mut self) {
        if let Some(until) = self.0.take() {
            let _ = until.recv();
        }
    }
}

impl Handler<Ping> for Slow {
    type Result = ();
    fn handle(&mut self, _: Ping, _: &mut Context<Self>) {}
}

#[test]
fn a_thread_that_has_ended_does_not_draw_every_new_actor_to_itself() {
    System::new().block_on(async {
        let mut arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let dead = arbiters.remove(0);
        dead.stop();
        dead.join().unwrap();
        let placed: Vec<_> =
            (0..4).map(|n| realm.spawn(&format!("s{n}"), sitter(&alive)).is_ok()).collect();
        assert_eq!(placed, [true; 4], "the other thread lives");
    });
}

#[test]
fn an_actor_given_to_a_thread_that_ends_before_it_begins_is_answered_for() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let first = realm.spawn("first", sitter(&alive)).unwrap();
        let let_go = hold(&first).await;
        arbiters[0].stop();
        let second = realm.spawn("second", sitter(&alive));
        drop(let_go);
        for arbiter in arbiters {
            arbiter.join().unwrap();
        }
        let Ok(second) = second else { return };
        let asked = timeout(SECOND, second.ask(Ping)).await;
        assert!(
            asked.is_ok(),
            "no answer; {:?}, {} actors",
            second.actor().state(),
            realm.actors()
        );
    });
}

#[test]
fn a_child_told_to_end_while_it_falls_asleep_does_end() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let (let_go, until) = mpsc::channel::<()>();
        let until = Arc::new(parking_lot::Mutex::new(Some(until)));
        let make = move |_: &u32| {
            let until = until.clone();
            ActorSpec::new(move || Slow(until.lock().take())).placement(Placement::Compute)
        };
        let spec = DynamicSpec::new(make)
            .passivate_after(Duration::from_millis(200))
            .shutdown(Shutdown::Infinity);
        let (children, _root) = start(&realm, spec).await;
        let one = children.get_or_start(&1).await.unwrap();
        // By now it has been told to leave, and its state is being dropped.
        tokio::time::sleep(SECOND).await;
        assert_eq!(one.actor().state(), State::Running);
        let mut ended = Box::pin(children.terminate(&1));
        assert!(futures_util::poll!(&mut ended).is_pending());
        tokio::time::sleep(SECOND / 10).await;
        one.tell(Ping).unwrap();
        // The message came before it could be told: it wakes, and the order to end is forgotten.
        drop(let_go);
        // Kept from falling asleep again.
        for _ in 0..30 {
            let _ = one.tell(Ping);
            if timeout(Duration::from_millis(100), &mut ended).await.is_ok() {
                return;
            }
        }
        panic!("still {:?} after three seconds", one.actor().state());
    });
}

#[test]
fn the_watchdog_names_an_actor_that_holds_its_thread_while_it_is_built() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let mut events = realm.events();
        let config =
            WatchdogConfig { limit: Duration::from_millis(50), period: Duration::from_millis(10) };
        watch(&realm, config).unwrap();
        let spec = ActorSpec::new(|| {
            thread::sleep(SECOND);
            Never
        });
        let built = realm.spawn("slow", spec.placement(Placement::Compute)).unwrap();
        built.actor().reaches(|state| state == State::Running).await;
        let told = std::iter::from_fn(|| events.try_recv().ok())
            .any(|event| matches!(event.what, Happening::Stuck { .. }));
        assert!(told);
    });
}
