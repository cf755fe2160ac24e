//! Threads: placement, the watchdog, and sharing a thread. On the wall clock, with real threads.

use std::{collections::HashSet, sync::Arc, time::Duration};

use actix::System;
use oxbeam_supervisor::{
    ActorSpec, ChildSpec, Event, ExitReason, Happening, Placement, Realm, Shutdown, Slice,
    SpawnError, State, SupervisorSpec, WatchdogConfig, watch,
};
use tokio::sync::broadcast;

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
