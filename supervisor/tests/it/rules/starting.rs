//! Rules 1 and 10: how children start.

use oxbeam_supervisor::{
    ActorSpec, ChildSpec, ChildStatus, ExitReason, Restart, SpawnError, StartError, Strategy,
    SupervisorSpec,
};

use super::{abc, slow};
use crate::common::*;

#[test]
fn rule_1_children_start_from_left_to_right_and_the_start_returns_when_all_run() {
    simulate(async {
        let realm = realm();
        let story = Story::of(&realm);
        let root = realm.start("root", abc(Strategy::OneForOne)).await.unwrap();
        assert_eq!(story.lives(), ["+a", "+b", "+c", "+root"]);
        assert_eq!(root.count_children().await.unwrap().active, 3);
    });
}

#[test]
fn rule_1_each_start_completes_before_the_next_begins() {
    simulate(async {
        let realm = realm();
        let begun = tokio::time::Instant::now();
        let spec = SupervisorSpec::new().child(slow("a")).child(slow("b"));
        realm.start("root", spec).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 2);
    });
}

#[test]
fn rule_1_a_failed_start_stops_those_before_it_and_fails_the_supervisor_with_its_reason() {
    simulate(async {
        let realm = realm();
        let story = Story::of(&realm);
        let births = Births::default();
        births.fail_next(1);
        let spec = SupervisorSpec::new()
            .child(worker("a"))
            .child(worker("b"))
            .child(ChildSpec::worker("c", births.spec()))
            .child(worker("d"));
        let Err(SpawnError::Failed { reason: ExitReason::StartFailed { child, reason } }) =
            realm.start("root", spec).await
        else {
            panic!("the start did not fail");
        };
        assert_eq!((&*child, &*reason), ("c", &ExitReason::Failed("told to".into())));
        assert_eq!(story.lives(), ["+a", "+b", "-b", "-a", "-root"]);
        assert_eq!((realm.actors(), births.starts()), (0, 1));
    });
}

#[test]
fn rule_1_a_start_that_takes_too_long_fails() {
    simulate(async {
        let realm = realm();
        let spec = SupervisorSpec::new().child(slow("a").start_limit(SECOND / 2));
        let Err(SpawnError::Failed { reason: ExitReason::StartFailed { reason, .. } }) =
            realm.start("root", spec).await
        else {
            panic!("the start did not fail");
        };
        assert_eq!(*reason, ExitReason::StartTimeout);
    });
}

#[test]
fn rule_10_an_ignored_start_keeps_the_spec_and_runs_no_actor() {
    simulate(async {
        let realm = realm();
        let ignore = |id: &str| {
            ChildSpec::worker(id, ActorSpec::<Counter>::fallible(|_| Err(StartError::Ignore)))
        };
        let spec = SupervisorSpec::new().child(ignore("a")).child(worker("b"));
        let root = realm.start("root", spec).await.unwrap();
        let rows = root.which_children().await.unwrap();
        assert_eq!((rows[0].status, rows[0].actor.is_none()), (ChildStatus::Stopped, true));
        assert_eq!(rows[1].status, ChildStatus::Running);
        assert_eq!(root.start_child(ignore("c")).await, Ok(None));
        assert_eq!(root.restart_child("c").await, Ok(None));
        let temporary = ignore("d").restart(Restart::Temporary);
        assert_eq!(root.start_child(temporary).await, Ok(None));
        assert_eq!(root.count_children().await.unwrap().specs, 3, "a temporary one is forgotten");
    });
}
