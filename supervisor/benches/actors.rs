//! The figures that README quotes, each beside plain actix and ractor in one run, same work.
//!
//! `cargo bench -p oxbeam-supervisor`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench has no users, and fails loudly"
)]

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oxbeam_supervisor::{
    ActorSpec, Address, ChildSpec, DynamicSpec, Intensity, Realm, RealmConfig, SupervisorSpec,
};
use ractor::{ActorProcessingErr, ActorRef as RactorRef, RpcReplyPort};
use tokio::{runtime::Runtime, task::LocalSet};

/// Asks or tells in one measured round.
const MESSAGES: u64 = 1_000;
/// Actors spawned in one measured round.
const SPAWNED: u32 = 100_000;

struct Adder(u64);

impl Actor for Adder {
    type Context = Context<Self>;
}

#[derive(actix::Message)]
#[rtype(u64)]
struct Add(u64);

impl Handler<Add> for Adder {
    type Result = u64;
    fn handle(&mut self, Add(number): Add, _: &mut Context<Self>) -> u64 {
        assert!(number != u64::MAX, "told to");
        self.0 += number;
        self.0
    }
}

/// The same actor for ractor.
struct RactorAdder;

enum RactorAdd {
    Tell(u64),
    Ask(u64, RpcReplyPort<u64>),
}

impl ractor::Actor for RactorAdder {
    type Msg = RactorAdd;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: RactorRef<RactorAdd>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: RactorRef<RactorAdd>,
        message: RactorAdd,
        sum: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RactorAdd::Tell(number) => *sum += number,
            RactorAdd::Ask(number, reply) => {
                *sum += number;
                reply.send(*sum)?;
            }
        }
        Ok(())
    }
}

fn thread() -> (Runtime, LocalSet) {
    (tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(), LocalSet::new())
}

fn realm() -> Arc<Realm> {
    Realm::new(RealmConfig::default()).unwrap()
}

fn spawn(realm: &Arc<Realm>) -> Address<Adder> {
    let spec = ActorSpec::new(|| Adder(0)).queue_limit(2 * MESSAGES as usize);
    realm.spawn("adder", spec).unwrap()
}

async fn ractor_adder() -> RactorRef<RactorAdd> {
    ractor::Actor::spawn(None, RactorAdder, ()).await.unwrap().0
}

async fn ractor_ask(adder: &RactorRef<RactorAdd>) -> u64 {
    ractor::call!(adder, RactorAdd::Ask, 1).unwrap()
}

fn ask(c: &mut Criterion) {
    let (runtime, local) = thread();
    let mut group = c.benchmark_group("ask round trip");
    group.throughput(Throughput::Elements(MESSAGES));
    let adder = local.block_on(&runtime, async { Adder(0).start() });
    group.bench_function("plain actix", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                for _ in 0..MESSAGES {
                    adder.send(Add(1)).await.unwrap();
                }
            });
        });
    });
    let supervised = local.block_on(&runtime, async { spawn(&realm()) });
    group.bench_function("supervised", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                for _ in 0..MESSAGES {
                    supervised.ask(Add(1)).await.unwrap();
                }
            });
        });
    });
    let adder = local.block_on(&runtime, ractor_adder());
    group.bench_function("ractor", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                for _ in 0..MESSAGES {
                    ractor_ask(&adder).await;
                }
            });
        });
    });
    group.finish();
}

fn tell(c: &mut Criterion) {
    let (runtime, local) = thread();
    let mut group = c.benchmark_group("tell");
    group.throughput(Throughput::Elements(MESSAGES));
    let adder = local.block_on(&runtime, async { Adder(0).start() });
    group.bench_function("plain actix", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                (0..MESSAGES).for_each(|_| adder.do_send(Add(1)));
                adder.send(Add(1)).await.unwrap();
            });
        });
    });
    let supervised = local.block_on(&runtime, async { spawn(&realm()) });
    group.bench_function("supervised", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                (0..MESSAGES).for_each(|_| supervised.tell(Add(1)).unwrap());
                supervised.ask(Add(1)).await.unwrap();
            });
        });
    });
    let adder = local.block_on(&runtime, ractor_adder());
    group.bench_function("ractor", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                (0..MESSAGES).for_each(|_| adder.cast(RactorAdd::Tell(1)).unwrap());
                ractor_ask(&adder).await;
            });
        });
    });
    group.finish();
}

fn spawn_many(c: &mut Criterion) {
    let mut group = c.benchmark_group("spawn 100,000 and ask the last");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(SPAWNED)));
    group.bench_function("plain actix", |b| {
        b.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| {
                    let (runtime, local) = thread();
                    local.block_on(&runtime, async {
                        let begun = Instant::now();
                        let actors: Vec<_> = (0..SPAWNED).map(|_| Adder(0).start()).collect();
                        actors.last().unwrap().send(Add(1)).await.unwrap();
                        begun.elapsed()
                    })
                })
                .sum()
        });
    });
    group.bench_function("supervised", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| spawn_children().0).sum());
    });
    group.bench_function("ractor", |b| {
        b.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| {
                    let (runtime, local) = thread();
                    local.block_on(&runtime, async {
                        let begun = Instant::now();
                        let mut actors = Vec::new();
                        for _ in 0..SPAWNED {
                            actors.push(ractor_adder().await);
                        }
                        ractor_ask(actors.last().unwrap()).await;
                        begun.elapsed()
                    })
                })
                .sum()
        });
    });
    group.finish();
}

/// Starts children under a dynamic supervisor. Time, bytes for each, and processor time of a
/// snapshot.
fn spawn_children() -> (Duration, usize, Duration) {
    let (runtime, local) = thread();
    local.block_on(&runtime, async {
        let realm = realm();
        let spec = DynamicSpec::new(|_: &u32| ActorSpec::new(|| Adder(0)));
        let (children, child) = spec.into_child("many");
        let _root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
        let (before, begun) = (resident_bytes(), Instant::now());
        let last = SPAWNED - 1;
        for key in 0..last {
            children.get_or_start(&key).await.unwrap();
        }
        children.get_or_start(&last).await.unwrap().ask(Add(1)).await.unwrap();
        let took = begun.elapsed();
        let each = resident_bytes().saturating_sub(before) / SPAWNED as usize;
        let snapshot = (0..5).map(|_| {
            let begun = processor_time();
            assert!(realm.snapshot(None, usize::MAX).rows.len() > SPAWNED as usize);
            processor_time() - begun
        });
        (took, each, snapshot.min().unwrap())
    })
}

/// Time on the processor, which tells more than the clock on a machine that is shared.
fn processor_time() -> Duration {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split_whitespace().next().unwrap().parse().unwrap())
}

fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Memory and the snapshot are no distributions: told once, not sampled.
fn once(_: &mut Criterion) {
    let (_, each, snapshot) = spawn_children();
    println!("an idle supervised actor holds {each} bytes (growth of resident memory)");
    println!("a snapshot of 100,000 actors takes {snapshot:?} of processor time (best of five)");
}

fn recover(c: &mut Criterion) {
    let (runtime, local) = thread();
    let address = local.block_on(&runtime, async {
        let intensity = Intensity { restarts: u32::MAX, period: Duration::from_nanos(1) };
        let child = ChildSpec::worker("adder", ActorSpec::new(|| Adder(0)).named("adder"));
        let realm = realm();
        let spec = SupervisorSpec::new().intensity(intensity).child(child);
        realm.start("root", spec).await.unwrap();
        realm.registry().address::<Adder>("adder").unwrap()
    });
    c.bench_function("panic to serving again", |b| {
        b.iter(|| {
            local.block_on(&runtime, async {
                let panics = address.ask(Add(u64::MAX));
                let serves = address.ask(Add(1));
                assert!(panics.await.is_err());
                serves.await.unwrap();
            });
        });
    });
}

criterion_group!(benches, once, ask, tell, spawn_many, recover);
criterion_main!(benches);
