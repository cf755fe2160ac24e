//! A live tree: children crash, and the rest goes on. Run it with
//! `cargo run -p oxbeam-supervisor --example tree`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{error::Error, time::Duration};

use actix::{Actor, Context, Handler};
use oxbeam_supervisor::{
    ActorSpec, Backoff, ChildSpec, Children, DynamicSpec, Intensity, Realm, RealmConfig, Strategy,
    SupervisorSpec,
};

/// How often the tree is shown.
const FRAMES: u32 = 12;

/// Greets, until it meets somebody whom it cannot stand.
struct Greeter {
    enemy: Option<u32>,
}

impl Actor for Greeter {
    type Context = Context<Self>;
}

/// Greets a guest.
#[derive(Debug, actix::Message)]
#[rtype(result = "String")]
struct Greet(u32);

impl Handler<Greet> for Greeter {
    type Result = String;
    fn handle(&mut self, Greet(guest): Greet, _: &mut Context<Self>) -> String {
        assert!(self.enemy != Some(guest), "cannot stand guest {guest}");
        format!("hello, guest {guest}")
    }
}

fn greeter(enemy: Option<u32>) -> ActorSpec<Greeter> {
    ActorSpec::new(move || Greeter { enemy })
}

fn tree() -> (Children<u32, Greeter>, SupervisorSpec) {
    let intensity = Intensity { restarts: 100, period: Duration::from_secs(1) };
    let front = SupervisorSpec::new()
        .strategy(Strategy::RestForOne)
        .intensity(intensity)
        .child(ChildSpec::worker("door", greeter(Some(3)).named("door")))
        .child(ChildSpec::worker("desk", greeter(None).named("desk")));
    let backoff = Backoff { restarts: 2, ..Backoff::default() };
    let (rooms, child) =
        DynamicSpec::new(|room: &u32| greeter((room % 2 == 1).then_some(room + 4)))
            .backoff(backoff)
            .into_child("rooms");
    let root = SupervisorSpec::new().child(ChildSpec::supervisor("front", front)).child(child);
    (rooms, root)
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let realm = Realm::new(RealmConfig::default())?;
    let (rooms, spec) = tree();
    let root = realm.start("house", spec).await?;
    for guest in 0..FRAMES {
        for name in ["door", "desk"] {
            if let Some(address) = realm.registry().address::<Greeter>(name) {
                println!("{name}: {:?}", address.ask(Greet(guest % 5)).await);
            }
        }
        for room in 0..3 {
            match rooms.get_or_start(&room).await {
                Ok(address) => drop(address.ask(Greet(guest)).await),
                Err(error) => println!("room {room}: {error}"),
            }
        }
        println!("\n{}", realm.snapshot(None, 100).draw());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for group in realm.crashes().groups() {
        println!("{} × {}", group.count, group.latest);
    }
    root.actor().shutdown();
    root.actor().down().await;
    Ok(())
}
