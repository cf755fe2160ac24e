//! Control lanes under every state that an actor can be in.

use oxbeam_supervisor::{ActorSpec, ChildSpec, DynamicSpec, ExitReason, State, SupervisorSpec};
use tokio::time::timeout;

use crate::common::*;

fn dynamic() -> DynamicSpec<u32, Counter> {
    DynamicSpec::new(|_| ActorSpec::new(Counter::default)).passivate_after(SECOND)
}

#[test]
fn a_resume_does_not_complete_a_start() {
    simulate(async {
        let spec = ActorSpec::new(|| Never).acknowledged();
        let never = realm().spawn("never", spec).unwrap();
        settle().await;
        never.actor().resume();
        settle().await;
        assert_eq!(never.actor().state(), State::Starting);
    });
}

#[test]
fn a_suspend_right_after_the_spawn_holds() {
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        counter.actor().suspend();
        counter.tell(Count).unwrap();
        settle().await;
        assert_eq!(counter.actor().state(), State::Suspended);
    });
}

#[test]
fn a_suspended_supervisor_can_be_shut_down() {
    simulate(async {
        let inner = SupervisorSpec::new().child(worker("leaf"));
        let spec = SupervisorSpec::new().child(ChildSpec::supervisor("inner", inner));
        let root = realm().start("root", spec).await.unwrap();
        root.child("inner").await.unwrap().suspend();
        settle().await;
        root.actor().shutdown();
        let gone = timeout(EVER, root.actor().reaches(|state| state == State::Gone)).await;
        assert!(gone.is_ok(), "the root still waits after a day");
    });
}

#[test]
fn a_suspended_child_does_not_fall_asleep_and_wake_deaf() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, dynamic()).await;
        let one = children.get_or_start(&1).await.unwrap();
        one.ask(Count).await.unwrap();
        one.actor().suspend();
        tokio::time::sleep(10 * SECOND).await;
        let asked = timeout(EVER, one.ask(Count)).await;
        let state = one.actor().state();
        assert!(asked.is_ok() || state == State::Suspended, "no answer in a day, and {state:?}");
    });
}

#[test]
fn a_sleeping_child_that_is_suspended_shows_it_and_is_not_forgotten() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, dynamic()).await;
        let one = children.get_or_start(&1).await.unwrap();
        tokio::time::sleep(10 * SECOND).await;
        one.actor().suspend();
        settle().await;
        assert_eq!(one.actor().row().state, State::Suspended);
        assert_eq!(realm.parts()["many"].suspended, 1);
        drop(one);
        tokio::time::sleep(10 * SECOND).await;
        let one = children.get(&1).expect("another in its place would not be suspended");
        assert!(timeout(SECOND, one.ask(Count)).await.is_err(), "it keeps what it is sent");
        one.actor().resume();
        assert!(one.ask(Count).await.is_ok());
        tokio::time::sleep(10 * SECOND).await;
        one.actor().suspend();
        settle().await;
        one.actor().resume();
        settle().await;
        assert_eq!(one.actor().state(), State::Asleep, "as it was");
        drop(one);
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(children.count().specs, 0);
    });
}

#[test]
fn a_sleeping_child_can_be_looked_at() {
    simulate(async {
        let realm = realm();
        let (children, _root) = start(&realm, dynamic()).await;
        let one = children.get_or_start(&1).await.unwrap();
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(one.actor().state(), State::Asleep);
        assert!(timeout(EVER, one.inspect(|c| c.count)).await.is_ok(), "no answer in a day");
    });
}

#[test]
fn a_concurrent_actor_whose_calls_are_all_in_flight_can_be_looked_at() {
    simulate(async {
        let spec = ActorSpec::new(|| Hanging).concurrent(1);
        let hanging = realm().spawn("hanging", spec).unwrap();
        hanging.tell(Hang).unwrap();
        settle().await;
        assert!(timeout(EVER, hanging.actor().show()).await.is_ok(), "no answer in a day");
    });
}

#[test]
fn a_look_from_outside_that_panics_does_not_end_the_actor() {
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        counter.ask(Count).await.unwrap();
        let looked = counter.inspect(|_| -> u32 { panic!("in a look") }).await;
        assert!(looked.is_err());
        assert_eq!(counter.ask(Count).await, Ok(2));
    });
}

#[test]
fn repeated_suspends_do_not_pile_up() {
    if !alone("control::repeated_suspends_do_not_pile_up") {
        return;
    }
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        let before = resident_kib();
        for _ in 0..300_000 {
            counter.actor().suspend();
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        let grown = resident_kib().saturating_sub(before);
        assert!(grown < 4 * 1024, "{grown} KiB for 300,000 suspends");
    });
}

#[test]
fn an_exit_signal_reaches_a_linked_actor_that_has_not_begun() {
    simulate(async {
        let realm = realm();
        let b = realm.spawn("b", ActorSpec::new(Counter::default)).unwrap();
        let a = realm.spawn("a", ActorSpec::new(Counter::default)).unwrap();
        a.actor().link(&b.actor()).unwrap();
        b.actor().kill();
        settle().await;
        assert_eq!(a.closed(), Some(ExitReason::Killed));
    });
}
