//! Links, monitors, names and groups.

use actix::{Actor, Context, Handler};
use oxbeam_supervisor::{
    ActorSpec, Address, Down, Exit, ExitReason, Realm, SpawnError, State, SupervisorSpec,
};

use crate::common::*;

/// Writes down what it hears of others.
#[derive(Default)]
struct Watcher {
    downs: Vec<Down>,
    exits: Vec<Exit>,
}

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<Down> for Watcher {
    type Result = ();
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        self.downs.push(down);
    }
}

impl Handler<Exit> for Watcher {
    type Result = ();
    fn handle(&mut self, exit: Exit, _: &mut Context<Self>) {
        self.exits.push(exit);
    }
}

async fn pair(realm: &std::sync::Arc<Realm>) -> (Address<Counter>, Address<Watcher>) {
    let counter = realm.spawn("counter", ActorSpec::new(Counter::default)).unwrap();
    let watcher = realm.spawn("watcher", ActorSpec::new(Watcher::default).trap_exits()).unwrap();
    settle().await;
    (counter, watcher)
}

#[test]
fn rule_12_monitors_are_one_way_and_stack_and_deliver_the_reason() {
    simulate(async {
        let realm = realm();
        let (counter, watcher) = pair(&realm).await;
        let first = counter.actor().monitor(&watcher);
        let second = counter.actor().monitor(&watcher);
        let third = counter.actor().monitor(&watcher);
        assert!(counter.actor().demonitor(third));
        counter.actor().kill();
        settle().await;
        let downs = watcher.inspect(|watcher| watcher.downs.clone()).await.unwrap();
        let monitors: Vec<_> = downs.iter().map(|down| down.monitor).collect();
        assert_eq!(monitors.len(), 2);
        assert!(monitors.contains(&first) && monitors.contains(&second));
        assert!(downs.iter().all(|down| down.reason == ExitReason::Killed));
        assert_eq!(watcher.actor().state(), State::Running);
    });
}

#[test]
fn rule_12_a_monitor_of_a_dead_actor_delivers_noproc_at_once() {
    simulate(async {
        let realm = realm();
        let (counter, watcher) = pair(&realm).await;
        counter.actor().kill();
        settle().await;
        counter.actor().monitor(&watcher);
        settle().await;
        let downs = watcher.inspect(|watcher| watcher.downs.clone()).await.unwrap();
        assert_eq!(
            downs.iter().map(|d| d.reason.clone()).collect::<Vec<_>>(),
            [ExitReason::NoProc]
        );
        assert_eq!(counter.actor().down().await, ExitReason::NoProc);
    });
}

#[test]
fn rule_12_links_are_mutual_and_one_per_pair_and_end_the_other_with_the_same_reason() {
    simulate(async {
        let realm = realm();
        let (a, _) = pair(&realm).await;
        let b = realm.spawn("b", ActorSpec::new(Counter::default)).unwrap();
        a.actor().link(&b.actor()).unwrap();
        a.actor().link(&b.actor()).unwrap();
        b.actor().kill();
        settle().await;
        assert_eq!(a.closed(), Some(ExitReason::Killed));
        assert_eq!(a.actor().row().exits, 1);
    });
}

#[test]
fn rule_12_a_trapped_exit_arrives_as_a_message_and_kill_cannot_be_trapped() {
    simulate(async {
        let realm = realm();
        let (counter, watcher) = pair(&realm).await;
        watcher.actor().link(&counter.actor()).unwrap();
        assert!(counter.ask(End::Panic).await.is_err());
        settle().await;
        let exits = watcher.inspect(|watcher| watcher.exits.clone()).await.unwrap();
        assert_eq!(exits.len(), 1);
        assert!(matches!(exits[0].reason, ExitReason::Panic(_)));
        watcher.actor().kill();
        settle().await;
        assert_eq!(watcher.closed(), Some(ExitReason::Killed));
    });
}

#[test]
fn rule_12_a_normal_end_does_not_end_a_linked_actor_and_unlinked_ones_hear_nothing() {
    simulate(async {
        let realm = realm();
        let spawn = |name| realm.spawn(name, ActorSpec::new(Counter::default)).unwrap();
        let (a, b, c) = (spawn("a"), spawn("b"), spawn("c"));
        settle().await;
        a.actor().link(&b.actor()).unwrap();
        a.actor().link(&c.actor()).unwrap();
        assert_eq!(end(&b, End::Stop).await, ExitReason::Normal);
        a.actor().unlink(&c.actor());
        c.actor().kill();
        settle().await;
        assert_eq!(a.actor().state(), State::Running);
        assert!(a.actor().link(&b.actor()).is_err(), "linking to the dead is an error at the call");
    });
}

#[test]
fn a_name_leads_to_the_same_address_across_restarts_and_is_free_after_the_end() {
    simulate(async {
        let realm = realm();
        let root = realm.start("root", SupervisorSpec::new().child(worker("a"))).await.unwrap();
        let before = realm.registry().address::<Counter>("a").unwrap();
        assert!(before.ask(End::Panic).await.is_err());
        settle().await;
        assert_eq!(realm.registry().address::<Counter>("a"), Some(before));
        let second = realm.spawn("b", ActorSpec::new(Counter::default).named("a"));
        assert!(matches!(second, Err(SpawnError::Name(_))));
        root.terminate_child("a").await.unwrap();
        settle().await;
        assert!(realm.registry().find("a").is_none());
        realm.spawn("b", ActorSpec::new(Counter::default).named("a")).unwrap();
        assert_eq!(realm.actors(), 2);
    });
}

#[test]
fn a_group_has_many_members_under_one_name_and_picks_the_one_with_the_least_to_do() {
    simulate(async {
        let realm = realm();
        let member =
            |name| realm.spawn(name, ActorSpec::new(Counter::default).member_of("pool")).unwrap();
        let (a, b) = (member("a"), member("b"));
        settle().await;
        a.tell(Wait(std::time::Duration::from_secs(9))).unwrap();
        a.tell(Count).unwrap();
        assert_eq!(realm.groups().pick::<Counter>("pool"), Some(b.clone()));
        assert_eq!(realm.groups().addresses::<Counter>("pool"), [a.clone(), b]);
        a.actor().kill();
        settle().await;
        assert_eq!(realm.groups().members("pool").len(), 1);
    });
}
