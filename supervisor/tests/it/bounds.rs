//! No queue grows without limit, whoever sends.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use oxbeam_supervisor::{ActorSpec, AskError, ContextExt, Realm, RealmConfig, Refusal};

use crate::common::*;

const LIMIT: usize = 16;

#[test]
fn the_limit_holds_for_tells_asks_recipients_and_any_number_of_clones() {
    simulate(async {
        let spec = ActorSpec::new(Counter::default).queue_limit(LIMIT);
        let counter = realm().spawn("counter", spec).unwrap();
        counter.ask(Count).await.unwrap();
        counter.actor().suspend();
        settle().await;
        let (mut accepted, mut asks) = (0, Vec::new());
        for _ in 0..LIMIT {
            accepted += u32::from(counter.clone().tell(Count).is_ok());
            accepted += u32::from(counter.recipient::<Count>().tell(Count).is_ok());
            let mut ask = counter.clone().ask(Count);
            accepted += u32::from(futures_util::poll!(&mut ask).is_pending());
            asks.push(ask);
        }
        assert_eq!(accepted, LIMIT as u32);
        let row = counter.actor().row();
        assert_eq!((row.queued, row.high_water, row.refused), (LIMIT, LIMIT, 2 * LIMIT as u64));
    });
}

#[test]
fn an_overloaded_actor_gives_the_message_back_and_says_when_to_try_again() {
    simulate(async {
        let spec = ActorSpec::new(Counter::default).queue_limit(1);
        let counter = realm().spawn("counter", spec).unwrap();
        counter.tell(Count).unwrap();
        let unsent = counter.tell(Count).unwrap_err();
        assert!(
            matches!(unsent.refusal, Refusal::Overloaded { queued: 1, retry_after } if retry_after >= Duration::from_millis(1))
        );
        assert!(unsent.into_message().is_some());
        assert!(matches!(
            counter.ask(Count).await,
            Err(AskError::Refused(Refusal::Overloaded { .. }))
        ));
    });
}

#[test]
fn asks_without_an_answer_are_limited_too() {
    simulate(async {
        let spec = ActorSpec::new(Counter::default).queue_limit(2);
        let counter = realm().spawn("counter", spec).unwrap();
        // In the actor's hands, no longer in its queue.
        let first = counter.ask(End::PanicInTimer);
        let second = counter.ask(Wait(Duration::from_secs(1)));
        assert!(matches!(counter.ask(Count).await, Err(AskError::Refused(_))));
        drop((first, second));
        assert_eq!(counter.actor().row().awaiting, 0);
    });
}

#[test]
fn the_realm_has_a_budget_for_all_queues_together() {
    simulate(async {
        let realm = Realm::new(RealmConfig { max_queued: 1, ..RealmConfig::default() }).unwrap();
        let spec = || ActorSpec::new(Counter::default);
        let (a, b) = (realm.spawn("a", spec()).unwrap(), realm.spawn("b", spec()).unwrap());
        assert!(a.tell(Count).is_ok() && b.tell(Count).is_ok(), "the first of each queue is free");
        assert!(a.tell(Count).is_ok());
        assert!(b.tell(Count).is_err());
        settle().await;
        assert!(b.tell(Count).is_ok() && b.tell(Count).is_ok(), "handled messages give it back");
        settle().await;
        a.actor().suspend();
        settle().await;
        assert!(a.tell(Count).is_ok() && a.tell(Count).is_ok());
        assert_eq!(realm.snapshot(None, 10).queued, 1);
        a.actor().kill();
        settle().await;
        assert_eq!(realm.snapshot(None, 10).queued, 0, "dropped messages do too");
    });
}

/// Floods itself by its actix address, which knows no limit, and counts what waits right after.
struct Flood {
    queued: usize,
}

impl Actor for Flood {
    type Context = Context<Self>;
}

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
struct Begin(usize);

impl Handler<Begin> for Flood {
    type Result = ();
    fn handle(&mut self, Begin(messages): Begin, ctx: &mut Context<Self>) {
        for _ in 0..messages {
            ctx.address().do_send(Begin(0));
        }
        self.queued = self.queued.max(ctx.own_address().unwrap().actor().row().queued);
    }
}

#[test]
fn what_comes_by_an_actix_address_meets_the_limit_when_it_is_sent() {
    simulate(async {
        let spec = ActorSpec::new(|| Flood { queued: 0 }).queue_limit(LIMIT);
        let flood = realm().spawn("flood", spec).unwrap();
        flood.tell(Begin(100)).unwrap();
        settle().await;
        let row = flood.actor().row();
        assert_eq!((row.handled, row.high_water), (1 + LIMIT as u64, LIMIT));
        assert_eq!(flood.inspect(|flood| flood.queued).await, Ok(LIMIT));
        assert_eq!(row.refused, 100 - LIMIT as u64);
    });
}

#[test]
fn a_huge_event_buffer_is_an_error_and_no_panic() {
    let made = std::panic::catch_unwind(|| {
        Realm::new(RealmConfig { event_buffer: usize::MAX, ..RealmConfig::default() }).is_err()
    });
    assert_eq!(made.ok(), Some(true));
}

#[test]
fn a_huge_queue_limit_is_no_panic() {
    simulate(async {
        let realm = realm();
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            realm.spawn("a", ActorSpec::new(Counter::default).queue_limit(usize::MAX)).is_ok()
        }));
        assert_eq!(made.ok(), Some(true));
    });
}
