//! Monitors, links and groups leave nothing behind.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Context, Handler, System};
use oxbeam_supervisor::{ActorSpec, Address, ChildSpec, Down, Intensity, State, SupervisorSpec};
use tokio::time::timeout;

use crate::{common::*, sitters::*};

#[derive(Default)]
struct Watcher;

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<Down> for Watcher {
    type Result = ();
    fn handle(&mut self, _: Down, _: &mut Context<Self>) {}
}

#[derive(Default)]
struct Remembering(u32);

impl Actor for Remembering {
    type Context = Context<Self>;
}

impl Handler<Down> for Remembering {
    type Result = ();
    fn handle(&mut self, _: Down, _: &mut Context<Self>) {
        self.0 += 1;
    }
}

#[test]
fn watchers_that_are_gone_do_not_stay_in_memory() {
    simulate(async {
        let realm = realm();
        let target = realm.spawn("target", ActorSpec::new(Counter::default)).unwrap();
        let token = Arc::new(());
        for _ in 0..1_000 {
            let kept = token.clone();
            let spec = ActorSpec::new(move || {
                let _ = &kept;
                Watcher
            });
            let watcher = realm.spawn("watcher", spec).unwrap();
            target.actor().monitor(&watcher);
            watcher.actor().kill();
            watcher.actor().reaches(|state| state == State::Gone).await;
        }
        settle().await;
        assert_eq!(Arc::strong_count(&token), 1, "mailboxes of dead watchers");
    });
}

#[test]
fn waits_for_an_end_that_were_given_up_do_not_make_a_living_actor_look_dead() {
    simulate(async {
        let target = realm().spawn("target", ActorSpec::new(Counter::default)).unwrap();
        let actor = target.actor();
        for _ in 0..=(1 << 20) {
            let mut down = Box::pin(actor.down());
            let _ = futures_util::poll!(&mut down);
        }
        let down = timeout(SECOND, actor.down()).await;
        assert!(down.is_err(), "said to be down with {down:?}, and is {:?}", actor.state());
    });
}

#[test]
fn what_a_watcher_watched_in_its_last_life_is_not_told_to_the_next() {
    simulate(async {
        let realm = realm();
        let target = realm.spawn("target", ActorSpec::new(Counter::default)).unwrap();
        let spec = ActorSpec::new(Remembering::default).named("w");
        let root = SupervisorSpec::new().child(ChildSpec::worker("w", spec));
        let _root = realm.start("root", root).await.unwrap();
        let watcher: Address<Remembering> = realm.registry().address("w").unwrap();
        target.actor().monitor(&watcher);
        watcher.actor().kill();
        settle().await;
        target.actor().kill();
        settle().await;
        assert_eq!(
            watcher.inspect(|w| w.0).await,
            Ok(0),
            "as in OTP, a monitor dies with its owner"
        );
    });
}

#[test]
fn a_member_that_joined_by_hand_leaves_when_it_is_gone() {
    simulate(async {
        let realm = realm();
        let a = realm.spawn("a", ActorSpec::new(Counter::default)).unwrap();
        assert!(realm.groups().join("pool", &a.actor()));
        settle().await;
        a.actor().kill();
        settle().await;
        assert_eq!(realm.groups().members("pool").len(), 0);
        assert!(!realm.groups().join("pool", &a.actor()), "the dead do not join");
    });
}

#[test]
fn a_large_group_is_joined_and_left_in_time_that_grows_with_it_not_with_its_square() {
    simulate(async {
        let time = |members: usize| async move {
            let realm = realm();
            let begun = processor_time();
            let all: Vec<_> = (0..members)
                .map(|n| {
                    let spec = ActorSpec::new(Counter::default).member_of("pool");
                    realm.spawn(&format!("m{n}"), spec).unwrap()
                })
                .collect();
            for member in &all {
                member.actor().kill();
            }
            settle().await;
            processor_time() - begun
        };
        // Eight times as many; a square would be 64 times.
        let (mut small, mut large) = (Duration::MAX, Duration::MAX);
        for _ in 0..3 {
            small = small.min(time(4_000).await);
            large = large.min(time(32_000).await);
        }
        println!("group: 4,000 in {small:?}, 32,000 in {large:?}");
        assert!(large < small * 24, "{small:?} for 4,000, {large:?} for 32,000");
    });
}

#[test]
fn a_hundred_thousand_spawns_and_kills_leave_nothing_behind() {
    simulate(async {
        let realm = realm();
        let token = Arc::new(());
        let hub = realm.spawn("hub", ActorSpec::new(Counter::default)).unwrap();
        for n in 0..100_000 {
            let kept = token.clone();
            let spec = ActorSpec::new(move || {
                let _ = &kept;
                Counter::default()
            })
            .named("name")
            .member_of("group");
            let actor = realm.spawn("one", spec).unwrap();
            actor.tell(Count).unwrap();
            if n % 3 == 0 {
                actor.ask(Count).await.unwrap();
                let other = realm.spawn("two", ActorSpec::new(Counter::default)).unwrap();
                actor.actor().link(&other.actor()).unwrap();
            }
            actor.actor().kill();
            actor.actor().reaches(|state| state == State::Gone).await;
        }
        settle().await;
        assert_eq!(Arc::strong_count(&token), 1);
        assert!(realm.actors() < 10, "{}", realm.actors());
        assert_eq!(realm.snapshot(None, 1).queued, 0);
        drop(hub);
    });
}

#[test]
fn a_late_exit_signal_does_not_end_the_life_after() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let (hold, dies, let_go) = Hold::new();
        let b = realm.spawn("b", Slow::spec(hold)()).unwrap();
        b.actor().reaches(|state| state == State::Running).await;
        let intensity = Intensity { restarts: 9, period: SECOND };
        let root = SupervisorSpec::new().intensity(intensity).child(worker("a"));
        let _root = realm.start("root", root).await.unwrap();
        let a = counter(&realm, "a");
        a.actor().link(&b.actor()).unwrap();
        b.actor().kill();
        dies.await.unwrap();
        assert_eq!(b.actor().state(), State::Down, "its end is noted, its state not dropped yet");
        a.actor().kill();
        assert_eq!(a.ask(Count).await, Ok(1), "the second life");
        drop(let_go);
        b.actor().reaches(|state| state == State::Gone).await;
        // Signals are sent before the end is told, and obeyed before messages are handled.
        assert_eq!(a.ask(Count).await, Ok(2), "the second life was never linked");
        assert_eq!(a.actor().row().exits, 1);
    });
}
