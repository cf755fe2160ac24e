//! Dynamic supervisors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use oxbeam_supervisor::{
    ActorSpec, AskError, Backoff, ChildSpec, Children, DynamicSpec, ExitReason, Happening, Realm,
    RealmConfig, Shutdown, SpecError, StartError, State, SupervisorError, SupervisorSpec,
};

use crate::common::*;

fn spec() -> DynamicSpec<u32, Counter> {
    DynamicSpec::new(|_| ActorSpec::new(Counter::default)).backoff(backoff())
}

#[test]
fn a_child_is_started_on_demand_and_found_by_its_key_afterwards() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec()).await;
        let seven = children.get_or_start(&7).await.unwrap();
        assert_eq!(seven.ask(Count).await, Ok(1));
        assert_eq!(children.get_or_start(&7).await.unwrap(), seven);
        assert_eq!(&*seven.actor().path(), "root/many/7");
        assert!(children.get(&8).is_none());
        assert_eq!(children.count().specs, 1);
    });
}

#[test]
fn each_child_waits_longer_after_each_failure_and_its_siblings_do_not_notice() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec()).await;
        let (bad, good) =
            (children.get_or_start(&1).await.unwrap(), children.get_or_start(&2).await.unwrap());
        for wait in [1, 2, 4] {
            assert!(bad.ask(End::Panic).await.is_err());
            let begun = tokio::time::Instant::now();
            assert_eq!(bad.ask(Count).await, Ok(1), "kept in the queue meanwhile");
            assert_eq!(begun.elapsed().as_secs(), wait);
        }
        assert_eq!(bad.actor().row().budget_left, Some(0));
        assert_eq!(good.ask(Count).await, Ok(1));
        assert_eq!(good.actor().row().exits, 0);
    });
}

async fn into_quarantine(children: &Children<u32, Counter>, key: u32) {
    for _ in 0..=backoff().restarts {
        let child = children.get_or_start(&key).await.unwrap();
        assert!(child.ask(End::Panic).await.is_err());
    }
    settle().await;
}

#[test]
fn a_spent_budget_is_quarantine_with_its_reason_until_somebody_resumes_it() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec()).await;
        let child = children.get_or_start(&1).await.unwrap();
        let mut events = realm.events();
        into_quarantine(&children, 1).await;
        let quarantined = children.quarantined();
        assert_eq!(quarantined[0].key, 1);
        assert!(quarantined[0].reason.to_string().contains("asked to panic"));
        assert_eq!(child.actor().state(), State::Quarantined);
        assert!(matches!(
            children.get_or_start(&1).await,
            Err(SupervisorError::StartFailed(ExitReason::Quarantined(_)))
        ));
        assert!(matches!(child.ask(Count).await, Err(AskError::Refused(_))));
        let told = std::iter::from_fn(|| events.try_recv().ok())
            .any(|event| matches!(event.what, Happening::Quarantined { .. }));
        assert!(told);

        assert_eq!(children.resume(&1).await.unwrap(), child, "the same address");
        assert_eq!(child.ask(Count).await, Ok(1));
        assert_eq!(child.actor().row().budget_left, Some(backoff().restarts), "a full budget");
        assert_eq!(children.resume(&1).await, Err(SupervisorError::Running));
    });
}

#[test]
fn failures_are_forgotten_after_a_quiet_time() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec()).await;
        let child = children.get_or_start(&1).await.unwrap();
        for _ in 0..10 {
            assert!(child.ask(End::Panic).await.is_err());
            tokio::time::sleep(601 * SECOND).await;
        }
        assert_eq!(child.actor().state(), State::Running);
    });
}

#[test]
fn chance_comes_from_the_given_dice_and_shortens_the_wait() {
    simulate(async {
        let realm = realm();
        let spec = spec().backoff(Backoff { jitter: 0.5, ..backoff() }).dice(|| 1.0);
        let (children, _root) = start(&realm, spec).await;
        let child = children.get_or_start(&1).await.unwrap();
        assert!(child.ask(End::Panic).await.is_err());
        let begun = tokio::time::Instant::now();
        child.ask(Count).await.unwrap();
        assert_eq!(begun.elapsed().as_millis() / 100, 5);
    });
}

#[test]
fn a_child_that_does_not_start_is_an_error_at_the_call_and_is_tried_again() {
    simulate(async {
        let realm = realm();
        let births = Births::default();
        births.fail_next(1);
        let make = births.clone();
        let (children, _root) =
            start(&realm, DynamicSpec::new(move |_| make.spec()).backoff(backoff())).await;
        let failed = children.get_or_start(&1).await;
        assert!(matches!(failed, Err(SupervisorError::StartFailed(_))), "{failed:?}");
        assert_eq!(children.get(&1).unwrap().ask(Count).await, Ok(1), "after the backoff");
    });
}

#[test]
fn a_normal_end_and_an_ignored_start_are_forgotten() {
    simulate(async {
        let realm = realm();
        let make = |key: &u32| {
            let ignore = *key == 2;
            ActorSpec::fallible(move |_| {
                if ignore { Err(StartError::Ignore) } else { Ok(Counter::default()) }
            })
        };
        let (children, _root) = start(&realm, DynamicSpec::new(make)).await;
        let one = children.get_or_start(&1).await.unwrap();
        assert_eq!(end(&one, End::Stop).await, ExitReason::Normal);
        assert!(children.get_or_start(&2).await.is_err());
        settle().await;
        assert_eq!((children.count().specs, realm.actors()), (0, 2));
    });
}

#[test]
fn rule_9_a_dynamic_supervisor_refuses_delete_and_restart_by_id() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec()).await;
        assert_eq!(children.delete_child(&1), Err(SupervisorError::Dynamic));
        assert_eq!(children.restart_child(&1), Err(SupervisorError::Dynamic));
        assert_eq!(children.terminate(&1).await, Err(SupervisorError::NotFound));
        children.get_or_start(&1).await.unwrap();
        children.terminate(&1).await.unwrap();
        assert!(children.get(&1).is_none());
    });
}

#[test]
fn rule_2_a_dynamic_supervisor_stops_its_children_all_at_once() {
    simulate(async {
        let realm = realm();
        let make = |_: &u32| ActorSpec::new(Counter::stubborn);
        let spec = DynamicSpec::new(make).shutdown(Shutdown::Within(3 * SECOND));
        let (children, root) = start(&realm, spec).await;
        for key in 0..10 {
            children.get_or_start(&key).await.unwrap();
        }
        let begun = tokio::time::Instant::now();
        root.actor().shutdown();
        root.actor().reaches(|state| state == State::Gone).await;
        assert_eq!(begun.elapsed().as_secs(), 3, "three seconds for all, not for each");
        assert_eq!(realm.actors(), 0);
        assert_eq!(children.get_or_start(&1).await, Err(SupervisorError::ShuttingDown));
    });
}

#[test]
fn a_full_supervisor_refuses_one_more() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec().max_children(2)).await;
        children.get_or_start(&1).await.unwrap();
        children.get_or_start(&2).await.unwrap();
        assert_eq!(children.get_or_start(&3).await, Err(SupervisorError::Full { limit: 2 }));
        children.terminate(&1).await.unwrap();
        assert!(children.get_or_start(&3).await.is_ok());
    });
}

#[test]
fn bad_numbers_are_refused_with_the_spec() {
    simulate(async {
        let realm = realm();
        for bad in [
            Backoff { min: 2 * SECOND, max: SECOND, ..backoff() },
            Backoff { jitter: 1.5, ..backoff() },
            Backoff { reset_after: Duration::ZERO, ..backoff() },
        ] {
            let (_, child) = spec().backoff(bad).into_child("many");
            let started = realm.start("root", SupervisorSpec::new().child(child)).await;
            assert!(matches!(
                started,
                Err(oxbeam_supervisor::SpawnError::Spec(SpecError::BadBackoff { .. }))
            ));
        }
    });
}

#[test]
fn an_idle_child_leaves_for_good_when_nobody_has_its_address() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec().passivate_after(60 * SECOND)).await;
        children.get_or_start(&1).await.unwrap().ask(Count).await.unwrap();
        tokio::time::sleep(59 * SECOND).await;
        assert_eq!(children.count().specs, 1);
        tokio::time::sleep(122 * SECOND).await;
        assert_eq!((children.count().specs, realm.actors()), (0, 2));
    });
}

#[test]
fn an_idle_child_whose_address_is_kept_sleeps_and_wakes_with_the_next_message() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec().passivate_after(60 * SECOND)).await;
        let one = children.get_or_start(&1).await.unwrap();
        assert_eq!(one.ask(Count).await, Ok(1));
        tokio::time::sleep(200 * SECOND).await;
        assert_eq!(one.actor().state(), State::Asleep);
        assert_eq!(one.ask(Count).await, Ok(1), "fresh state, nothing lost");
        assert_eq!(children.get_or_start(&1).await.unwrap(), one, "never two of one key");
        drop(one);
        tokio::time::sleep(300 * SECOND).await;
        assert_eq!(children.count().specs, 0);
    });
}

#[test]
fn a_message_that_meets_a_leaving_child_is_never_lost() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec().passivate_after(SECOND)).await;
        // Around the very moment of leaving, a millisecond further each time.
        for millisecond in 900..1100 {
            let answer = children.get_or_start(&1).await.unwrap().ask(Count).await;
            assert!(answer.is_ok(), "{answer:?} after {millisecond} ms");
            tokio::time::sleep(Duration::from_millis(millisecond)).await;
        }
    });
}

#[test]
fn a_child_with_an_unanswered_ask_does_not_leave() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, spec().passivate_after(SECOND)).await;
        let one = children.get_or_start(&1).await.unwrap();
        assert_eq!(one.ask(Wait(100 * SECOND)).await, Ok(()));
        one.tell(Count).unwrap();
        one.tell(Wait(100 * SECOND)).unwrap();
        tokio::time::sleep(99 * SECOND).await;
        assert_eq!(one.ask(Count).await, Ok(2), "nor one that waits in a message");
    });
}

#[test]
fn the_handle_stays_good_when_the_supervisor_itself_is_restarted() {
    simulate(async {
        let realm = realm();
        let (children, root) = start(&realm, spec()).await;
        let one = children.get_or_start(&1).await.unwrap();
        children.get_or_start(&2).await.unwrap();
        into_quarantine(&children, 2).await;
        root.child("many").await.unwrap().kill();
        settle().await;
        assert_eq!(one.closed(), Some(ExitReason::Killed));
        assert_eq!(children.get_or_start(&1).await.unwrap().ask(Count).await, Ok(1));
        assert_eq!(realm.actors(), 3);
    });
}

#[test]
fn two_hundred_thousand_children_start_answer_and_leave() {
    simulate(async {
        const MANY: u32 = 200_000;
        let realm = Realm::new(RealmConfig::default()).unwrap();
        let answered = Arc::new(AtomicU32::new(0));
        let (children, _root) = start(&realm, spec().passivate_after(60 * SECOND)).await;
        for batch in 0..20 {
            let asks = (0..MANY / 20).map(|n| {
                let (children, answered, key) =
                    (children.clone(), answered.clone(), batch * MANY / 20 + n);
                async move {
                    let child = children.get_or_start(&key).await.unwrap();
                    answered.fetch_add(child.ask(Count).await.unwrap(), Ordering::SeqCst);
                }
            });
            futures_util::future::join_all(asks).await;
        }
        assert_eq!(answered.load(Ordering::SeqCst), MANY);
        assert_eq!((children.count().specs, realm.actors()), (MANY as usize, MANY as usize + 2));
        tokio::time::sleep(200 * SECOND).await;
        assert_eq!((children.count().specs, realm.actors()), (0, 2), "all left");
    });
}

#[test]
fn a_dynamic_child_spec_is_a_supervisor_in_the_counts() {
    simulate(async {
        let realm = realm();
        let (_children, root) = start(&realm, spec()).await;
        assert_eq!(root.count_children().await.unwrap().supervisors, 1);
        let _: ChildSpec = root.child_spec("many").await.unwrap();
    });
}
