//! Children whose thread has ended, or does not come back.

use std::{sync::Arc, time::Duration};

use actix::System;
use oxbeam_supervisor::{ChildSpec, ExitReason, Shutdown, State, SupervisorSpec};
use tokio::time::timeout;

use crate::{common::*, sitters::*};

/// More than a killed child has to notice, less than one has to start.
const GRACE: Duration = Duration::from_secs(20);

#[test]
fn a_dynamic_child_whose_thread_ended_can_be_started_again_on_another() {
    System::new().block_on(async {
        let mut arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let (children, _root) = start(&realm, many(&alive)).await;
        // The least loaded thread is the first one.
        let one = children.get_or_start(&1).await.unwrap();
        one.ask(Ping).await.unwrap();
        let dead = arbiters.remove(0);
        dead.stop();
        dead.join().unwrap();
        one.actor().reaches(|state| state == State::Gone).await;
        assert_eq!(one.closed(), Some(ExitReason::Killed));
        let again = children.get_or_start(&1).await;
        let forgotten = children.get(&1).is_none();
        assert!(again.is_ok() || forgotten, "{again:?}, and the key stays taken");
    });
}

#[test]
fn a_static_child_whose_thread_ended_is_restarted_or_given_up_without_waiting_for_a_minute() {
    System::new().block_on(async {
        let mut arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let child = ChildSpec::worker("s", sitter(&alive));
        let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
        let dead = arbiters.remove(0);
        dead.stop();
        dead.join().unwrap();
        let root_actor = root.actor();
        let gone = timeout(GRACE, root_actor.reaches(|state| state == State::Gone));
        let gone = hurry(gone).await;
        assert!(gone.is_ok(), "{:?}", root.which_children().await);
    });
}

#[test]
fn terminating_a_dynamic_child_that_is_stuck_ends_when_it_is_given_up() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let (children, _root) = start(&realm, many(&alive).shutdown(Shutdown::Brutal)).await;
        let one = children.get_or_start(&1).await.unwrap();
        let let_go = hold(&one).await;
        let ended = hurry(timeout(GRACE, children.terminate(&1))).await;
        let closed = one.closed();
        drop(let_go);
        assert!(ended.is_ok(), "still waits, though the child was given up: {closed:?}");
    });
}

#[test]
fn whoever_watches_a_stuck_child_hears_when_its_supervisor_gives_it_up_as_stuck() {
    System::new().block_on(async {
        let arbiters = arbiters(1);
        let realm = realm_on(&[], &arbiters);
        let alive = Arc::default();
        let child = ChildSpec::worker("s", sitter(&alive)).shutdown(Shutdown::Brutal);
        let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
        let actor = root.child("s").await.unwrap();
        let address = actor.address::<Sitter>().unwrap();
        let mut down = Box::pin(actor.down());
        assert!(futures_util::poll!(&mut down).is_pending());
        let let_go = hold(&address).await;
        hurry(root.terminate_child("s")).await.unwrap();
        let closed = actor.closed();
        let heard = hurry(timeout(SECOND, down)).await.ok();
        drop(let_go);
        assert_eq!((closed, heard), (Some(ExitReason::Stuck), Some(ExitReason::Stuck)));
        assert_eq!(actor.state(), State::Gone);
    });
}
