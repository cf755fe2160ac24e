//! Threads: placement, the watchdog, and sharing a thread. On the wall clock, with real threads.

use std::{collections::HashSet, sync::Arc, time::Duration};

use actix::{Arbiter, System};
use oxbeam_supervisor::{
    ActorSpec, ChildSpec, Event, ExitReason, Happening, Intensity, NoPlace, Placement, Realm,
    Shutdown, Slice, SpawnError, State, SupervisorSpec, WatchdogConfig, watch,
};
use tokio::sync::{broadcast, oneshot};

use crate::{common::*, sitters::*};

#[test]
fn actors_are_placed_on_the_thread_with_the_fewest_and_give_their_seat_back() {
    System::new().block_on(async {
        let arbiters = arbiters(3);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let sitters: Vec<_> =
            (0..6).map(|n| realm.spawn(&format!("s{n}"), sitter(&alive)).unwrap()).collect();
        let mut seats = HashSet::new();
        for sitter in &sitters {
            seats.insert(sitter.ask(Where).await.unwrap());
        }
        assert_eq!((seats.len(), realm.schedulers().loads().1), (3, vec![2, 2, 2]));
        assert!(!seats.contains(&here()));
        for sitter in &sitters[..2] {
            sitter.actor().kill();
            sitter.actor().reaches(|state| state == State::Gone).await;
        }
        // The seat goes with the shell, just after the state is told.
        while realm.schedulers().loads().1.iter().sum::<usize>() > 4 {
            tokio::task::yield_now().await;
        }
        let arbiter = &arbiters[0];
        arbiter.stop();
    });
}

#[test]
fn a_thread_that_has_ended_is_an_error_at_the_call() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let before = realm.spawn("before", sitter(&alive)).unwrap();
        before.ask(Where).await.unwrap();
        for arbiter in arbiters {
            arbiter.stop();
            arbiter.join().unwrap();
        }
        assert_eq!(before.closed(), Some(ExitReason::Killed), "its thread ended under it");
        let placed = realm.spawn("after", sitter(&alive));
        assert!(matches!(placed, Err(SpawnError::Place(_))), "{placed:?}");
    });
}

async fn thread_of(arbiter: &Arbiter) -> String {
    let (tell, told) = oneshot::channel();
    assert!(arbiter.spawn_fn(|| tell.send(here()).unwrap()));
    told.await.unwrap()
}

/// Where an actor of this placement runs.
async fn placed(realm: &Arc<Realm>, placement: Placement) -> String {
    let spec = sitter(&Arc::default()).placement(placement);
    realm.spawn("placed", spec).unwrap().ask(Where).await.unwrap()
}

#[test]
fn actors_placed_by_number_are_on_that_thread_and_numbers_count_around() {
    System::new().block_on(async {
        let (control, compute) = (arbiters(2), arbiters(3));
        let realm = realm_on(&control, &compute);
        // Each twice, so that the thread with the fewest actors would be another one.
        for number in (0..7).chain(0..7).chain([usize::MAX]) {
            let on_control = placed(&realm, Placement::ControlThread(number)).await;
            assert_eq!(on_control, thread_of(&control[number % 2]).await, "control {number}");
            let on_compute = placed(&realm, Placement::ComputeThread(number)).await;
            assert_eq!(on_compute, thread_of(&compute[number % 3]).await, "compute {number}");
        }
    });
}

#[test]
fn an_actor_placed_by_number_stays_on_its_thread_over_restarts() {
    System::new().block_on(async {
        let arbiters = arbiters(3);
        let realm = realm_on(&[], &arbiters);
        let spec = sitter(&Arc::default()).placement(Placement::ComputeThread(1));
        let spec = SupervisorSpec::new()
            .intensity(Intensity { restarts: 3, period: SECOND })
            .child(ChildSpec::worker("s", spec));
        let root = realm.start("root", spec).await.unwrap();
        let thread = thread_of(&arbiters[1]).await;
        let address = root.child("s").await.unwrap().address::<Sitter>().unwrap();
        for life in 1..=3 {
            assert_eq!(address.ask(Where).await.as_ref(), Ok(&thread), "life {life}");
            assert_eq!(address.actor().row().incarnation, life);
            address.actor().kill();
        }
        root.terminate_child("s").await.unwrap();
        let again = root.restart_child("s").await.unwrap().unwrap();
        assert_ne!(again, address.actor(), "started by a call: another actor");
        assert_eq!(again.address::<Sitter>().unwrap().ask(Where).await, Ok(thread));
    });
}

#[test]
fn a_thread_that_has_ended_takes_no_actor_placed_by_its_number_and_the_others_do() {
    System::new().block_on(async {
        let (mut control, mut compute) = (arbiters(2), arbiters(2));
        let realm = realm_on(&control, &compute);
        for dead in [control.remove(1), compute.remove(1)] {
            dead.stop();
            dead.join().unwrap();
        }
        // The second time it is known to have ended.
        for number in [1, 3, 1] {
            for placement in [Placement::ControlThread(number), Placement::ComputeThread(number)] {
                let spec = sitter(&Arc::default()).placement(placement);
                let refused = realm.spawn("refused", spec);
                assert_eq!(refused.unwrap_err(), SpawnError::Place(NoPlace::ThreadEnded));
            }
        }
        assert_eq!(realm.actors(), 0);
        let on_control = placed(&realm, Placement::ControlThread(2)).await;
        assert_eq!(on_control, thread_of(&control[0]).await);
        let on_compute = placed(&realm, Placement::ComputeThread(2)).await;
        assert_eq!(on_compute, thread_of(&compute[0]).await);
    });
}

#[test]
fn an_actor_placed_by_number_runs_here_where_there_are_no_threads() {
    System::new().block_on(async {
        let realm = realm();
        for number in [0, 1, usize::MAX] {
            assert_eq!(placed(&realm, Placement::ControlThread(number)).await, here());
            assert_eq!(placed(&realm, Placement::ComputeThread(number)).await, here());
        }
    });
}

/// Has the realm watched, so that one who holds its thread is soon told of.
fn watched(realm: &Arc<Realm>) -> broadcast::Receiver<Event> {
    let (limit, period) = (Duration::from_millis(50), Duration::from_millis(10));
    watch(realm, WatchdogConfig { limit, period }).unwrap();
    realm.events()
}

/// The first actor told to hold its thread, its message, and for how long.
async fn stuck(events: &mut broadcast::Receiver<Event>) -> (String, Option<&str>, Duration) {
    loop {
        let event = events.recv().await.unwrap();
        if let Happening::Stuck { message, held } = event.what {
            return (event.path.to_string(), message, held);
        }
    }
}

#[test]
fn the_watchdog_names_an_actor_that_holds_its_thread_and_its_message() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let mut events = watched(&realm);
        let sitter = realm.spawn("sitter", sitter(&Arc::default())).unwrap();
        let (hold, holds, let_go) = Hold::new();
        let asked = sitter.ask(hold);
        holds.await.unwrap();
        let (path, message, held) = stuck(&mut events).await;
        assert_eq!(path, "sitter");
        assert!(message.unwrap().ends_with("Hold"));
        assert!(held >= Duration::from_millis(50));
        let row = realm.snapshot(None, 10).rows.remove(0);
        assert!(row.current.unwrap().message.ends_with("Hold"));
        drop(let_go);
        asked.await.unwrap();
    });
}

#[test]
fn the_watchdog_names_an_actor_that_holds_its_thread_while_it_is_built() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let mut events = watched(&realm);
        let (hold, builds, let_go) = Hold::new();
        let spec = held_up(hold).placement(Placement::Compute);
        let built = realm.spawn("slow", spec).unwrap();
        builds.await.unwrap();
        let (path, ..) = stuck(&mut events).await;
        assert_eq!(path, "slow");
        drop(let_go);
        built.actor().reaches(|state| state == State::Running).await;
    });
}

#[test]
fn rule_7_a_killed_child_whose_thread_does_not_come_back_is_given_up_as_stuck() {
    System::new().block_on(async {
        let arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let spec = sitter(&Arc::default()).named("stuck");
        let child = ChildSpec::worker("stuck", spec).shutdown(Shutdown::Brutal);
        let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
        let actor = root.child("stuck").await.unwrap();
        let let_go = hold(&actor.address().unwrap()).await;
        let story = Story::of(&realm);
        hurry(root.terminate_child("stuck")).await.unwrap();
        assert_eq!(story.reports().len(), 1, "a shutdown error");
        assert_eq!(root.actor().state(), State::Running);
        let again = root.restart_child("stuck").await.unwrap();
        assert_ne!(
            again,
            Some(actor.clone()),
            "its name is free although it still holds its thread"
        );
        drop(let_go);
        actor.reaches(|state| state == State::Gone).await;
    });
}

#[test]
fn long_work_that_yields_lets_the_thread_s_other_actors_answer() {
    System::new().block_on(async {
        let realm = realm();
        let counter = realm.spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        let answered = counter.ask(Count);
        let work = tokio::task::spawn_local(async {
            let mut slice = Slice::new(Duration::ZERO);
            let mut rounds = 0;
            loop {
                slice.checkpoint().await;
                rounds += 1;
                if rounds > 1_000_000 {
                    break;
                }
            }
        });
        assert_eq!(answered.await, Ok(1));
        assert!(!work.is_finished());
        work.abort();
    });
}
