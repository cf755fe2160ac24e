//! Threads that end while actors live on them, or are on their way to them.

use std::sync::Arc;

use actix::System;
use tokio::time::timeout;

use crate::{common::*, sitters::*};

#[test]
fn a_thread_that_has_ended_does_not_draw_every_new_actor_to_itself() {
    System::new().block_on(async {
        let mut arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let dead = arbiters.remove(0);
        dead.stop();
        dead.join().unwrap();
        let placed: Vec<_> =
            (0..4).map(|n| realm.spawn(&format!("s{n}"), sitter(&alive)).is_ok()).collect();
        assert_eq!(placed, [true; 4], "the other thread lives");
    });
}

#[test]
fn an_actor_given_to_a_thread_that_ends_before_it_begins_is_answered_for() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let first = realm.spawn("first", sitter(&alive)).unwrap();
        let let_go = hold(&first).await;
        arbiters[0].stop();
        let second = realm.spawn("second", sitter(&alive));
        drop(let_go);
        for arbiter in arbiters {
            arbiter.join().unwrap();
        }
        let Ok(second) = second else { return };
        let asked = hurry(timeout(SECOND, second.ask(Ping))).await;
        assert!(
            asked.is_ok(),
            "no answer; {:?}, {} actors",
            second.actor().state(),
            realm.actors()
        );
    });
}
