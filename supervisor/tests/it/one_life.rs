//! One life at a time: what an actor's last life still does is over before the next one begins.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use actix::System;
use oxbeam_supervisor::{
    ActorSpec, ChildSpec, DynamicSpec, Placement, Shutdown, State, SupervisorSpec,
};
use tokio::time::timeout;

use crate::{common::*, sitters::*};

/// A key whose hash can be made to run something, as another thread would between two steps.
#[derive(Clone, PartialEq, Eq)]
struct Sly(u32);

type Trick = Box<dyn FnMut()>;
thread_local! {
    static TRICK: std::cell::RefCell<Option<(u32, Trick)>> = const { std::cell::RefCell::new(None) };
}

impl std::hash::Hash for Sly {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        let due = TRICK.with_borrow_mut(|trick| match trick {
            Some((0, _)) => trick.take(),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        });
        if let Some((_, mut trick)) = due {
            trick();
        }
    }
}

impl std::fmt::Display for Sly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[test]
fn a_child_that_is_started_while_its_sleeping_predecessor_is_forgotten_stays_the_only_one() {
    simulate(async {
        let realm = realm();
        let spec = DynamicSpec::<Sly, Counter>::new(|_| ActorSpec::new(Counter::default))
            .passivate_after(SECOND);
        let (children, child) = spec.into_child("many");
        let _root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
        drop(children.get_or_start(&Sly(1)).await.unwrap());
        // The first hash from now on is `remove_if_unknown`'s, the second `forget`'s `remove`: what
        // runs in the second runs where another thread could, between the two.
        let caller = children.clone();
        let found = Arc::new(parking_lot::Mutex::new(None));
        let keep = found.clone();
        TRICK.set(Some((
            1,
            Box::new(move || {
                let mut start = Box::pin(caller.get_or_start(&Sly(1)));
                let waker = std::task::Waker::noop();
                let _ = start.as_mut().poll(&mut std::task::Context::from_waker(waker));
                *keep.lock() = caller.get(&Sly(1));
            }),
        )));
        tokio::time::sleep(SECOND + SECOND / 2).await;
        let first = found.lock().take().expect("the trick did not run");
        let second = children.get_or_start(&Sly(1)).await.unwrap();
        assert_eq!(first.ask(Count).await, Ok(1));
        assert!(first == second, "two living children of one key: {first:?} and {second:?}");
    });
}

#[test]
fn a_key_has_one_life_at_a_time_however_often_it_leaves_and_is_asked_for() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::new(AtomicUsize::new(0));
        let (children, _root) =
            start(&realm, many(&alive).passivate_after(Duration::from_millis(1))).await;
        let most = Arc::new(AtomicUsize::new(0));
        let (done, mut all_done) = tokio::sync::mpsc::channel::<()>(1);
        for seed in 0..2 {
            let (children, alive, most) = (children.clone(), alive.clone(), most.clone());
            let done = done.clone();
            thread::spawn(move || {
                System::new().block_on(async move {
                    let mut dice = fastrand::Rng::with_seed(seed);
                    let mut left = 500;
                    while left > 0 {
                        left -= u32::from(children.get_or_start(&1).await.is_ok());
                        most.fetch_max(alive.load(Ordering::SeqCst), Ordering::SeqCst);
                        // Long enough for it to fall asleep, or not quite. What is to be seen does
                        // not depend on which.
                        thread::sleep(Duration::from_micros(dice.u64(500..4_000)));
                    }
                });
                drop(done);
            });
        }
        drop(done);
        assert_eq!(all_done.recv().await, None, "both have asked often enough");
        assert_eq!(most.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_key_has_one_life_at_a_time_also_when_its_supervisor_is_killed() {
    System::new().block_on(async {
        let arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::new(AtomicUsize::new(0));
        let (children, root) = start(&realm, many(&alive)).await;
        let one = children.get_or_start(&1).await.unwrap();
        let let_go = hold(&one).await;
        root.child("many").await.unwrap().kill();
        // In simulated time: for a tenth of the time that the new supervisor waits for the old child.
        hurry(async {
            for _ in 0..500 {
                assert!(children.get_or_start(&1).await.is_err() || one.closed().is_none());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        assert_eq!(alive.load(Ordering::SeqCst), 1, "still in its handler");
        drop(let_go);
        let again = loop {
            if let Ok(again) = children.get_or_start(&1).await {
                break again;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        again.ask(Ping).await.unwrap();
        assert_eq!((again != one, alive.load(Ordering::SeqCst)), (true, 1));
    });
}

#[test]
fn a_child_that_is_late_to_start_is_over_before_it_is_started_again() {
    System::new().block_on(async {
        let arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counts, peak) = (inside.clone(), most.clone());
        let (hold, builds, let_go) = Hold::new();
        let hold = parking_lot::Mutex::new(Some(hold));
        let spec = ActorSpec::new(move || {
            let now = counts.fetch_add(1, Ordering::SeqCst) + 1;
            peak.fetch_max(now, Ordering::SeqCst);
            // As if it waited for the lock of a folder.
            let first = hold.lock().take();
            if let Some(hold) = first {
                hold.here();
            }
            counts.fetch_sub(1, Ordering::SeqCst);
            Never
        })
        .placement(Placement::Compute);
        let child = ChildSpec::worker("s", spec).start_limit(SECOND);
        let root = realm.start("root", SupervisorSpec::new()).await.unwrap();
        let mut started = Box::pin(root.start_child(child.clone()));
        assert!(futures_util::poll!(&mut started).is_pending());
        builds.await.unwrap();
        // Its time to start is over, that of a killed child to notice is not.
        let early = hurry(timeout(3 * SECOND, &mut started)).await;
        assert!(early.is_err(), "{early:?} while its factory runs");
        drop(let_go);
        assert!(started.await.is_err());
        root.start_child(child).await.unwrap();
        assert_eq!(most.load(Ordering::SeqCst), 1, "two factories at once");
    });
}

#[test]
fn a_supervisor_that_was_given_up_does_not_take_its_successor_s_children_along() {
    System::new().block_on(async {
        let (control, compute) = (arbiters(2), arbiters(1));
        let realm = realm_on(&control, &compute);
        let alive = Arc::default();
        let (children, child) = many(&alive).placement(Placement::Control).into_child("many");
        let child = child.shutdown(Shutdown::Brutal);
        let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
        children.get_or_start(&1).await.unwrap();
        // The supervisor sits on the first control thread, so these go to the second and the first.
        let other = Arc::default();
        let spec = || sitter(&other).placement(Placement::Control);
        let blockers: Vec<_> =
            (0..2).map(|n| realm.spawn(&format!("b{n}"), spec()).unwrap()).collect();
        blockers[0].ask(Ping).await.unwrap();
        let held = hold(&blockers[1]).await;
        hurry(root.terminate_child("many")).await.unwrap();
        root.restart_child("many").await.unwrap();
        let two = children.get_or_start(&2).await.unwrap();
        two.ask(Ping).await.unwrap();
        let seats = || realm.schedulers().loads().0.iter().sum::<usize>();
        assert_eq!(seats(), 4, "two supervisors, two blockers");
        drop(held);
        // The one that was given up gives its seat back when all that it does is done.
        while seats() > 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        two.ask(Ping).await.unwrap();
        assert!(children.get_or_start(&3).await.is_ok());
    });
}

#[test]
fn a_child_told_to_end_while_it_falls_asleep_does_end() {
    System::new().block_on(async {
        let arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let (hold, falls_asleep, let_go) = Hold::new();
        let slow = Slow::spec(hold);
        let spec = DynamicSpec::new(move |_: &u32| slow())
            .passivate_after(Duration::from_millis(200))
            .shutdown(Shutdown::Infinity);
        let (children, _root) = start(&realm, spec).await;
        let one = children.get_or_start(&1).await.unwrap();
        // It has been told to leave, and its state is being dropped.
        falls_asleep.await.unwrap();
        assert_eq!(one.actor().state(), State::Running);
        let mut ended = Box::pin(children.terminate(&1));
        assert!(futures_util::poll!(&mut ended).is_pending());
        // A call behind that one: once it is answered, the order to end has been given.
        children.get_or_start(&2).await.unwrap();
        one.tell(Ping).unwrap();
        // The message came before it could be told: it wakes, and the order to end is forgotten.
        drop(let_go);
        // Kept from falling asleep again.
        let kept_awake = async {
            while timeout(Duration::from_millis(100), &mut ended).await.is_err() {
                let _ = one.tell(Ping);
            }
        };
        let heard = timeout(60 * SECOND, kept_awake).await;
        assert!(heard.is_ok(), "still {:?} after a minute", one.actor().state());
    });
}
