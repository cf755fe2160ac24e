//! The records of the quarantine, on disk and in memory.

use bytes::Bytes;
use oxbeam_protocol::Id;
use oxbeam_store::{Change, Limit, MAX_NOTE_BYTES, Page, Persist, Slot, StoreError, Table};

use super::{Aside, Cause, Held};
use crate::assignment::milliseconds;
use crate::error::CallError;
use crate::node::Node;

/// Before the process's id in the node's table.
const PREFIX: &str = "quarantine/";
/// How often a change is tried, if others change the record meanwhile.
const TRIES: usize = 16;

impl Node {
    /// What is known of a process that does not get past a slot.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn aside(&self, process: Id) -> Result<Option<Aside>, CallError> {
        Ok(self.read_aside(process).await?.1)
    }

    /// All of them, in order of their ids, from behind `after` on. A page may be empty and not the
    /// last.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn asides(
        &self,
        after: Option<Id>,
        limit: Limit,
    ) -> Result<Page<(Id, Aside), Id>, CallError> {
        let after = after.map(name);
        let page = self.store()?.values(Table::Node, PREFIX.into(), after, limit).await?;
        let items = page.items.into_iter().filter_map(|(name, found)| {
            let value = found.value?;
            let process = process_of(&name)?;
            Some(read(&value).map(|aside| (process, aside)))
        });
        let last = page.last.and_then(|name| process_of(&name));
        Ok(Page { items: items.collect::<Result<_, _>>()?, last })
    }

    /// Lets a process try its next slot again, and forgets its failed attempts; with more fuel for
    /// each call of a guest in this slot, if that is given. It decides the slot's result: whoever
    /// computes the process elsewhere has to give the same.
    ///
    /// What is `noted` in [`Table::Node`] is on disk together with that.
    ///
    /// # Errors
    /// Errors of the store; [`StoreError::Conflict`] if others change the record, or have noted
    /// something, meanwhile.
    pub async fn resume(
        &self,
        process: Id,
        fuel: Option<u64>,
        noted: Vec<Change>,
    ) -> Result<(), CallError> {
        let next = self.next_slot(process).await?;
        // First, because it may well be done twice.
        self.store()?.forget_attempts(process, next).await?;
        self.try_change_aside(process, noted, |aside| {
            let fresh = aside.is_none() && fuel.is_some();
            let aside = aside.or_else(|| fresh.then(|| Aside::asked(next)));
            aside.map(|aside| Aside { slot: next, held: Held::Resumed, fuel, ..aside })
        })
        .await?;
        if let Err(error) = self.processes().resume(&process).await {
            tracing::debug!(%process, %error, "the process was not set aside by its supervisor");
        }
        Ok(())
    }

    /// Gives a process up: no further slot of it is computed until somebody resumes it. It goes on
    /// taking messages, and what is computed stays readable.
    ///
    /// What is `noted` in [`Table::Node`] is on disk together with that.
    ///
    /// # Errors
    /// As [`Node::resume`].
    pub async fn abandon(&self, process: Id, noted: Vec<Change>) -> Result<(), CallError> {
        let next = self.next_slot(process).await?;
        self.try_change_aside(process, noted, |aside| {
            let aside = aside.unwrap_or_else(|| Aside::asked(next));
            Some(Aside { slot: next, held: Held::Abandoned, ..aside })
        })
        .await
    }

    /// Reads what is known of a process that comes into memory.
    pub(crate) async fn load_aside(&self, process: Id) -> Result<(), CallError> {
        if let Some(aside) = self.aside(process).await? {
            // What the operator wants meanwhile is newer.
            self.quarantine().0.lock().entry(process).or_insert(aside);
        }
        Ok(())
    }

    /// Notes an attempt at a slot that came to nothing. A slot that has failed too often is set
    /// aside: `attempts` says how often.
    pub(crate) async fn note_failure(
        &self,
        process: Id,
        slot: Slot,
        cause: Cause,
        reason: String,
    ) -> Result<(), CallError> {
        let now = milliseconds();
        self.change_aside(process, |aside| {
            let known = aside.filter(|aside| aside.slot == slot);
            let known =
                known.unwrap_or_else(|| Aside { times: 0, since: now, ..Aside::asked(slot) });
            let held = if known.held == Held::Abandoned { Held::Abandoned } else { Held::Stopped };
            let (times, reason) = (known.times.saturating_add(1), cut(reason.clone()));
            Some(Aside { cause, reason, last: now, times, held, ..known })
        })
        .await
    }

    /// Sets a process aside whose slot has ended its program or its device so many times.
    pub(crate) async fn set_aside(
        &self,
        process: Id,
        slot: Slot,
        times: u32,
    ) -> Result<CallError, CallError> {
        let now = milliseconds();
        self.change_aside(process, |aside| {
            let fresh = || Aside {
                cause: Cause::Program,
                reason: "the program ended while it computed the slot".into(),
                ..Aside::asked(slot)
            };
            let known = aside.filter(|aside| aside.slot == slot).unwrap_or_else(fresh);
            Some(Aside { times: times.max(known.times), last: now, held: Held::SetAside, ..known })
        })
        .await?;
        let held = self.quarantine().admit(process, slot);
        Ok(held.err().unwrap_or(CallError::Cancelled))
    }

    /// Forgets what was known of a process that has got past its slot.
    pub(crate) async fn got_past(&self, process: Id, slot: Slot) -> Result<(), CallError> {
        let is_past = |aside: &Aside| aside.slot <= slot && aside.held != Held::Abandoned;
        if !self.quarantine().0.lock().get(&process).is_some_and(is_past) {
            return Ok(());
        }
        self.change_aside(process, |aside| aside.filter(|aside| !is_past(aside))).await
    }

    async fn next_slot(&self, process: Id) -> Result<Slot, CallError> {
        let computed = self.store()?.computed(process).await?;
        Ok(computed.map_or(0, |computed| computed.slot.saturating_add(1)))
    }

    async fn read_aside(&self, process: Id) -> Result<(u64, Option<Aside>), CallError> {
        let found = self.store()?.value(Table::Node, name(process)).await?;
        let aside = found.value.as_deref().map(read).transpose()?;
        Ok((found.version, aside))
    }

    /// Changes what is known of a process, on disk and in memory.
    async fn change_aside(
        &self,
        process: Id,
        change: impl Fn(Option<Aside>) -> Option<Aside>,
    ) -> Result<(), CallError> {
        for _ in 0..TRIES {
            match self.try_change_aside(process, Vec::new(), &change).await {
                Err(CallError::Store(StoreError::Conflict { .. })) => {}
                changed => return changed,
            }
        }
        let reason = "too many changes at the same time".into();
        Err(CallError::Unavailable { what: "the quarantine".into(), reason })
    }

    /// Changes what is known of a process unless somebody else does meanwhile, and notes something in
    /// the same batch, which is synced then: an order that is noted is not given again.
    async fn try_change_aside(
        &self,
        process: Id,
        mut noted: Vec<Change>,
        change: impl Fn(Option<Aside>) -> Option<Aside>,
    ) -> Result<(), CallError> {
        let persist = if noted.is_empty() { Persist::Buffered } else { Persist::Synced };
        let (version, known) = self.read_aside(process).await?;
        let changed = change(known.clone());
        if changed != known {
            let value = changed.as_ref().map(write).transpose()?;
            noted.push(Change { name: name(process), expected: Some(version), value });
        }
        if !noted.is_empty() {
            self.store()?.change(Table::Node, noted, persist).await?;
        }
        self.quarantine().set(process, changed);
        Ok(())
    }
}

fn name(process: Id) -> Bytes {
    format!("{PREFIX}{process}").into()
}

fn process_of(name: &[u8]) -> Option<Id> {
    std::str::from_utf8(name).ok()?.strip_prefix(PREFIX)?.parse().ok()
}

fn read(value: &[u8]) -> Result<Aside, CallError> {
    let failed = |error| CallError::Raised(format!("a record of the quarantine is none: {error}"));
    rmp_serde::from_slice(value).map_err(failed)
}

fn write(aside: &Aside) -> Result<Bytes, CallError> {
    let failed = |error| CallError::Raised(format!("the quarantine cannot be written: {error}"));
    rmp_serde::to_vec_named(aside).map(Bytes::from).map_err(failed)
}

fn cut(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(MAX_NOTE_BYTES));
    reason
}
