//! Supervisors as actors: how they boot, stop, and hear of others.

use std::time::Duration;

use oxbeam_supervisor::{
    ActorSpec, ChildSpec, ExitReason, Shutdown, SpawnError, State, SupervisorRef, SupervisorSpec,
};

use crate::common::*;

#[test]
fn a_root_whose_child_fails_to_start_is_an_error_also_when_the_others_take_time_to_stop() {
    simulate(async {
        let births = Births::default();
        births.fail_next(1);
        let slow = ChildSpec::worker("a", ActorSpec::new(Counter::stubborn));
        let spec = SupervisorSpec::new()
            .child(slow.shutdown(Shutdown::Within(3 * SECOND)))
            .child(ChildSpec::worker("b", births.spec()));
        let started = realm().start("root", spec).await;
        assert!(matches!(started, Err(SpawnError::Failed { .. })), "{started:?}");
    });
}

#[test]
fn the_longest_shutdown_time_is_no_panic() {
    simulate(async {
        let realm = realm();
        let child = worker("a").shutdown(Shutdown::Within(Duration::MAX));
        let inner = ChildSpec::supervisor("inner", SupervisorSpec::new().child(child));
        let root = realm.start("root", SupervisorSpec::new().child(inner)).await.unwrap();
        let inner = root.child("inner").await.unwrap();
        let inner = SupervisorRef::new(inner.address().unwrap());
        settle().await;
        let ended = inner.terminate_child("a").await;
        assert_eq!((ended, realm.crashes().groups().len()), (Ok(()), 0));
    });
}

#[test]
fn a_large_static_supervisor_boots_in_time_that_grows_with_it_not_with_its_square() {
    simulate(async {
        let time = |children: usize| async move {
            let realm = realm();
            let spec = (0..children).fold(SupervisorSpec::new(), |spec, n| {
                spec.child(ChildSpec::worker(format!("c{n}"), ActorSpec::new(Counter::default)))
            });
            let begun = processor_time();
            let root = realm.start("root", spec).await.unwrap();
            root.actor().shutdown();
            root.actor().reaches(|state| state == State::Gone).await;
            processor_time() - begun
        };
        // Eight times as many; a square would be 64 times.
        let (mut small, mut large) = (Duration::MAX, Duration::MAX);
        for _ in 0..3 {
            small = small.min(time(2_000).await);
            large = large.min(time(16_000).await);
        }
        println!("static: 2,000 in {small:?}, 16,000 in {large:?}");
        assert!(large < small * 24, "{small:?} for 2,000, {large:?} for 16,000");
    });
}

#[test]
fn a_linked_supervisor_survives_its_peer_as_one_that_traps_exits() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new().child(worker("a"))).await.unwrap();
        let peer = realm.spawn("peer", ActorSpec::new(Counter::default)).unwrap();
        settle().await;
        root.actor().link(&peer.actor()).unwrap();
        peer.actor().kill();
        settle().await;
        assert_eq!(root.actor().state(), State::Running);
    });
}

#[test]
fn a_dynamic_supervisor_traps_exits_too() {
    simulate(async {
        let realm = realm();
        let spec = oxbeam_supervisor::DynamicSpec::<u32, Counter>::new(|_| {
            ActorSpec::new(Counter::default)
        });
        let (_children, root) = start(&realm, spec).await;
        let many = root.child("many").await.unwrap();
        let peer = realm.spawn("peer", ActorSpec::new(Counter::default)).unwrap();
        settle().await;
        many.link(&peer.actor()).unwrap();
        peer.actor().kill();
        settle().await;
        assert_eq!((many.state(), many.row().exits), (State::Running, 0));
        assert_eq!(peer.closed(), Some(ExitReason::Killed));
    });
}
