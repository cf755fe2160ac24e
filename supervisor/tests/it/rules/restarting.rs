//! Rules 3 to 6: which children are started again, and how often.

use oxbeam_supervisor::{
    ChildSpec, ChildStatus, ExitReason, Intensity, Restart, State, Strategy, SupervisorSpec,
};

use super::{abc, gone, slow};
use crate::common::*;

async fn lives_after_a_crash_of_b(strategy: Strategy) -> Vec<String> {
    let realm = realm();
    let _root = realm.start("root", abc(strategy)).await.unwrap();
    let story = Story::of(&realm);
    assert!(counter(&realm, "b").ask(End::Panic).await.is_err());
    settle().await;
    for name in ["a", "b", "c"] {
        assert_eq!(counter(&realm, name).ask(Count).await, Ok(1));
    }
    story.lives()
}

#[test]
fn rule_3_one_for_one_restarts_the_one() {
    simulate(async {
        assert_eq!(lives_after_a_crash_of_b(Strategy::OneForOne).await, ["-b", "+b"]);
    });
}

#[test]
fn rule_3_one_for_all_stops_the_others_from_right_to_left_and_starts_all_from_left_to_right() {
    simulate(async {
        let lives = lives_after_a_crash_of_b(Strategy::OneForAll).await;
        assert_eq!(lives, ["-b", "-c", "-a", "+a", "+b", "+c"]);
    });
}

#[test]
fn rule_3_rest_for_one_restarts_the_one_and_those_after_it() {
    simulate(async {
        let lives = lives_after_a_crash_of_b(Strategy::RestForOne).await;
        assert_eq!(lives, ["-b", "-c", "+b", "+c"]);
    });
}

#[test]
fn rule_4_the_default_is_one_restart_in_five_seconds_and_one_more_is_giving_up() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", abc(Strategy::OneForOne)).await.unwrap();
        let b = counter(&realm, "b");
        assert!(b.ask(End::Panic).await.is_err());
        settle().await;
        assert_eq!(b.ask(Count).await, Ok(1));
        let story = Story::of(&realm);
        assert!(b.ask(End::Panic).await.is_err());
        assert_eq!(gone(&root).await, ExitReason::Shutdown);
        assert_eq!(story.lives(), ["-b", "-c", "-a", "-root"]);
    });
}

#[test]
fn rule_4_restarts_further_apart_than_the_period_do_not_add_up() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", abc(Strategy::OneForOne)).await.unwrap();
        for _ in 0..20 {
            assert!(counter(&realm, "b").ask(End::Panic).await.is_err());
            tokio::time::sleep(5 * SECOND + SECOND / 10).await;
        }
        assert_eq!(root.actor().state(), State::Running);
    });
}

#[test]
fn rule_4_a_permanent_supervisor_is_restarted_by_its_own_and_a_transient_one_is_not() {
    simulate(async {
        for (restart, comes_back) in [(Restart::Permanent, true), (Restart::Transient, false)] {
            let realm = realm();
            let inner = SupervisorSpec::new()
                .intensity(Intensity { restarts: 0, period: SECOND })
                .child(worker("leaf"));
            let child = ChildSpec::supervisor("inner", inner).restart(restart);
            let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
            assert!(counter(&realm, "leaf").ask(End::Panic).await.is_err());
            settle().await;
            assert_eq!(realm.registry().find("leaf").is_some(), comes_back);
            assert_eq!(root.count_children().await.unwrap().active, usize::from(comes_back));
        }
    });
}

async fn comes_back(restart: Restart, how: End) -> bool {
    let realm = realm();
    let spec = SupervisorSpec::new().child(worker("a").restart(restart));
    let _root = realm.start("root", spec).await.unwrap();
    end(&counter(&realm, "a"), how).await;
    settle().await;
    realm.registry().find("a").is_some()
}

#[test]
fn rule_5_each_restart_type_comes_back_after_the_ends_it_should() {
    simulate(async {
        let normal = [End::Stop, End::ShutdownWith];
        let abnormal = [End::Panic, End::Fail, End::PanicInTimer];
        for how in normal.into_iter().chain(abnormal) {
            assert!(comes_back(Restart::Permanent, how).await, "permanent, {how:?}");
            assert!(!comes_back(Restart::Temporary, how).await, "temporary, {how:?}");
            let expected = abnormal.contains(&how);
            assert_eq!(comes_back(Restart::Transient, how).await, expected, "transient, {how:?}");
        }
    });
}

#[test]
fn rule_5_a_temporary_child_stopped_for_a_sibling_is_forgotten() {
    simulate(async {
        let realm = realm();
        let spec = SupervisorSpec::new()
            .strategy(Strategy::OneForAll)
            .child(worker("a"))
            .child(worker("b").restart(Restart::Temporary));
        let root = realm.start("root", spec).await.unwrap();
        assert!(counter(&realm, "a").ask(End::Panic).await.is_err());
        settle().await;
        let ids: Vec<_> =
            root.which_children().await.unwrap().iter().map(|row| row.id.to_string()).collect();
        assert_eq!(ids, ["a"]);
    });
}

#[test]
fn rule_6_a_failed_restart_is_tried_again_and_each_try_counts() {
    simulate(async {
        for (failures, survives) in [(2, true), (3, false)] {
            let realm = realm();
            let births = Births::default();
            let spec = SupervisorSpec::new()
                .intensity(Intensity { restarts: 3, period: 5 * SECOND })
                .child(ChildSpec::worker("a", births.spec().named("a")));
            let root = realm.start("root", spec).await.unwrap();
            births.fail_next(failures);
            counter(&realm, "a").tell(End::Panic).unwrap();
            settle().await;
            assert_eq!(root.actor().state() == State::Running, survives, "{failures} failures");
            assert_eq!(births.starts(), 1 + 3);
        }
    });
}

#[test]
fn rule_6_a_supervisor_whose_child_is_slow_to_restart_answers_and_can_be_shut_down() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new().child(slow("a"))).await.unwrap();
        root.child("a").await.unwrap().kill();
        settle().await;
        assert_eq!(root.which_children().await.unwrap()[0].status, ChildStatus::Starting);
        let begun = tokio::time::Instant::now();
        root.actor().shutdown();
        assert_eq!(gone(&root).await, ExitReason::Shutdown);
        assert!(begun.elapsed() < SECOND / 2, "it did not wait for the start");
    });
}
