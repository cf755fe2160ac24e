//! Rule 9: what a supervisor can be asked.

use std::time::Duration;

use oxbeam_supervisor::{
    ActorSpec, AutoShutdown, ChildCounts, ChildSpec, ChildStatus, Intensity, Kind, Restart,
    SpawnError, SpecError, State, SupervisorError, SupervisorSpec, check_child_specs,
};

use crate::common::*;

#[test]
fn rule_9_start_child_starts_and_refuses_an_id_that_is_known() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new()).await.unwrap();
        let actor = root.start_child(worker("a")).await.unwrap().unwrap();
        assert_eq!(actor.address::<Counter>().unwrap().ask(Count).await, Ok(1));
        assert_eq!(root.start_child(worker("a")).await, Err(SupervisorError::AlreadyStarted));
        root.terminate_child("a").await.unwrap();
        assert_eq!(root.start_child(worker("a")).await, Err(SupervisorError::AlreadyPresent));
    });
}

#[test]
fn rule_9_a_child_that_does_not_start_by_a_call_is_not_kept() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new()).await.unwrap();
        let births = Births::default();
        births.fail_next(1);
        let failed = root.start_child(ChildSpec::worker("a", births.spec())).await;
        assert!(matches!(failed, Err(SupervisorError::StartFailed(_))));
        assert_eq!(root.count_children().await.unwrap().specs, 0);
    });
}

#[test]
fn rule_9_terminate_restart_and_delete_answer_for_every_state() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new().child(worker("a"))).await.unwrap();
        let unknown = Err(SupervisorError::NotFound);
        assert_eq!(root.terminate_child("x").await, unknown);
        assert_eq!(root.delete_child("x").await, unknown);
        assert_eq!(root.restart_child("x").await.unwrap_err(), SupervisorError::NotFound);
        assert_eq!(root.delete_child("a").await, Err(SupervisorError::Running));
        assert_eq!(root.restart_child("a").await, Err(SupervisorError::Running));
        root.terminate_child("a").await.unwrap();
        root.terminate_child("a").await.unwrap();
        assert_eq!(root.which_children().await.unwrap()[0].status, ChildStatus::Stopped);
        assert!(root.restart_child("a").await.unwrap().is_some());
        root.terminate_child("a").await.unwrap();
        root.delete_child("a").await.unwrap();
        assert_eq!(root.count_children().await.unwrap(), ChildCounts::default());
    });
}

#[test]
fn rule_9_terminating_a_temporary_child_forgets_it() {
    simulate(async {
        let realm = realm();
        let spec = SupervisorSpec::new().child(worker("a").restart(Restart::Temporary));
        let root = realm.start("root", spec).await.unwrap();
        root.terminate_child("a").await.unwrap();
        assert_eq!(root.count_children().await.unwrap().specs, 0);
    });
}

#[test]
fn rule_9_counts_and_specs_tell_what_was_given() {
    simulate(async {
        let realm = realm();
        let inner = ChildSpec::supervisor("inner", SupervisorSpec::new());
        let spec = SupervisorSpec::new().child(worker("a")).child(worker("b")).child(inner);
        let root = realm.start("root", spec).await.unwrap();
        root.terminate_child("b").await.unwrap();
        let counts = ChildCounts { specs: 3, active: 2, supervisors: 1, workers: 2 };
        assert_eq!(root.count_children().await, Ok(counts));
        assert_eq!(&**root.child_spec("a").await.unwrap().id(), "a");
        assert_eq!(root.child_spec("x").await.unwrap_err(), SupervisorError::NotFound);
        let kinds: Vec<_> =
            root.which_children().await.unwrap().iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [Kind::Worker, Kind::Worker, Kind::Supervisor]);
    });
}

#[test]
fn rule_9_check_child_specs_finds_what_is_wrong() {
    let check = |children: &[ChildSpec]| check_child_specs(children, AutoShutdown::Never);
    assert!(matches!(check(&[worker("a"), worker("a")]), Err(SpecError::DuplicateId { .. })));
    assert!(matches!(check(&[worker("")]), Err(SpecError::BadId { .. })));
    assert!(matches!(check(&[worker("a/b")]), Err(SpecError::BadId { .. })));
    let zero = worker("a").start_limit(Duration::ZERO);
    assert!(matches!(check(&[zero]), Err(SpecError::ZeroStartLimit { .. })));
    let actor = ActorSpec::new(Counter::default);
    let zero = ChildSpec::worker("a", actor.queue_limit(0));
    assert!(matches!(check(&[zero]), Err(SpecError::ZeroQueueLimit)));
    let inner = SupervisorSpec::new().child(worker("a")).child(worker("a"));
    let inner = ChildSpec::supervisor("inner", inner);
    assert!(matches!(check(&[inner]), Err(SpecError::DuplicateId { .. })));
    assert!(check(&[worker("a"), worker("b")]).is_ok());
}

#[test]
fn bad_use_is_an_error_at_the_call() {
    simulate(async {
        let realm = realm();
        let zero = Intensity { restarts: 1, period: Duration::ZERO };
        let spec = SupervisorSpec::new().intensity(zero);
        assert!(matches!(
            realm.start("root", spec).await,
            Err(SpawnError::Spec(SpecError::ZeroPeriod))
        ));
        let root = realm.start("root", SupervisorSpec::new()).await.unwrap();
        let bad = root.start_child(worker("a").significant()).await;
        assert!(matches!(bad, Err(SupervisorError::Spec(_))));
        assert_eq!(root.actor().state(), State::Running);
    });
}
