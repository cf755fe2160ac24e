//! Children started on demand, where it goes wrong.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use oxbeam_supervisor::{
    ActorSpec, Backoff, Children, DynamicSpec, ExitReason, ReportKind, Restart, Shutdown,
    SpawnError, State, SupervisorSpec,
};
use tokio::time::timeout;

use crate::common::*;

const GRACE: Duration = Duration::from_secs(20);
fn dynamic() -> DynamicSpec<u32, Counter> {
    DynamicSpec::new(|_| ActorSpec::new(Counter::default)).backoff(backoff())
}

#[test]
fn a_start_on_demand_that_is_never_acknowledged_ends_some_time() {
    simulate(async {
        let realm = realm();
        let spec = DynamicSpec::new(|_: &u32| ActorSpec::new(|| Never).acknowledged());
        let (children, _root) = start(&realm, spec).await;
        let started = timeout(EVER, children.get_or_start(&1)).await;
        assert!(started.is_ok(), "no answer in a day");
    });
}

#[test]
fn a_make_that_panics_neither_ends_its_caller_nor_costs_a_place() {
    simulate(async {
        let realm = realm();
        let make = |key: &u32| {
            assert!(*key != 13, "unlucky");
            ActorSpec::new(Counter::default)
        };
        let (children, _root) = start(&realm, DynamicSpec::new(make).max_children(2)).await;
        for _ in 0..2 {
            let caller = children.clone();
            let called = tokio::task::spawn_local(async move { caller.get_or_start(&13).await });
            let _ = called.await;
        }
        let good = children.get_or_start(&1).await;
        assert!(good.is_ok(), "{good:?}");
    });
}

#[test]
fn a_make_may_look_at_its_siblings() {
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        simulate(async {
            let realm = realm();
            let handle: Arc<parking_lot::Mutex<Option<Children<u32, Counter>>>> = Arc::default();
            let seen = handle.clone();
            let make = move |_: &u32| {
                let children = seen.lock().clone();
                let _ = children.map(|children| children.count());
                ActorSpec::new(Counter::default)
            };
            let (children, _root) = start(&realm, DynamicSpec::new(make)).await;
            *handle.lock() = Some(children.clone());
            children.get_or_start(&1).await.unwrap();
        });
        done.send(()).unwrap();
    });
    assert!(wait.recv_timeout(GRACE).is_ok(), "deadlock");
}

#[test]
fn a_child_that_has_just_ended_normally_is_not_given_out() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, dynamic()).await;
        // A task as others, and so run between the child's end and the supervisor's news of it.
        let asked = tokio::task::spawn_local(async move {
            let one = children.get_or_start(&1).await.unwrap();
            assert_eq!(end(&one, End::Stop).await, ExitReason::Normal);
            let again = children.get_or_start(&1).await.unwrap();
            again.ask(Count).await
        });
        assert_eq!(asked.await.unwrap(), Ok(1), "started if it does not run");
    });
}

#[test]
fn the_longest_backoff_is_no_panic() {
    simulate(async {
        let realm = realm();
        let longest = Backoff { min: Duration::MAX, max: Duration::MAX, ..backoff() };
        let (children, _root) = start(&realm, dynamic().backoff(longest)).await;
        let one = children.get_or_start(&1).await.unwrap();
        let two = children.get_or_start(&2).await.unwrap();
        assert!(one.ask(End::Panic).await.is_err());
        settle().await;
        assert_eq!(two.ask(Count).await, Ok(1), "its sibling notices");
    });
}

#[test]
fn a_backoff_that_forgets_while_it_waits_is_refused_or_still_ends_in_quarantine() {
    simulate(async {
        let realm = realm();
        let forgetful =
            Backoff { min: 120 * SECOND, max: 120 * SECOND, reset_after: 60 * SECOND, ..backoff() };
        let (children, child) = dynamic().backoff(forgetful).into_child("many");
        let Ok(_root) = realm.start("root", SupervisorSpec::new().child(child)).await else {
            return;
        };
        let one = children.get_or_start(&1).await.unwrap();
        for _ in 0..20 {
            let _ = one.ask(End::Panic).await;
        }
        assert_eq!(one.actor().state(), State::Quarantined, "20 failures, never quiet");
    });
}

#[test]
fn an_idle_child_with_a_name_or_a_group_leaves_for_good_too() {
    simulate(async {
        let realm = realm();
        let make = |key: &u32| ActorSpec::new(Counter::default).named(format!("n{key}"));
        let spec = DynamicSpec::new(make).passivate_after(SECOND);
        let (children, _root) = start(&realm, spec).await;
        children.get_or_start(&1).await.unwrap();
        tokio::time::sleep(EVER).await;
        assert_eq!(children.count().specs, 0);
    });
}

#[test]
fn a_dynamic_child_that_does_not_end_in_time_is_reported() {
    simulate(async {
        let realm = realm();
        let spec = DynamicSpec::new(|_: &u32| ActorSpec::new(Counter::stubborn))
            .shutdown(Shutdown::Within(SECOND));
        let (children, _root) = start(&realm, spec).await;
        children.get_or_start(&1).await.unwrap();
        let story = Story::of(&realm);
        children.terminate(&1).await.unwrap();
        settle().await;
        assert!(story.reports().iter().any(|(kind, _)| *kind == ReportKind::ShutdownError));
    });
}

#[test]
fn a_name_stays_its_actor_s_while_the_actor_is_in_quarantine() {
    simulate(async {
        let realm = realm();
        let make = |key: &u32| ActorSpec::new(Counter::default).named(format!("n{key}"));
        let spec = DynamicSpec::new(make).backoff(Backoff { restarts: 0, ..backoff() });
        let (children, _root) = start(&realm, spec).await;
        let one = children.get_or_start(&1).await.unwrap();
        assert!(one.ask(End::Panic).await.is_err());
        settle().await;
        let thief = realm.spawn("thief", ActorSpec::new(Counter::default).named("n1"));
        assert!(matches!(thief, Err(SpawnError::Name(_))), "{thief:?}");
    });
}

#[test]
fn rule_11_starts_that_fail_and_ends_of_dynamic_children_are_reported() {
    simulate(async {
        let realm = realm();
        let births = Births::default();
        let make = births.clone();
        let (children, _root) =
            start(&realm, DynamicSpec::new(move |_: &u32| make.spec()).backoff(backoff())).await;
        let story = Story::of(&realm);
        births.fail_next(1);
        assert!(children.get_or_start(&1).await.is_err());
        assert_eq!(story.reports(), [(ReportKind::StartError, "1".to_owned())]);
        let one = children.get(&1).unwrap();
        one.ask(Count).await.unwrap();
        assert!(one.ask(End::Panic).await.is_err());
        settle().await;
        assert_eq!(story.reports(), [(ReportKind::ChildTerminated, "1".to_owned())]);
    });
}

#[test]
fn a_child_that_starts_too_late_is_killed_and_tried_again_until_quarantine() {
    simulate(async {
        let realm = realm();
        let spec = DynamicSpec::new(|_: &u32| ActorSpec::new(|| Never).acknowledged())
            .backoff(backoff())
            .start_limit(SECOND);
        let (children, _root) = start(&realm, spec).await;
        assert!(children.get_or_start(&1).await.is_err());
        let one = children.get(&1).unwrap();
        tokio::time::sleep(60 * SECOND).await;
        assert_eq!((one.actor().state(), one.actor().row().exits), (State::Quarantined, 4));
    });
}

#[test]
fn a_permanent_child_s_deadlines_go_with_it() {
    simulate(async {
        let realm = realm();
        let spec = dynamic().restart(Restart::Permanent).shutdown(Shutdown::Within(Duration::MAX));
        let (children, _root) = start(&realm, spec).await;
        for key in 0..100 {
            children.get_or_start(&key).await.unwrap();
            children.terminate(&key).await.unwrap();
        }
        assert_eq!((children.count().specs, realm.actors()), (0, 2));
    });
}
