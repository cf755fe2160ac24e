//! Rules 2, 7 and 8: how children are stopped, and when a supervisor ends by itself.

use oxbeam_supervisor::{
    ActorSpec, AutoShutdown, ChildSpec, ExitReason, ReportKind, Restart, Shutdown, SpecError,
    State, Strategy, SupervisorSpec, check_child_specs,
};

use super::{abc, gone};
use crate::common::*;

#[test]
fn rule_2_children_stop_from_right_to_left() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", abc(Strategy::OneForOne)).await.unwrap();
        let story = Story::of(&realm);
        root.actor().shutdown();
        assert_eq!(gone(&root).await, ExitReason::Shutdown);
        assert_eq!(story.lives(), ["-c", "-b", "-a", "-root"]);
        assert_eq!(realm.actors(), 0);
    });
}

/// Never ends by itself, and is busy when it is asked to.
fn stubborn(id: &str) -> ChildSpec {
    ChildSpec::worker(id, ActorSpec::new(Counter::stubborn).named(id))
}

#[test]
fn rule_7_a_child_that_does_not_end_in_time_is_killed_and_reported() {
    simulate(async {
        let realm = realm();
        let spec =
            SupervisorSpec::new().child(stubborn("a").shutdown(Shutdown::Within(3 * SECOND)));
        let root = realm.start("root", spec).await.unwrap();
        let story = Story::of(&realm);
        let begun = tokio::time::Instant::now();
        root.actor().shutdown();
        gone(&root).await;
        assert_eq!(begun.elapsed().as_secs(), 3);
        assert_eq!(story.reports(), [(ReportKind::ShutdownError, "a".to_owned())]);
    });
}

#[test]
fn rule_7_the_default_for_a_worker_is_five_seconds() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new().child(stubborn("a"))).await.unwrap();
        let begun = tokio::time::Instant::now();
        root.terminate_child("a").await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 5);
    });
}

#[test]
fn rule_7_brutal_kills_at_once_and_is_no_error() {
    simulate(async {
        let realm = realm();
        let spec = SupervisorSpec::new().child(stubborn("a").shutdown(Shutdown::Brutal));
        let root = realm.start("root", spec).await.unwrap();
        let story = Story::of(&realm);
        let child = counter(&realm, "a");
        root.actor().shutdown();
        gone(&root).await;
        assert_eq!(child.actor().last_exit(), Some(ExitReason::Killed));
        assert!(story.reports().is_empty());
    });
}

#[test]
fn rule_7_infinity_waits_for_as_long_as_it_takes() {
    simulate(async {
        let realm = realm();
        let spec = SupervisorSpec::new().child(stubborn("a").shutdown(Shutdown::Infinity));
        let root = realm.start("root", spec).await.unwrap();
        root.actor().shutdown();
        tokio::time::sleep(3600 * SECOND).await;
        assert_eq!(root.actor().state(), State::Stopping);
        counter(&realm, "a").actor().kill();
        gone(&root).await;
    });
}

#[test]
fn rule_7_a_supervisor_gives_its_own_children_their_time() {
    simulate(async {
        let realm = realm();
        let inner =
            SupervisorSpec::new().child(stubborn("a").shutdown(Shutdown::Within(60 * SECOND)));
        let spec = SupervisorSpec::new().child(ChildSpec::supervisor("inner", inner));
        let root = realm.start("root", spec).await.unwrap();
        let begun = tokio::time::Instant::now();
        root.actor().shutdown();
        gone(&root).await;
        assert_eq!(begun.elapsed().as_secs(), 60);
    });
}

async fn after_an_end_of(auto: AutoShutdown, ended: &[&str]) -> State {
    let realm = realm();
    let significant = |id| worker(id).restart(Restart::Transient).significant();
    let spec = SupervisorSpec::new()
        .auto_shutdown(auto)
        .child(significant("a"))
        .child(significant("b"))
        .child(worker("c").restart(Restart::Transient));
    let root = realm.start("root", spec).await.unwrap();
    for name in ended {
        end(&counter(&realm, name), End::Stop).await;
        settle().await;
    }
    root.actor().state()
}

#[test]
fn rule_8_a_supervisor_shuts_down_when_its_significant_children_have_ended() {
    simulate(async {
        use AutoShutdown::{AllSignificant, AnySignificant};
        assert_eq!(after_an_end_of(AnySignificant, &["c"]).await, State::Running);
        assert_eq!(after_an_end_of(AnySignificant, &["a"]).await, State::Gone);
        assert_eq!(after_an_end_of(AllSignificant, &["a"]).await, State::Running);
        assert_eq!(after_an_end_of(AllSignificant, &["a", "b"]).await, State::Gone);
    });
}

#[test]
fn rule_8_a_significant_child_ended_by_a_call_does_not_count() {
    simulate(async {
        let realm = realm();
        let spec = SupervisorSpec::new()
            .auto_shutdown(AutoShutdown::AnySignificant)
            .child(worker("a").restart(Restart::Transient).significant());
        let root = realm.start("root", spec).await.unwrap();
        root.terminate_child("a").await.unwrap();
        settle().await;
        assert_eq!(root.actor().state(), State::Running);
    });
}

#[test]
fn rule_8_wrong_significant_children_are_refused() {
    let never = AutoShutdown::Never;
    let any = AutoShutdown::AnySignificant;
    let significant = |restart| worker("a").restart(restart).significant();
    assert!(matches!(
        check_child_specs(&[significant(Restart::Permanent)], any),
        Err(SpecError::SignificantPermanent { .. })
    ));
    assert!(matches!(
        check_child_specs(&[significant(Restart::Transient)], never),
        Err(SpecError::SignificantNever { .. })
    ));
    assert!(check_child_specs(&[significant(Restart::Transient)], any).is_ok());
}

#[test]
fn a_killed_supervisor_takes_its_children_along() {
    simulate(async {
        let realm = realm();
        let inner = SupervisorSpec::new().child(worker("leaf"));
        let spec = SupervisorSpec::new().child(ChildSpec::supervisor("inner", inner));
        let root = realm.start("root", spec).await.unwrap();
        let leaf = counter(&realm, "leaf");
        root.child("inner").await.unwrap().kill();
        settle().await;
        assert_eq!(leaf.closed(), Some(ExitReason::Killed));
        assert_eq!(counter(&realm, "leaf").ask(Count).await, Ok(1), "a new one, by its name");
    });
}
