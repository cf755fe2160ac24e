//! The panic matrix: every kind of place where a panic can happen, under every strategy.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use oxbeam_supervisor::{
    ActorSpec, Address, AskError, Backoff, ChildSpec, DynamicSpec, Intensity, Place, Realm,
    Strategy, SupervisorRef, SupervisorSpec,
};

use crate::{
    common::*,
    concurrent::{Call, Device},
};

/// How the victim is made to panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// By a message.
    Told(End),
    /// By whoever changes its state from outside.
    Altered,
    /// In a hook or its drop, when it is made to stop.
    Stopping(Trap),
    /// When it starts again after a panic.
    Starting,
    /// When it is built again after a panic.
    Building,
}

const VICTIMS: [Victim; 11] = [
    Victim::Told(End::Panic),
    Victim::Told(End::PanicAny),
    Victim::Altered,
    Victim::Told(End::PanicInFuture),
    Victim::Told(End::PanicInAtomic),
    Victim::Told(End::PanicInTimer),
    Victim::Stopping(Trap::Stopping),
    Victim::Stopping(Trap::Stopped),
    Victim::Stopping(Trap::Drop),
    Victim::Starting,
    Victim::Building,
];

impl Victim {
    fn place(self) -> Place {
        match self {
            Self::Told(End::Panic | End::PanicAny) | Self::Altered => Place::Handler,
            Self::Told(_) => Place::Future,
            Self::Stopping(Trap::Drop) => Place::Drop,
            Self::Stopping(_) => Place::Stopping,
            Self::Starting => Place::Started,
            Self::Building => Place::Factory,
        }
    }

    /// Only the first life is trapped in its end, only the second in its beginning.
    fn spec(self) -> ActorSpec<Counter> {
        let sprung = Arc::new(AtomicBool::new(false));
        ActorSpec::fallible(move |birth| {
            let late = birth.incarnation() > 1 && !sprung.swap(true, Ordering::SeqCst);
            let trap = match self {
                Self::Stopping(trap) if birth.incarnation() == 1 => trap,
                Self::Starting if late => Trap::Started,
                Self::Building if late => panic!("trapped in the factory"),
                _ => Trap::Nowhere,
            };
            Ok(Counter::new(trap, &Diary::default()))
        })
        .named("victim")
    }

    async fn strike(self, victim: &Address<Counter>) {
        let told = match self {
            Self::Told(how) => victim.ask(how).await,
            Self::Altered => victim.alter(|_| panic!("while it is altered")).await,
            Self::Stopping(_) => victim.ask(End::Stop).await,
            Self::Starting | Self::Building => victim.ask(End::Panic).await,
        };
        assert!(matches!(told, Err(AskError::Down { .. })), "{self:?}: {told:?}");
    }
}

async fn start(realm: &Arc<Realm>, strategy: Strategy, victim: Victim) -> SupervisorRef {
    let spec = SupervisorSpec::new()
        .strategy(strategy)
        .intensity(Intensity { restarts: 3, period: Duration::from_secs(5) })
        .child(worker("before"))
        .child(ChildSpec::worker("victim", victim.spec()))
        .child(worker("after"));
    realm.start("root", spec).await.unwrap()
}

/// Within 100 ms, with fresh state if it was restarted.
async fn answers(realm: &Realm, name: &str) {
    let counter = realm.registry().address::<Counter>(name).unwrap();
    let counted = counter.ask(Count).within(Duration::from_millis(100)).await;
    assert!(counted.is_ok(), "{name}: {counted:?}");
}

fn crash_is_reported(realm: &Realm, victim: Victim) {
    let groups = realm.crashes().groups();
    let places: Vec<_> = groups.iter().map(|group| group.latest.place).collect();
    assert!(places.contains(&victim.place()), "{victim:?}: {places:?}");
}

#[test]
fn a_panic_anywhere_under_any_static_strategy_stays_where_it_happened() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        for victim in VICTIMS {
            simulate(async {
                let realm = realm();
                let _root = start(&realm, strategy, victim).await;
                let address = realm.registry().address::<Counter>("victim").unwrap();
                assert_eq!(address.ask(Count).await, Ok(1));
                victim.strike(&address).await;
                for name in ["before", "after"] {
                    answers(&realm, name).await;
                }
                let fresh = address.ask(Count).within(Duration::from_millis(100)).await;
                assert_eq!(fresh, Ok(1), "{strategy:?}, {victim:?}: fresh state");
                settle().await;
                crash_is_reported(&realm, victim);
            });
        }
    }
}

#[test]
fn a_panic_in_one_call_or_look_costs_no_life_under_any_strategy() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        simulate(async {
            let realm = realm();
            let device = ActorSpec::new(Device::new).concurrent(8).named("victim");
            let spec = SupervisorSpec::new()
                .strategy(strategy)
                .child(worker("before"))
                .child(ChildSpec::worker("victim", device))
                .child(worker("after"));
            let _root = realm.start("root", spec).await.unwrap();
            let victim = realm.registry().address::<Device>("victim").unwrap();
            let failed = [
                victim.ask(Call::PanicLater).await,
                victim.ask(Call::PanicNow).await,
                victim.inspect(|_| panic!("in a look")).await,
            ];
            for told in failed {
                assert!(matches!(told, Err(AskError::CallPanicked { .. })), "{told:?}");
            }
            for name in ["before", "after"] {
                answers(&realm, name).await;
            }
            assert_eq!(victim.ask(Call::Answer(7)).await, Ok(7));
            let lives: Vec<_> = realm
                .snapshot(None, 10)
                .rows
                .iter()
                .map(|row| (row.incarnation, row.exits))
                .collect();
            assert_eq!(lives, [(1, 0); 4], "nobody started again");
            assert_eq!(realm.crashes().groups().len(), 3);
        });
    }
}

#[test]
fn a_panic_anywhere_under_a_dynamic_supervisor_stays_where_it_happened() {
    for victim in VICTIMS {
        simulate(async {
            let realm = realm();
            let make = move |key: &u32| match key {
                0 => victim.spec(),
                _ => ActorSpec::new(Counter::default),
            };
            let backoff = Backoff { min: Duration::from_millis(1), ..Backoff::default() };
            let spec = DynamicSpec::new(make)
                .backoff(backoff)
                .restart(oxbeam_supervisor::Restart::Permanent);
            let (children, child) = spec.into_child("many");
            let _root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
            let address = children.get_or_start(&0).await.unwrap();
            let sibling = children.get_or_start(&1).await.unwrap();
            assert_eq!(address.ask(Count).await, Ok(1));
            victim.strike(&address).await;
            assert_eq!(sibling.ask(Count).within(Duration::from_millis(100)).await, Ok(1));
            let fresh = address.ask(Count).within(Duration::from_millis(100)).await;
            assert_eq!(fresh, Ok(1), "{victim:?}: fresh state");
            settle().await;
            crash_is_reported(&realm, victim);
        });
    }
}
