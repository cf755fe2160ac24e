//! One actor in its shell.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use oxbeam_supervisor::{
    ActorSpec, AskError, ContextExt, ExitReason, Happening, Place, Refusal, State, SupervisorSpec,
};

use crate::common::*;

#[test]
fn an_actor_answers() {
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        assert_eq!(counter.ask(Count).await, Ok(1));
        counter.tell(Count).unwrap();
        assert_eq!(counter.ask(Count).await, Ok(3));
    });
}

#[test]
fn a_caller_in_flight_hears_of_the_panic_with_its_words_place_and_message() {
    simulate(async {
        let realm = realm();
        let counter = realm.spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        let Err(AskError::Down { reason: ExitReason::Panic(crash) }) =
            counter.ask(End::Panic).await
        else {
            panic!("the caller was not told");
        };
        assert_eq!(crash.text, "asked to panic 0");
        assert_eq!(crash.place, Place::Handler);
        assert!(crash.message.unwrap().ends_with("End"));
        assert!(crash.location.contains("common.rs"));
        assert_eq!(crash.backtrace.status(), std::backtrace::BacktraceStatus::Captured);
        settle().await;
        assert!(matches!(
            counter.ask(Count).await,
            Err(AskError::Refused(Refusal::NoProc { reason: ExitReason::Panic(_) }))
        ));
        assert_eq!(counter.actor().state(), State::Gone);
        assert_eq!(realm.actors(), 0, "nobody supervises it, so its first end is its last");
    });
}

#[test]
fn a_restart_keeps_queue_and_address_and_drops_the_old_state_before_it_builds_the_new() {
    simulate(async {
        let realm = realm();
        let diary = Diary::default();
        let births = diary.clone();
        let spec = ActorSpec::new(move || {
            births.lock().push("built");
            Counter::new(Trap::Nowhere, &births)
        });
        let child = oxbeam_supervisor::ChildSpec::worker("counter", spec.named("counter"));
        let _root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
        let counter = realm.registry().address::<Counter>("counter").unwrap();
        assert_eq!(counter.ask(Count).await, Ok(1));
        let crashed = counter.ask(End::Panic);
        let queued = counter.ask(Count);
        assert!(matches!(crashed.await, Err(AskError::Down { reason: ExitReason::Panic(_) })));
        assert_eq!(queued.await, Ok(1), "queued before the panic, handled after it, fresh state");
        assert_eq!(*diary.lock(), ["built", "started", "dropped", "built", "started"]);
    });
}

/// Writes into this diary what its hooks do.
fn diarist(diary: &Diary) -> ActorSpec<Counter> {
    let diary = diary.clone();
    ActorSpec::new(move || Counter::new(Trap::Nowhere, &diary))
}

#[test]
fn giving_up_runs_no_hook_on_half_changed_state() {
    simulate(async {
        let diary = Diary::default();
        let counter = realm().spawn("counter", diarist(&diary)).unwrap();
        assert!(counter.ask(End::Panic).await.is_err());
        settle().await;
        assert_eq!(*diary.lock(), ["started", "dropped"]);
    });
}

#[test]
fn a_kill_overtakes_queued_messages_and_runs_no_hook() {
    simulate(async {
        let diary = Diary::default();
        let counter = realm().spawn("counter", diarist(&diary)).unwrap();
        assert_eq!(counter.ask(Count).await, Ok(1));
        let queued: Vec<_> = (0..100).map(|_| counter.ask(Count)).collect();
        counter.actor().kill();
        for ask in queued {
            assert_eq!(ask.await, Err(AskError::Down { reason: ExitReason::Killed }));
        }
        assert_eq!(*diary.lock(), ["started", "dropped"]);
    });
}

#[test]
fn a_shutdown_overtakes_queued_messages_and_runs_the_hooks() {
    simulate(async {
        let diary = Diary::default();
        let counter = realm().spawn("counter", diarist(&diary)).unwrap();
        assert_eq!(counter.ask(Count).await, Ok(1));
        let queued = counter.ask(Count);
        counter.actor().shutdown();
        assert_eq!(queued.await, Err(AskError::Down { reason: ExitReason::Shutdown }));
        assert_eq!(*diary.lock(), ["started", "stopping", "stopped", "dropped"]);
    });
}

#[test]
fn rule_13_a_suspended_actor_keeps_its_messages_and_still_shows_its_state() {
    simulate(async {
        let spec = ActorSpec::new(Counter::default).showing();
        let counter = realm().spawn("counter", spec).unwrap();
        assert_eq!(counter.ask(Count).await, Ok(1));
        counter.actor().suspend();
        let queued = counter.ask(Count);
        settle().await;
        assert_eq!(counter.actor().state(), State::Suspended);
        assert_eq!(counter.actor().row().queued, 1);
        assert_eq!(counter.actor().show().await, Ok("count 1".to_owned()));
        assert_eq!(counter.alter(|counter| counter.count = 10).await, Ok(()));
        counter.actor().resume();
        assert_eq!(queued.await, Ok(11), "OTP's replace_state");
    });
}

#[test]
fn rule_13_a_suspended_actor_can_be_shut_down_and_killed() {
    simulate(async {
        for by_kill in [true, false] {
            let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
            assert_eq!(counter.ask(Count).await, Ok(1));
            counter.actor().suspend();
            settle().await;
            if by_kill {
                counter.actor().kill()
            } else {
                counter.actor().shutdown()
            }
            assert_eq!(counter.actor().reaches(|state| state == State::Gone).await, State::Gone);
        }
    });
}

#[test]
fn rule_13_a_trace_tells_the_next_messages_and_no_more() {
    simulate(async {
        let realm = realm();
        let counter = realm.spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        let mut events = realm.events();
        counter.actor().trace(2);
        for _ in 0..5 {
            counter.ask(Count).await.unwrap();
        }
        let mut traced = 0;
        while let Ok(event) = events.try_recv() {
            traced += u32::from(
                matches!(event.what, Happening::Handled { message, .. } if message.ends_with("Count")),
            );
        }
        assert_eq!(traced, 2);
    });
}

#[test]
fn an_ask_with_a_limit_ends_in_time() {
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        let limit = Duration::from_secs(1);
        let asked = counter.ask(Wait(Duration::from_secs(60))).within(limit).await;
        assert_eq!(asked, Err(AskError::Timeout { limit }));
    });
}

#[test]
fn an_ask_that_is_dropped_takes_its_message_back() {
    simulate(async {
        let counter = realm().spawn("counter", ActorSpec::new(Counter::default)).unwrap();
        drop(counter.ask(Count));
        assert_eq!(counter.ask(Count).await, Ok(1));
        assert_eq!(counter.actor().row().awaiting, 0);
    });
}

#[test]
fn a_spawn_where_no_local_tasks_run_is_an_error_and_no_panic() {
    let realm = realm();
    let spawned = realm.spawn("counter", ActorSpec::new(Counter::default));
    assert!(spawned.is_err());
    assert_eq!(realm.actors(), 0);
}

/// Talks to itself by its actix address.
struct Selfish {
    count: u32,
}

impl Actor for Selfish {
    type Context = Context<Self>;
}

impl Handler<Count> for Selfish {
    type Result = u32;
    fn handle(&mut self, _: Count, ctx: &mut Context<Self>) -> u32 {
        self.count += 1;
        if self.count < 3 {
            ctx.address().do_send(Count);
        }
        if self.count == 1 {
            ctx.own_address().unwrap().tell(Count).unwrap();
        }
        self.count
    }
}

#[test]
fn an_actix_address_made_from_the_context_leads_into_the_same_queue() {
    simulate(async {
        let selfish = realm().spawn("selfish", ActorSpec::new(|| Selfish { count: 0 })).unwrap();
        assert_eq!(selfish.ask(Count).await, Ok(1));
        settle().await;
        assert_eq!(selfish.inspect(|selfish| selfish.count).await, Ok(4));
    });
}
