//! Durable timers: what is to run when, and how far it has come.

use std::ops::ControlFlow;

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, fail};
use crate::batch::Batch;
use crate::content::Persist;
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::keys::{self, NEXT_RUN, Parts, TIMER};
use crate::local::LocalStore;
use crate::log::check_size;
use crate::page::{Limit, Page, page};
use crate::record;
use crate::tables::{Change, Changes, Table};

/// About how many bytes a timer has besides its request.
const TIMER_BYTES: usize = 128;

/// The timers of the node. Times are milliseconds since 1970.
pub trait Timers: Send + Sync {
    /// Keeps a timer, in place of one of the same id.
    ///
    /// Recording a run may be [`Persist::Buffered`]: if the power takes it, the timer runs again.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; errors of writing.
    fn put_timer(&self, timer: Timer, persist: Persist) -> Answer<()>;

    /// Keeps a timer as [`put_timer`](Self::put_timer) does and, in the same batch, makes changes of
    /// the node's own facts: both or neither is there after a crash.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::TooLarge`]; errors of writing.
    fn start_timer(&self, timer: Timer, changes: Vec<Change>) -> Answer<()>;

    /// A timer.
    ///
    /// # Errors
    /// Errors of reading.
    fn timer(&self, id: Id) -> Answer<Option<Timer>>;

    /// Removes a timer. Answers whether there was one.
    ///
    /// # Errors
    /// Errors of writing.
    fn remove_timer(&self, id: Id) -> Answer<bool>;

    /// Timers whose next run is at or before `now`, the longest due first.
    ///
    /// # Errors
    /// Errors of reading.
    fn due_timers(&self, now: u64, limit: Limit) -> Answer<Vec<Timer>>;

    /// When the next timer is due.
    ///
    /// # Errors
    /// Errors of reading.
    fn next_timer(&self) -> Answer<Option<u64>>;

    /// All timers, in order of their ids, from behind `after` on. One whose record is damaged stands
    /// in its place as [`StoreError::Corrupt`], so that it hides no other.
    ///
    /// # Errors
    /// Errors of reading.
    fn timers(&self, after: Option<Id>, limit: Limit) -> Answer<Page<Listed, Id>>;
}

/// A timer, or why its record cannot be read.
pub type Listed = Result<Timer, StoreError>;

/// Something that runs at a time, and perhaps again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Its name. Source: spec 12, section 10.
    #[serde(with = "record::id")]
    pub id: Id,
    /// What runs: the request, encoded. At most [`crate::MAX_VALUE_BYTES`].
    pub request: Bytes,
    /// When it runs next; `None` if it does not any more.
    pub next_run: Option<u64>,
    /// Milliseconds from run to run; `None` runs once.
    pub interval: Option<u64>,
    /// When its last run ended.
    pub last_run: Option<u64>,
    /// How many of its runs have ended.
    pub runs: u64,
    /// Runs that were due and are not made up for.
    pub missed: u64,
    /// When the run was due that has begun and whose end is not recorded.
    #[serde(default)]
    pub began: Option<u64>,
    /// What becomes of runs that were due while none could be made.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// Who asked for it, by their addresses; nobody in particular if there are none.
    #[serde(default)]
    pub owners: Vec<String>,
    /// The last run that failed.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// What becomes of the runs of a timer that were due while the node was down or busy with the run
/// before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CatchUp {
    /// They are left out.
    Skip,
    /// One run is made for all of them.
    #[default]
    Once,
    /// Each is made.
    All,
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it ended.
    pub at: u64,
    /// What was said about it.
    pub reason: String,
}

/// Puts a timer in place of one of the same id.
fn put(batch: &mut Batch<'_>, timer: &Timer) -> Result<(), StoreError> {
    let key = keys::of_process(TIMER, &timer.id);
    let before: Option<Timer> = batch.record(Family::Timers, &key)?;
    if let Some(at) = before.and_then(|before| before.next_run) {
        batch.delete(Family::Timers, keys::next_run(at, &timer.id));
    }
    if let Some(at) = timer.next_run {
        batch.put(Family::Timers, keys::next_run(at, &timer.id), Bytes::new());
    }
    batch.put_record(Family::Timers, key, timer);
    Ok(())
}

impl Timers for LocalStore {
    fn put_timer(&self, timer: Timer, persist: Persist) -> Answer<()> {
        if let Err(error) = check_size("a timer's request", timer.request.len()) {
            return fail(error);
        }
        let bytes = timer.request.len() + TIMER_BYTES;
        self.writer().submit(persist.how(bytes), move |batch| put(batch, &timer))
    }

    fn start_timer(&self, timer: Timer, changes: Vec<Change>) -> Answer<()> {
        let checked = check_size("a timer's request", timer.request.len());
        let changes = match checked.and_then(|()| Changes::new(Table::Node, changes)) {
            Ok(changes) => changes,
            Err(error) => return fail(error),
        };
        let bytes = timer.request.len() + TIMER_BYTES + changes.bytes();
        self.writer().submit(Persist::Synced.how(bytes), move |batch| {
            changes.made(batch)?;
            put(batch, &timer)
        })
    }

    fn timer(&self, id: Id) -> Answer<Option<Timer>> {
        self.record(Family::Timers, keys::of_process(TIMER, &id))
    }

    fn remove_timer(&self, id: Id) -> Answer<bool> {
        self.writer().submit(Persist::Synced.how(128), move |batch| {
            let key = keys::of_process(TIMER, &id);
            let Some(timer) = batch.record::<Timer>(Family::Timers, &key)? else {
                return Ok(false);
            };
            if let Some(at) = timer.next_run {
                batch.delete(Family::Timers, keys::next_run(at, &id));
            }
            batch.delete(Family::Timers, key);
            Ok(true)
        })
    }

    fn due_timers(&self, now: u64, limit: Limit) -> Answer<Vec<Timer>> {
        self.readers().run(move |engine| due(engine, now, limit))
    }

    fn next_timer(&self) -> Answer<Option<u64>> {
        self.readers().run(|engine| first_time(engine, Family::Timers, &keys::key(&[&[NEXT_RUN]])))
    }

    fn timers(&self, after: Option<Id>, limit: Limit) -> Answer<Page<Listed, Id>> {
        self.readers().run(move |engine| {
            let first = after.map_or(keys::key(&[&[TIMER]]), |id| {
                keys::just_after(&keys::of_process(TIMER, &id))
            });
            page(engine, Family::Timers, &first, &keys::after(&[TIMER]), limit, |key, value| {
                let timer = match record::unseal(Family::Timers, key, value) {
                    Err(newer @ StoreError::RecordTooNew { .. }) => return Err(newer),
                    timer => timer,
                };
                Ok((timer, named_by(key.get(1..).unwrap_or_default(), key)?))
            })
        })
    }
}

fn due(engine: &dyn Engine, now: u64, limit: Limit) -> Result<Vec<Timer>, StoreError> {
    let first = keys::key(&[&[NEXT_RUN]]);
    let end = keys::after(&keys::key(&[&[NEXT_RUN], &now.to_be_bytes()]));
    let ids = page(engine, Family::Timers, &first, &end, limit, |key, _| {
        Ok((named_by(key.get(9..).unwrap_or_default(), key)?, ()))
    })?;
    let mut timers = Vec::with_capacity(ids.items.len());
    for id in ids.items {
        let key = keys::of_process(TIMER, &id);
        // It may have been removed since the index was read.
        if let Some(sealed) = engine.get(Family::Timers, &key)? {
            timers.push(record::unseal(Family::Timers, &key, &sealed)?);
        }
    }
    Ok(timers)
}

/// The timer that a key's last part names.
fn named_by(part: &[u8], key: &[u8]) -> Result<Id, StoreError> {
    Parts(part).id().ok_or_else(|| StoreError::Corrupt {
        family: Family::Timers,
        key: record::hex(key),
        reason: "it names no timer".into(),
    })
}

/// The first time of an index by time, whose keys begin with `first`.
fn first_time(
    engine: &dyn Engine,
    family: Family,
    first: &Bytes,
) -> Result<Option<u64>, StoreError> {
    let mut time = None;
    engine.scan(family, first, &keys::after(first), &mut |key, _| {
        time = Parts(key.get(1..).unwrap_or_default()).u64();
        ControlFlow::Break(())
    })?;
    Ok(time)
}
