//! Rules 11 and 14: what is told, to whoever looks and to callers.

use oxbeam_supervisor::{ActorSpec, AskError, ChildSpec, ExitReason, ReportKind, SupervisorSpec};

use super::gone;
use crate::common::*;

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
