//! A year of hourly tasks in simulated time, over a real store that is killed at random.
//!
//! The agenda says what is due, its records lie in a store in memory, and a run appends a message to
//! a log under the run's own key, as `schedule` does. Between any two of these the program may be
//! killed or the power cut, and the node stays down for a while.

use bytes::Bytes;
use fastrand::Rng;
use oxbeam_protocol::Id;
use oxbeam_store::{
    Append, CatchUp, ContentBatch, LocalStore, Log, MemoryDisk, Origin, Persist, StoreConfig,
    Timer, Timers,
};

use super::actor::read_all;
use super::agenda::{Agenda, Run};

const HOUR: u64 = 3_600_000;
const YEAR: u64 = 365 * 24 * HOUR;
const BEGIN: u64 = 1_700_000_000_000;
/// Of so many chances to crash, one is taken.
const LUCK: u32 = 300;

const POLICIES: [(&str, CatchUp); 3] =
    [("skip", CatchUp::Skip), ("once", CatchUp::Once), ("all", CatchUp::All)];

/// The node has died.
struct Crashed;

struct World {
    disk: MemoryDisk,
    store: LocalStore,
    agenda: Agenda,
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
        let mut agenda = Agenda::default();
        for (name, catch_up) in POLICIES {
            let timer = hourly(name, catch_up);
            store.put_timer(timer.clone(), Persist::Synced).await.unwrap();
            agenda.insert(&timer, BEGIN);
        }
        let rng = Rng::with_seed(seed);
        Self { disk, store, agenda, now: BEGIN, rng, crashes: 0, repeated: 0 }
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
            for run in runs {
                self.make(run).await?;
            }
        }
    }

    async fn make(&mut self, run: Run) -> Result<(), Crashed> {
        let timer = self.store.timer(run.id).await.unwrap().unwrap();
        let begun = run.plan.recorded(timer.clone());
        self.store.put_timer(begun, Persist::Buffered).await.unwrap();
        self.may_crash()?;
        self.take_effect(run).await;
        self.may_crash()?;
        let ended = self.agenda.ended(run.id, self.now).unwrap().recorded(timer);
        self.store.put_timer(ended, Persist::Buffered).await.unwrap();
        self.may_crash()
    }

    async fn take_effect(&mut self, run: Run) {
        let (process, at) = (run.id, run.plan.began.unwrap());
        let origin = Origin { process: Id::of(&at.to_be_bytes()), slot: 0, index: 0 };
        let head = self.store.head(process).await.unwrap();
        let append = Append {
            process,
            slot: head.map_or(0, |head| head.slot + 1),
            assignment: at.to_be_bytes().to_vec().into(),
            chain: process,
            body: None,
            origin: Some(origin),
            content: ContentBatch::default(),
        };
        if self.store.append(append).await.unwrap().repeated {
            self.repeated += 1;
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
        self.agenda = read_all(&self.store, self.now).await.unwrap();
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
        assert!(world.repeated <= world.crashes, "runs are made again only after a crash");
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
