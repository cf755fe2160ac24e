//! Asks that nobody waits for any more, and what is told of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Context, Handler, ResponseActFuture, WrapFuture};
use oxbeam_supervisor::{
    ActorSpec, Address, AskError, ChildSpec, DynamicSpec, Happening, Intensity, Refusal, State,
    SupervisorSpec,
};

use crate::common::*;

struct Worker(Arc<AtomicU32>);

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Handler<Count> for Worker {
    type Result = ResponseActFuture<Self, u32>;
    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> Self::Result {
        let done = self.0.clone();
        Box::pin(
            async move {
                tokio::time::sleep(60 * SECOND).await;
                done.fetch_add(1, Ordering::SeqCst)
            }
            .into_actor(self),
        )
    }
}

struct Dropper;

impl Actor for Dropper {
    type Context = Context<Self>;
}

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
struct Lose(bool);

struct NoReply;

impl actix::dev::MessageResponse<Dropper, Lose> for NoReply {
    fn handle(self, _: &mut Context<Dropper>, _: Option<actix::dev::OneshotSender<()>>) {}
}

impl Handler<Lose> for Dropper {
    type Result = NoReply;
    fn handle(&mut self, Lose(panics): Lose, _: &mut Context<Self>) -> NoReply {
        assert!(!panics, "told to");
        NoReply
    }
}

#[test]
fn calls_in_flight_are_bounded_also_when_the_spec_does_not_say_concurrent() {
    simulate(async {
        let spec = ActorSpec::new(|| Hanging).queue_limit(4);
        let hanging = realm().spawn("hanging", spec).unwrap();
        let mut accepted = 0;
        for _ in 0..10_000 {
            accepted += u32::from(hanging.tell(Hang).is_ok());
            tokio::task::yield_now().await;
        }
        assert!(accepted < 100, "{accepted} calls in flight");
    });
}

#[test]
fn a_child_that_still_works_on_a_told_message_does_not_leave() {
    simulate(async {
        let realm = realm();
        let done = Arc::new(AtomicU32::new(0));
        let made = done.clone();
        let make = move |_: &u32| {
            let done = made.clone();
            ActorSpec::new(move || Worker(done.clone()))
        };
        let (children, _root) = start(&realm, DynamicSpec::new(make).passivate_after(SECOND)).await;
        let one = children.get_or_start(&1).await.unwrap();
        one.tell(Count).unwrap();
        tokio::time::sleep(600 * SECOND).await;
        assert_eq!(done.load(Ordering::SeqCst), 1, "the work was dropped half-way");
    });
}

#[test]
fn the_age_of_the_oldest_message_counts_from_when_it_came() {
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        counter.tell(Wait(60 * SECOND)).unwrap();
        settle().await;
        counter.tell(Count).unwrap();
        tokio::time::sleep(30 * SECOND).await;
        assert_eq!(counter.actor().row().oldest.unwrap().as_secs(), 30);
    });
}

#[test]
fn a_recipient_s_ask_is_sent_now_and_not_at_the_first_poll() {
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        let recipient = counter.recipient::<Count>();
        let ask = recipient.ask(Count);
        settle().await;
        assert_eq!(counter.actor().row().handled, 1, "as Address::ask");
        drop(ask);
    });
}

#[test]
fn asks_given_up_do_not_fill_the_queue() {
    simulate(async {
        let spec = ActorSpec::new(Counter::default).queue_limit(4);
        let counter = realm().spawn("counter", spec).unwrap();
        counter.tell(Wait(60 * SECOND)).unwrap();
        settle().await;
        for _ in 0..4 {
            assert!(counter.ask(Count).within(SECOND).await.is_err());
        }
        assert!(counter.tell(Count).is_ok(), "dropping an ask takes its message back");
    });
}

#[test]
fn an_actor_overloaded_by_unanswered_asks_says_so() {
    simulate(async {
        let done = Arc::default();
        let spec = ActorSpec::new(move || Worker(Arc::clone(&done))).queue_limit(2);
        let worker = realm().spawn("worker", spec).unwrap();
        let _waiting = (worker.ask(Count), worker.ask(Count));
        settle().await;
        let third = worker.ask(Count).await;
        let Err(AskError::Refused(Refusal::Overloaded { queued, retry_after })) = third else {
            panic!("{third:?}")
        };
        assert_eq!(queued, 2, "and try again in {retry_after:?}");
    });
}

#[test]
fn the_work_of_asks_given_up_is_bounded() {
    simulate(async {
        let done = Arc::default();
        let kept: Arc<AtomicU32> = Arc::clone(&done);
        let spec = ActorSpec::new(move || Worker(Arc::clone(&done))).queue_limit(4);
        let worker = realm().spawn("worker", spec).unwrap();
        for _ in 0..1_000 {
            let _ = worker.ask(Count).within(Duration::from_millis(1)).await;
        }
        let in_hand = Arc::strong_count(&kept) - 3;
        assert!(in_hand <= 4, "{in_hand} in the actor's hands, its limit is 4");
    });
}

#[test]
fn a_traced_message_that_panics_is_told_too() {
    simulate(async {
        let realm = realm();
        let root = SupervisorSpec::new().child(worker("a"));
        let _root = realm.start("root", root).await.unwrap();
        let a = counter(&realm, "a");
        let mut events = realm.events();
        a.actor().trace(1);
        assert!(a.ask(End::Panic).await.is_err());
        settle().await;
        a.ask(Count).await.unwrap();
        settle().await;
        let told = std::iter::from_fn(|| events.try_recv().ok())
            .any(|event| matches!(event.what, Happening::Handled { .. }));
        assert!(told, "the trace was used up and nothing told");
    });
}

#[test]
fn a_caller_s_error_is_of_the_life_that_had_its_message() {
    simulate(async {
        let realm = realm();
        let root = SupervisorSpec::new()
            .child(ChildSpec::worker("d", ActorSpec::new(|| Dropper).named("d")));
        let _root = realm.start("root", root).await.unwrap();
        let dropper: Address<Dropper> = realm.registry().address("d").unwrap();
        dropper.tell(Lose(true)).unwrap();
        let lost = dropper.ask(Lose(false)).await;
        assert_eq!(lost, Err(AskError::Unanswered), "the life that dropped the reply lives");
    });
}

#[test]
fn counters_are_back_at_zero_after_mixed_use() {
    simulate(async {
        let realm = realm();
        let intensity = Intensity { restarts: 10_000, period: SECOND };
        let spec = SupervisorSpec::new().intensity(intensity).child(worker("a"));
        let root = realm.start("root", spec).await.unwrap();
        let a = counter(&realm, "a");
        for n in 0..2_000u32 {
            let ask = a.ask(Count);
            match n % 7 {
                0 => drop(ask),
                1 => drop(a.tell(End::Panic)),
                2 => a.actor().kill(),
                3 => drop(ask.within(Duration::from_millis(1)).await),
                4 => a.actor().suspend(),
                5 => a.actor().resume(),
                _ => drop(a.ask(End::PanicInFuture)),
            }
            if n % 50 == 0 {
                settle().await;
            }
        }
        a.actor().resume();
        tokio::time::sleep(60 * SECOND).await;
        let row = counter(&realm, "a").actor().row();
        assert_eq!((row.queued, row.awaiting, realm.snapshot(None, 1).queued), (0, 0, 0));
        assert_eq!(root.actor().state(), State::Running);
    });
}
