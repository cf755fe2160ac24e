//! Drops that panic, and panics that were caught before: each is a failure of its own.

use std::{
    panic::panic_any,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use actix::{Actor, Context, Handler};
use oxbeam_supervisor::{
    ActorSpec, Address, AskError, ChildSpec, Concurrent, State, SupervisorRef, SupervisorSpec,
};
use tokio::time::timeout;

use crate::common::*;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb in drop");
    }
}

struct Careless {
    _bomb: Option<Bomb>,
}

impl Actor for Careless {
    type Context = Context<Self>;
}

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
struct Call(bool);

impl Handler<Call> for Careless {
    type Result = Concurrent<()>;
    fn handle(&mut self, Call(armed): Call, _: &mut Context<Self>) -> Concurrent<()> {
        let bomb = armed.then(|| Bomb);
        Concurrent::new(async move {
            let _bomb = bomb;
            std::future::pending().await
        })
    }
}

struct Answering;

impl Actor for Answering {
    type Context = Context<Self>;
}

#[derive(Debug, actix::Message)]
#[rtype(result = "Bomb2")]
struct Answer;

/// An answer that panics when nobody takes it.
#[derive(Debug)]
struct Bomb2;

impl Drop for Bomb2 {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("an answer nobody took");
        }
    }
}

impl Handler<Answer> for Answering {
    type Result = Concurrent<Bomb2>;
    fn handle(&mut self, _: Answer, _: &mut Context<Self>) -> Concurrent<Bomb2> {
        Concurrent::new(async {
            tokio::time::sleep(SECOND).await;
            Bomb2
        })
    }
}

struct Recursive;

impl Drop for Recursive {
    fn drop(&mut self) {
        static LEFT: AtomicU32 = AtomicU32::new(2);
        if LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            panic_any(Recursive);
        }
    }
}

struct Rude;

impl Actor for Rude {
    type Context = Context<Self>;
}

#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "()")]
enum Do {
    PayloadBomb,
    Tame,
    Resume,
    Nothing,
}

impl Handler<Do> for Rude {
    type Result = ();
    fn handle(&mut self, what: Do, _: &mut Context<Self>) {
        match what {
            Do::PayloadBomb => panic_any(Recursive),
            Do::Tame => drop(std::panic::catch_unwind(|| panic!("a tame one"))),
            Do::Resume => std::panic::resume_unwind(Box::new("the real one")),
            Do::Nothing => {}
        }
    }
}

#[test]
fn every_caller_hears_of_a_kill_also_when_a_call_s_drop_panics() {
    simulate(async {
        let spec = ActorSpec::new(|| Careless { _bomb: None }).concurrent(16);
        let careless = realm().spawn("careless", spec).unwrap();
        let armed = [false, false, true, false, false];
        let asks: Vec<_> = armed.into_iter().map(|b| careless.ask(Call(b))).collect();
        settle().await;
        careless.actor().kill();
        settle().await;
        for (at, ask) in asks.into_iter().enumerate() {
            let heard = timeout(EVER, ask).await;
            assert!(heard.is_ok(), "caller {at} heard nothing in a day");
        }
    });
}

#[test]
fn a_child_whose_state_and_call_both_panic_in_drop_comes_back() {
    simulate(async {
        let realm = realm();
        let spec = ActorSpec::new(|| Careless { _bomb: Some(Bomb) }).concurrent(16).named("c");
        let root = SupervisorSpec::new().child(ChildSpec::worker("c", spec));
        let _root = realm.start("root", root).await.unwrap();
        let careless: Address<Careless> = realm.registry().address("c").unwrap();
        let _ = careless.tell(Call(true));
        settle().await;
        careless.actor().kill();
        tokio::time::sleep(SECOND).await;
        let found = realm.registry().find("c").map(|actor| actor.state());
        std::mem::forget(careless);
        assert_eq!(found, Some(State::Running));
    });
}

#[test]
fn an_answer_whose_drop_panics_fails_that_call_alone() {
    simulate(async {
        let realm = realm();
        let spec = ActorSpec::new(|| Answering).concurrent(16).named("a");
        let root = SupervisorSpec::new().child(ChildSpec::worker("a", spec));
        let _root = realm.start("root", root).await.unwrap();
        let answering: Address<Answering> = realm.registry().address("a").unwrap();
        let ask = answering.ask(Answer).within(SECOND / 2);
        assert!(matches!(ask.await, Err(AskError::Timeout { .. })));
        tokio::time::sleep(2 * SECOND).await;
        let found = realm.registry().find("a").map(|actor| (actor.state(), actor.row().exits));
        assert_eq!(found, Some((State::Running, 0)));
    });
}

#[test]
fn a_payload_whose_drop_panics_with_another_such_payload_is_a_panic_like_others() {
    simulate(async {
        let realm = realm();
        let spec = ActorSpec::new(|| Rude).named("rude");
        let root = SupervisorSpec::new().child(ChildSpec::worker("rude", spec));
        let _root = realm.start("root", root).await.unwrap();
        let rude: Address<Rude> = realm.registry().address("rude").unwrap();
        rude.tell(Do::PayloadBomb).unwrap();
        settle().await;
        let asked = timeout(SECOND, rude.ask(Do::Nothing)).await;
        assert_eq!(asked.ok(), Some(Ok(())));
    });
}

#[test]
fn a_crash_report_is_of_the_panic_that_ended_the_actor_not_of_one_that_was_caught_before() {
    simulate(async {
        let realm = realm();
        let one = realm.spawn("one", ActorSpec::new(|| Rude)).unwrap();
        let two = realm.spawn("two", ActorSpec::new(|| Rude)).unwrap();
        one.ask(Do::Tame).await.unwrap();
        assert!(two.ask(Do::Resume).await.is_err());
        assert_eq!(realm.crashes().groups()[0].latest.text, "the real one");
    });
}

#[test]
fn a_look_that_is_dropped_with_a_panic_does_not_end_the_supervisor() {
    simulate(async {
        let realm = realm();
        let inner = SupervisorSpec::new().child(worker("a")).child(worker("b"));
        let spec = SupervisorSpec::new().child(ChildSpec::supervisor("inner", inner));
        let root = realm.start("root", spec).await.unwrap();
        let a = counter(&realm, "a");
        let inner = root.child("inner").await.unwrap();
        let inner = SupervisorRef::new(inner.address().unwrap());
        // Waits in a message, so that the look stays queued until the end.
        a.tell(Wait(EVER)).unwrap();
        settle().await;
        let bomb = Bomb;
        let look = a.inspect(move |_| {
            let _ = &bomb;
        });
        let mut look = Box::pin(look);
        assert!(futures_util::poll!(&mut look).is_pending());
        let _ = inner.terminate_child("a").await;
        settle().await;
        assert_eq!(inner.actor().row().exits, 0, "the supervisor panicked");
    });
}
