//! Chaos: a thousand actors under three levels, on real threads, for half a minute.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler, System};
use oxbeam_supervisor::{
    ActorSpec, Address, AskError, Backoff, ChildSpec, Children, DynamicSpec, ExitReason, Intensity,
    Placement, Realm, Refusal, State, SupervisorRef, SupervisorSpec,
};

use crate::{
    common::{alone, resident_kib},
    sitters::*,
};

const HOUSES: usize = 10;
const ACTORS: u32 = 1_000;
const MESSAGES: u32 = 100_000;
const TIME: Duration = Duration::from_secs(30);
/// Longer than any answer takes, also on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// The actors that bad things happen to; the others must not notice.
const VICTIMS: u32 = ACTORS / 2;

struct Echo;

impl Actor for Echo {
    type Context = Context<Self>;
}

#[derive(Debug, actix::Message)]
#[rtype(result = "u32")]
struct Say(u32);

impl Handler<Say> for Echo {
    type Result = u32;
    fn handle(&mut self, Say(number): Say, _: &mut Context<Self>) -> u32 {
        assert!(number != u32::MAX, "told to");
        number
    }
}

/// Many houses under a root; in each a dynamic supervisor, and under it the actors.
fn tree(intensity: Intensity) -> (Vec<Children<u32, Echo>>, SupervisorSpec) {
    let mut root = SupervisorSpec::new().intensity(intensity);
    let mut houses = Vec::new();
    for number in 0..HOUSES {
        let backoff = Backoff {
            restarts: u32::MAX,
            min: Duration::from_millis(1),
            max: Duration::from_millis(50),
            ..Backoff::default()
        };
        let make = |_: &u32| ActorSpec::new(|| Echo).placement(Placement::Compute);
        let (children, child) = DynamicSpec::new(make).backoff(backoff).into_child("actors");
        let house = SupervisorSpec::new().intensity(intensity).child(child);
        root = root.child(ChildSpec::supervisor(format!("house-{number}"), house));
        houses.push(children);
    }
    (houses, root)
}

/// What happened to the messages.
#[derive(Debug, Default)]
struct Tally {
    answered: u32,
    panicked: u32,
    late: u32,
}

impl Tally {
    fn note(&mut self, actor: u32, said: u32, outcome: Result<u32, AskError>) {
        match outcome {
            Ok(number) => {
                assert_eq!(number, said);
                self.answered += 1;
            }
            Err(error) if actor >= VICTIMS => panic!("{actor} is no victim: {error}"),
            Err(AskError::Down { reason: ExitReason::Panic(_) }) => self.panicked += 1,
            Err(AskError::Timeout { .. } | AskError::Refused(Refusal::Overloaded { .. })) => {
                self.late += 1;
            }
            Err(error) => panic!("{actor}: {error}"),
        }
    }
}

async fn talk(addresses: &[Address<Echo>], begun: Instant) -> Tally {
    let mut tally = Tally::default();
    let mut dice = fastrand::Rng::with_seed(7);
    let batches = MESSAGES / ACTORS;
    for batch in 0..batches {
        let mut asks = Vec::new();
        for actor in 0..ACTORS {
            let address = &addresses[actor as usize];
            let victim = actor < VICTIMS;
            match dice.u32(0..1_000) {
                0..2 if victim => address.actor().kill(),
                2..4 if victim => address.actor().suspend(),
                _ => {}
            }
            // One message in a hundred panics; all at victims, so two in a hundred of theirs.
            let number = if victim && dice.u32(0..100) < 2 { u32::MAX } else { actor };
            asks.push((actor, number, address.ask(Say(number)).within(PATIENCE)));
        }
        for victim in &addresses[..VICTIMS as usize] {
            victim.actor().resume();
        }
        for (actor, number, ask) in asks {
            tally.note(actor, number, ask.await);
        }
        tokio::time::sleep_until((begun + TIME * (batch + 1) / batches).into()).await;
    }
    tally
}

fn shape(realm: &Realm) -> Vec<String> {
    let rows = realm.snapshot(None, usize::MAX).rows;
    let mut paths: Vec<_> = rows.iter().map(|row| row.about.path.to_string()).collect();
    paths.sort();
    paths
}

async fn all_running(realm: &Arc<Realm>) {
    for row in realm.snapshot(None, usize::MAX).rows {
        if let Some(actor) = realm.find(row.about.id) {
            actor.reaches(|state| state == State::Running).await;
        }
    }
}

#[test]
fn a_thousand_actors_survive_half_a_minute_of_panics_kills_and_suspends() {
    if !alone("chaos::a_thousand_actors_survive_half_a_minute_of_panics_kills_and_suspends") {
        return;
    }
    System::new().block_on(async {
        let arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let intensity = Intensity { restarts: 0, period: Duration::from_secs(1) };
        let (houses, spec) = tree(intensity);
        let root = realm.start("root", spec).await.unwrap();
        let mut addresses = Vec::new();
        for actor in 0..ACTORS {
            let house = &houses[actor as usize % HOUSES];
            addresses.push(house.get_or_start(&actor).await.unwrap());
        }
        let before = (shape(&realm), resident_kib());
        let tally = talk(&addresses, Instant::now()).await;
        all_running(&realm).await;

        let total = tally.answered + tally.panicked + tally.late;
        assert_eq!(total, MESSAGES, "every caller got an answer: {tally:?}");
        assert!(tally.panicked > MESSAGES / 200, "{tally:?}");
        assert!(tally.late < MESSAGES / 100, "{tally:?}");
        let rows = realm.snapshot(None, usize::MAX);
        let exits: u64 = rows.rows.iter().map(|row| row.exits).sum();
        assert!(exits > u64::from(tally.panicked), "kills too, whose queues survived: {exits}");
        let infrastructure = rows.rows.iter().filter(|row| row.about.policy != "dynamic");
        assert!(infrastructure.clone().count() > 2 * HOUSES);
        assert!(infrastructure.into_iter().all(|row| row.exits == 0), "nobody but the victims");
        assert_eq!((shape(&realm), rows.queued), (before.0, 0));
        let grown = resident_kib().saturating_sub(before.1);
        assert!(grown < 16 * 1024, "{grown} KiB more than before");
        println!("{tally:?}, {grown} KiB more than before");

        root.actor().shutdown();
        root.actor().reaches(|state| state == State::Gone).await;
        // All have ended; their threads are still clearing up after them.
        while realm.actors() > 0 {
            tokio::task::yield_now().await;
        }
    });
}

/// Kills supervisors of both kinds at random, while all children are talked to.
async fn kill_supervisors(root: &SupervisorRef, houses: &[Children<u32, Echo>]) {
    let mut dice = fastrand::Rng::with_seed(7);
    let (mut kills, mut answers) = (0, 0);
    while kills < 200 || answers < 1_000 {
        let house = dice.usize(0..HOUSES);
        // Which of the two it is, or that it is just being restarted, is all the same.
        if let Ok(supervisor) = root.child(&format!("house-{house}")).await {
            let inner = supervisor.address().map(SupervisorRef::new);
            match inner.filter(|_| dice.bool()) {
                None => supervisor.kill(),
                Some(inner) => {
                    if let Ok(many) = inner.child("actors").await {
                        many.kill();
                    }
                }
            }
            kills += 1;
        }
        for actor in 0..100 {
            if let Ok(echo) = houses[actor % HOUSES].get_or_start(&(actor as u32)).await {
                let said = echo.ask(Say(1)).within(PATIENCE).await;
                assert!(!matches!(said, Err(AskError::Timeout { .. })), "silence from {actor}");
                answers += u32::from(said.is_ok());
            }
        }
    }
}

#[test]
fn supervisors_that_are_killed_come_back_with_their_children_and_nothing_is_left_behind() {
    System::new().block_on(async {
        let arbiters = arbiters(2);
        let realm = realm_on(&[], &arbiters);
        let patient = Intensity { restarts: u32::MAX, period: Duration::from_secs(1) };
        let (houses, spec) = tree(patient);
        let root = realm.start("root", spec).await.unwrap();
        kill_supervisors(&root, &houses).await;
        for (house, children) in houses.iter().enumerate() {
            let echo = loop {
                if let Ok(echo) = children.get_or_start(&0).await {
                    break echo;
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(echo.ask(Say(1)).await, Ok(1), "house {house}");
        }
        root.actor().shutdown();
        root.actor().reaches(|state| state == State::Gone).await;
        while realm.actors() > 0 {
            tokio::task::yield_now().await;
        }
    });
}
