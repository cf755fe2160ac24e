//! Messages on their way out.
//!
//! An entry is written with its slot's result. It holds the message signed, so that every attempt
//! sends the same bytes under the same id. Entries that are due are found through an index in order
//! of their next try.
//!
//! | Status | Becomes | By |
//! |---|---|---|
//! | pending | pending, later | [`Outbox::retry`] |
//! | | delivered | [`Outbox::delivered`] |
//! | | pending, another time | [`Outbox::redrive`] |
//! | | dead | [`Outbox::give_up`] |
//! | dead | pending | [`Outbox::redrive`] |
//! | | delivered | [`Outbox::delivered`], by an attempt that was given up |
//! | delivered | delivered, as at first | [`Outbox::delivered`] |
//!
//! Every other move is refused and changes nothing: a late time-out does not send again what has
//! arrived.
//!
//! Commits are not synced. Who sends calls [`Outbox::owe`] or [`Outbox::begin`] first, which do not
//! answer before the entry is on disk: else a power cut could make the slot run and be signed again, and the same
//! message would go out under two ids.

mod entry;
mod prepare;

use std::ops::ControlFlow;

use oxbeam_protocol::Id;

pub(crate) use self::entry::EntryRecord;
pub use self::entry::{Entry, EntryKey, Outgoing, Status};
use self::entry::{
    behind, by_entry, by_time, corrupt, first_due, is_asleep, read_entry, scan_index, update,
};
pub(crate) use self::prepare::Prepared;
use crate::Slot;
use crate::answer::{Answer, fail};
use crate::content::Persist;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, DEAD, DUE, ENTRY};
use crate::local::LocalStore;
use crate::page::{Limit, Page, page};
use crate::processes::refuse_half_done;
use crate::results;
use crate::tables::{Change, Changes, Table};

/// Longest target and longest reason of a failure, in bytes. A longer reason is cut.
pub const MAX_NOTE_BYTES: usize = 1024;

/// How many messages are where on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Those that are tried until they arrive.
    pub waiting: u64,
    /// Those that nobody has asked to be sent yet.
    pub asleep: u64,
    /// Those that were given up.
    pub dead: u64,
    /// When the one was due that has been due longest; `None` if none waits.
    pub next_due: Option<u64>,
}

impl LocalStore {
    /// How many messages wait, sleep and are given up, of all processes; each is counted up to `most`.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn backlog(&self, most: u64) -> Answer<Backlog> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| {
            let never = keys::key(&[&[DUE], &u64::MAX.to_be_bytes()]);
            let count = |from: &[u8], to: &[u8]| {
                let mut count = 0;
                engine.scan(Family::Outbox, from, to, &mut |_, _| {
                    count += 1;
                    if count < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
                Ok::<_, StoreError>(count)
            };
            Ok(Backlog {
                waiting: count(&[DUE], &never)?,
                asleep: count(&never, &keys::after(&[DUE]))?,
                dead: count(&[DEAD], &keys::after(&[DEAD]))?,
                next_due: first_due(engine, &marks)?.filter(|at| *at != u64::MAX),
            })
        })
    }
}

/// The outboxes of all processes. Times are milliseconds since 1970.
pub trait Outbox: Send + Sync {
    /// Which entries are to be tried at or before `now`, the longest due first, from behind the place
    /// `after` on. A place is a next try and an entry. None of them is read, so that one whose record is
    /// damaged hides no other.
    ///
    /// # Errors
    /// Errors of reading.
    fn due(
        &self,
        now: u64,
        after: Option<(u64, EntryKey)>,
        limit: Limit,
    ) -> Answer<Page<EntryKey, (u64, EntryKey)>>;

    /// When the next entry is due.
    ///
    /// # Errors
    /// Errors of reading.
    fn next_due(&self) -> Answer<Option<u64>>;

    /// One entry.
    ///
    /// # Errors
    /// Errors of reading.
    fn entry(&self, key: EntryKey) -> Answer<Option<Entry>>;

    /// Entries of a process from behind `after` on, whatever their status. Nothing needs to have
    /// the place `after`: index `u32::MAX` of slot 6 begins with slot 7.
    ///
    /// # Errors
    /// Errors of reading.
    fn entries(
        &self,
        process: Id,
        after: Option<EntryKey>,
        limit: Limit,
    ) -> Answer<Page<Entry, EntryKey>>;

    /// Entries that are tried until they arrive or, if `asleep`, that nobody has asked to be sent, of
    /// all processes, in the order of their next try, from behind the place `after` on. A place is a
    /// next try and an entry.
    ///
    /// # Errors
    /// Errors of reading.
    fn pending(
        &self,
        asleep: bool,
        after: Option<(u64, EntryKey)>,
        limit: Limit,
    ) -> Answer<Page<Entry, (u64, EntryKey)>>;

    /// Entries that were given up, of all processes, from behind `after` on.
    ///
    /// # Errors
    /// Errors of reading.
    fn dead(&self, after: Option<EntryKey>, limit: Limit) -> Answer<Page<Entry, EntryKey>>;

    /// Adds a message that was not known yet when its slot was committed. One that is there stays as it is.
    /// Answers once it is on disk.
    ///
    /// # Errors
    /// [`StoreError::NotComputed`]; a slot that sends too much; errors of writing.
    fn add(&self, process: Id, slot: Slot, sent: Outgoing) -> Answer<()>;

    /// Makes an entry owed that nobody has asked to be sent yet: its first attempt is at `next_try`. One
    /// that is owed, has arrived or was given up stays as it is. Answers once the entry is on disk.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`]; errors of writing.
    fn owe(&self, key: EntryKey, next_try: u64) -> Answer<()>;

    /// Counts an attempt before it is made, and puts the next one off to `next_try`, should nobody
    /// come back from this one. Answers, with the number of attempts, once the entry is on disk.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`], [`StoreError::EntryMoved`] unless it is pending; errors of writing.
    fn begin(&self, key: EntryKey, next_try: u64) -> Answer<u32>;

    /// An attempt failed: the next one is at `next_try`.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`], [`StoreError::EntryMoved`] unless it is pending; errors of writing.
    fn retry(&self, key: EntryKey, next_try: u64, reason: String) -> Answer<()>;

    /// The message has arrived, there as `slot` if the receiver said so.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`]; errors of writing.
    fn delivered(&self, key: EntryKey, slot: Option<Slot>) -> Answer<()>;

    /// It is not tried again until somebody asks for it.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`], [`StoreError::EntryMoved`] unless it is pending; errors of writing.
    fn give_up(&self, key: EntryKey, reason: String) -> Answer<()>;

    /// An entry is tried again, a dead one as if for the first time. In the same batch, changes of the
    /// node's own facts are made: both or neither is there after a crash.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`], [`StoreError::EntryMoved`] if it has arrived, [`StoreError::Conflict`],
    /// [`StoreError::TooLarge`]; errors of writing.
    fn redrive(&self, key: EntryKey, next_try: u64, changes: Vec<Change>) -> Answer<()>;
}

impl Outbox for LocalStore {
    fn due(
        &self,
        now: u64,
        after: Option<(u64, EntryKey)>,
        limit: Limit,
    ) -> Answer<Page<EntryKey, (u64, EntryKey)>> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| {
            let end = keys::after(&keys::key(&[&[DUE], &now.to_be_bytes()]));
            let first = after.map_or(keys::key(&[&[DUE]]), behind);
            let mut due = page(engine, Family::Outbox, &first, &end, limit, |key, _| {
                by_time(key).ok_or_else(|| corrupt(key, "it names no entry"))
            })?;
            due.items.retain(|key| !marks.has(&key.process));
            Ok(due)
        })
    }

    fn next_due(&self) -> Answer<Option<u64>> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| first_due(engine, &marks))
    }

    fn entry(&self, key: EntryKey) -> Answer<Option<Entry>> {
        let found = self.read(move |reader| read_entry(reader, key));
        self.unless_half_done(key.process, found)
    }

    fn entries(
        &self,
        process: Id,
        after: Option<EntryKey>,
        limit: Limit,
    ) -> Answer<Page<Entry, EntryKey>> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| {
            let all = keys::of_process(ENTRY, &process);
            let first = after.map_or(all.clone(), |at| keys::just_after(&at.of(ENTRY)));
            let range = &first.max(all.clone())..&keys::after(&all);
            scan_index(engine, &marks, range, limit, by_entry)
        })
    }

    fn pending(
        &self,
        asleep: bool,
        after: Option<(u64, EntryKey)>,
        limit: Limit,
    ) -> Answer<Page<Entry, (u64, EntryKey)>> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| {
            let never = keys::key(&[&[DUE], &u64::MAX.to_be_bytes()]);
            let (first, end) = match asleep {
                true => (never, keys::after(&[DUE])),
                false => (keys::key(&[&[DUE]]), never),
            };
            let first = after.map_or(first.clone(), behind).max(first);
            scan_index(engine, &marks, &first..&end, limit, by_time)
        })
    }

    fn dead(&self, after: Option<EntryKey>, limit: Limit) -> Answer<Page<Entry, EntryKey>> {
        let marks = self.marks().clone();
        self.readers().run(move |engine| {
            let first = after.map_or(keys::key(&[&[DEAD]]), |at| keys::just_after(&at.of(DEAD)));
            scan_index(engine, &marks, &first..&keys::after(&[DEAD]), limit, by_entry)
        })
    }

    fn add(&self, process: Id, slot: Slot, sent: Outgoing) -> Answer<()> {
        let how = Persist::Synced.how(sent.target.len() + sent.message.len() + 512);
        let entry = EntryKey { process, slot, index: sent.index }.of(ENTRY);
        let encode = move || Prepared::new(&process, slot, vec![sent]);
        self.writer().submit_encoded(how, encode, move |added, batch| {
            refuse_half_done(batch, &process)?;
            if batch.get(Family::Outbox, &entry)?.is_none() {
                results::sends_one_more(batch, process, slot)?;
                added.plan(batch);
            }
            Ok(())
        })
    }

    fn owe(&self, key: EntryKey, next_try: u64) -> Answer<()> {
        self.writer().submit(Persist::Synced.how(128), move |batch| match is_asleep(batch, key)? {
            true => update(batch, key, |record| {
                record.next_try = next_try;
                Ok(())
            }),
            false => Ok(()),
        })
    }

    fn begin(&self, key: EntryKey, next_try: u64) -> Answer<u32> {
        self.writer().submit(Persist::Synced.how(128), move |batch| {
            update(batch, key, |record| {
                record.expect_pending(key)?;
                record.attempts = record.attempts.saturating_add(1);
                record.next_try = next_try;
                Ok(record.attempts)
            })
        })
    }

    fn retry(&self, key: EntryKey, next_try: u64, reason: String) -> Answer<()> {
        self.change(key, move |record| {
            record.expect_pending(key)?;
            record.pending(next_try, Some(reason));
            Ok(())
        })
    }

    fn delivered(&self, key: EntryKey, slot: Option<Slot>) -> Answer<()> {
        self.change(key, move |record| {
            record.delivered(slot);
            Ok(())
        })
    }

    fn give_up(&self, key: EntryKey, reason: String) -> Answer<()> {
        self.change(key, move |record| {
            record.expect_pending(key)?;
            record.dead(reason);
            Ok(())
        })
    }

    fn redrive(&self, key: EntryKey, next_try: u64, changes: Vec<Change>) -> Answer<()> {
        let changes = match Changes::new(Table::Node, changes) {
            Ok(changes) => changes,
            Err(error) => return fail(error),
        };
        self.writer().submit(Persist::Synced.how(128 + changes.bytes()), move |batch| {
            changes.made(batch)?;
            update(batch, key, |record| record.redriven(key, next_try))
        })
    }
}

impl LocalStore {
    /// Changes are not synced: if the power takes one, the attempt is made again, which the receiver
    /// bears.
    fn change(
        &self,
        key: EntryKey,
        change: impl FnOnce(&mut EntryRecord) -> Result<(), StoreError> + Send + 'static,
    ) -> Answer<()> {
        self.writer().submit(Persist::Buffered.how(128), move |batch| update(batch, key, change))
    }
}
