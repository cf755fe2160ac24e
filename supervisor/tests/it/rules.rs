//! OTP's rules, one by one, in simulated time. The numbers are those of the table in README.

use std::time::Duration;

use actix::{Actor, Context};
use oxbeam_supervisor::{
    ActorSpec, AskError, AutoShutdown, ChildCounts, ChildSpec, ChildStatus, ContextExt, ExitReason,
    Intensity, Kind, ReportKind, Restart, Shutdown, SpawnError, SpecError, StartError, State,
    Strategy, SupervisorError, SupervisorRef, SupervisorSpec, check_child_specs,
};

use crate::common::*;

async fn gone(supervisor: &SupervisorRef) -> ExitReason {
    supervisor.actor().reaches(|state| state == State::Gone).await;
    supervisor.actor().closed().unwrap()
}

fn abc(strategy: Strategy) -> SupervisorSpec {
    let spec = SupervisorSpec::new().strategy(strategy);
    spec.child(worker("a")).child(worker("b")).child(worker("c"))
}

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

/// Says that it has started a second after it began.
struct Slow;

impl Actor for Slow {
    type Context = Context<Self>;
    fn started(&mut self, ctx: &mut Context<Self>) {
        use actix::AsyncContext;
        ctx.run_later(SECOND, |_, ctx| ctx.acknowledge(Ok(())));
    }
}

fn slow(id: &str) -> ChildSpec {
    ChildSpec::worker(id, ActorSpec::new(|| Slow).acknowledged())
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

#[test]
fn rule_11_reports_tell_progress_ends_failed_starts_and_giving_up_with_the_offender() {
    simulate(async {
        let realm = realm();
        let story = Story::of(&realm);
        let births = Births::default();
        let spec = SupervisorSpec::new().child(ChildSpec::worker("a", births.spec().named("a")));
        let root = realm.start("root", spec).await.unwrap();
        births.fail_next(9);
        counter(&realm, "a").tell(End::Panic).unwrap();
        gone(&root).await;
        let kinds: Vec<_> = story
            .reports()
            .into_iter()
            .map(|(kind, child)| {
                assert_eq!(child, "a");
                kind
            })
            .collect();
        assert_eq!(
            kinds,
            [
                ReportKind::Progress,
                ReportKind::ChildTerminated,
                ReportKind::StartError,
                ReportKind::ReachedMaxIntensity,
            ]
        );
    });
}

#[test]
fn rule_11_a_crash_report_has_ancestors_links_reason_trace_and_queue() {
    simulate(async {
        let realm = realm();
        let _root = realm.start("root", SupervisorSpec::new().child(worker("a"))).await.unwrap();
        let (a, b) =
            (counter(&realm, "a"), realm.spawn("b", ActorSpec::new(Counter::default)).unwrap());
        a.actor().link(&b.actor()).unwrap();
        a.tell(End::Panic).unwrap();
        a.tell(Count).unwrap();
        settle().await;
        let crash = realm.crashes().groups()[0].latest.clone();
        assert_eq!((&*crash.path, crash.queued, crash.incarnation), ("root/a", 1, 1));
        assert_eq!(crash.links, [b.id()]);
        assert!(crash.kind.ends_with("Counter"));
        assert!(!crash.backtrace.to_string().is_empty());
    });
}

#[test]
fn rule_14_a_caller_of_a_dead_actor_gets_an_answer() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new().child(worker("a"))).await.unwrap();
        let a = counter(&realm, "a");
        let waiting = a.ask(Wait(60 * SECOND));
        settle().await;
        let queued = a.ask(Count);
        root.terminate_child("a").await.unwrap();
        assert_eq!(waiting.await, Err(AskError::Down { reason: ExitReason::Shutdown }));
        assert_eq!(queued.await, Err(AskError::Down { reason: ExitReason::Shutdown }));
        assert!(matches!(a.ask(Count).await, Err(AskError::Refused(_))));
        assert!(a.tell(Count).is_err());
    });
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
