//! A year of hourly tasks in simulated time, over a real store that is killed at random.
//!
//! The agenda says what is due, its records lie in a store in memory, and a run appends a message to
//! a log under the run's own key, as `schedule` does. Between these, or when a part of the runs has
//! taken effect, the program may be killed or the power cut, and the node stays down for a while.

use std::collections::HashMap;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::future::join_all;
use oxbeam_protocol::Id;
use oxbeam_store::{
    Append, CatchUp, ContentBatch, Limit, LocalStore, Log, MemoryDisk, Origin, Persist,
    StoreConfig, Timer, Timers,
};

use super::actor::read_all;
use super::agenda::{Agenda, Run};
use super::plan::Plan;

const HOUR: u64 = 3_600_000;
const YEAR: u64 = 365 * 24 * HOUR;
const BEGIN: u64 = 1_700_000_000_000;
/// Of so many chances to crash, one is taken.
const LUCK: u32 = 150;

const POLICIES: [(&str, CatchUp); 3] =
    [("skip", CatchUp::Skip), ("once", CatchUp::Once), ("all", CatchUp::All)];

/// The node has died.
struct Crashed;

struct World {
    disk: MemoryDisk,
    store: LocalStore,
    agenda: Agenda,
    /// The records as they were written last, and the logs' next slots.
    records: HashMap<Id, Timer>,
    slots: HashMap<Id, u64>,
    now: u64,
    rng: Rng,
    crashes: u64,
    /// Runs whose message was in the log already.
    repeated: u64,
}

fn open(disk: &MemoryDisk) -> LocalStore {
    LocalStore::open_memory(disk, &StoreConfig::default()).unwrap().0
}

fn hourly(name: &str, catch_up: CatchUp) -> Timer {
    Timer {
        id: Id::of(name.as_bytes()),
        request: Bytes::new(),
        next_run: Some(BEGIN),
        interval: Some(HOUR),
        last_run: None,
        runs: 0,
        missed: 0,
        began: None,
        catch_up,
        owners: Vec::new(),
        failure: None,
    }
}

impl World {
    async fn new(seed: u64) -> Self {
        let disk = MemoryDisk::default();
        let store = open(&disk);
        for (name, catch_up) in POLICIES {
            store.put_timer(hourly(name, catch_up), Persist::Synced).await.unwrap();
        }
        let mut world = Self {
            disk,
            store,
            agenda: Agenda::default(),
            records: HashMap::new(),
            slots: HashMap::new(),
            now: BEGIN,
            rng: Rng::with_seed(seed),
            crashes: 0,
            repeated: 0,
        };
        world.wake().await;
        world
    }

    /// Lives until `end`, as often as it takes.
    async fn live_until(&mut self, end: u64) {
        while self.now <= end {
            if self.turn().await.is_err() {
                self.restart().await;
            } else {
                self.now = self.agenda.next(self.now).unwrap();
            }
        }
        while self.turn().await.is_err() {
            self.restart().await;
        }
    }

    async fn turn(&mut self) -> Result<(), Crashed> {
        // Runs that are made up for are due at once.
        loop {
            let runs = self.agenda.step(self.now);
            if runs.is_empty() {
                return Ok(());
            }
            self.make(&runs).await?;
        }
    }

    async fn make(&mut self, runs: &[Run]) -> Result<(), Crashed> {
        self.record(runs.iter().map(|run| (run.id, run.plan)).collect()).await;
        self.may_crash()?;
        let crashed = self.may_crash();
        let reached = if crashed.is_err() { self.rng.usize(..runs.len()) } else { runs.len() };
        self.take_effect(&runs[..reached]).await;
        crashed?;
        let now = self.now;
        let ended = runs.iter().map(|run| (run.id, self.agenda.ended(run.id, now).unwrap()));
        let ended = ended.collect();
        self.record(ended).await;
        self.may_crash()
    }

    async fn record(&mut self, plans: Vec<(Id, Plan)>) {
        let (store, records) = (&self.store, &mut self.records);
        let written = plans.into_iter().map(|(id, plan)| {
            let record = plan.recorded(records[&id].clone());
            records.insert(id, record.clone());
            store.put_timer(record, Persist::Buffered)
        });
        for written in join_all(written).await {
            written.unwrap();
        }
    }

    async fn take_effect(&mut self, runs: &[Run]) {
        let appends = runs.iter().map(|run| self.store.append(self.append(run)));
        for (run, appended) in runs.iter().zip(join_all(appends).await) {
            match appended.unwrap().repeated {
                true => self.repeated += 1,
                false => *self.slots.get_mut(&run.id).unwrap() += 1,
            }
        }
    }

    fn append(&self, run: &Run) -> Append {
        let (process, at) = (run.id, run.plan.began.unwrap());
        Append {
            process,
            slot: self.slots[&process],
            assignment: at.to_be_bytes().to_vec().into(),
            chain: process,
            body: None,
            origin: Some(Origin { process: Id::of(&at.to_be_bytes()), slot: 0, index: 0 }),
            content: ContentBatch::default(),
        }
    }

    fn may_crash(&mut self) -> Result<(), Crashed> {
        match self.rng.u32(..LUCK) {
            0 => Err(Crashed),
            _ => Ok(()),
        }
    }

    async fn restart(&mut self) {
        match self.rng.bool() {
            true => self.disk.kill(),
            false => self.disk.power_loss(self.rng.u64(..)),
        }
        self.crashes += 1;
        // Mostly seconds, at times half a day.
        let longest = if self.rng.u8(..4) == 0 { 12 * HOUR } else { HOUR / 100 };
        self.now += self.rng.u64(..longest);
        self.store = open(&self.disk);
        self.wake().await;
    }

    async fn wake(&mut self) {
        self.agenda = read_all(&self.store, self.now).await.unwrap();
        for timer in self.store.timers(None, Limit::default()).await.unwrap().items {
            let timer = timer.unwrap();
            let head = self.store.head(timer.id).await.unwrap();
            self.slots.insert(timer.id, head.map_or(0, |head| head.slot + 1));
            self.records.insert(timer.id, timer);
        }
    }

    /// When the runs were due whose messages are in a task's log, and how many the task says were
    /// left out.
    async fn log_of(&self, name: &str) -> (Vec<u64>, Timer) {
        let id = Id::of(name.as_bytes());
        let (mut due, mut slot) = (Vec::new(), 0);
        while let Some(found) = self.store.assignment(id, slot).await.unwrap() {
            due.push(u64::from_be_bytes(found.assignment.as_ref().try_into().unwrap()));
            slot += 1;
        }
        (due, self.store.timer(id).await.unwrap().unwrap())
    }
}

#[test]
fn in_a_year_of_crashes_no_hour_is_lost_and_none_doubled() {
    actix_rt::System::new().block_on(async {
        let mut world = World::new(7).await;
        world.live_until(BEGIN + YEAR).await;
        assert!(world.crashes > 100, "{} crashes", world.crashes);
        assert!(world.repeated > 0, "no run was ever made again");
        let most = world.crashes * POLICIES.len() as u64;
        assert!(world.repeated <= most, "runs are made again only after a crash");
        for (name, catch_up) in POLICIES {
            let (due, timer) = world.log_of(name).await;
            assert!(due.is_sorted_by(|a, b| a < b), "{name}: each hour once, and in order");
            assert!(due.iter().all(|at| (at - BEGIN).is_multiple_of(HOUR)), "{name}: by the clock");
            let hours = (timer.next_run.unwrap() - BEGIN) / HOUR;
            assert_eq!(due.len() as u64 + timer.missed, hours, "{name}: run or counted as missed");
            assert!(hours >= YEAR / HOUR, "{name}");
            match catch_up {
                CatchUp::All => assert_eq!(timer.missed, 0, "{name}"),
                _ => assert!(timer.missed > 0, "{name}"),
            }
        }
    });
}
