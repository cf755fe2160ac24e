//! Outboxes: entries with their results, messages and indexes.

use bytes::Bytes;

use super::{Checker, intact};
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, DEAD, DUE, ENTRY, PUSH, PUSH_DUE, RESULT, SIGNED};
use crate::outbox::EntryRecord;
use crate::pushes::PushRecord;
use crate::record::unseal;

/// Length of an entry's key without its index: kind, process, slot.
const SLOT_KEY_BYTES: usize = 41;

impl Checker<'_> {
    pub(super) fn entries(&mut self) -> Result<(), StoreError> {
        self.scan_kind(Family::Outbox, ENTRY, |checker, key, sealed| {
            checker.report.entries += 1;
            let slot = keys::with_kind(RESULT, key.get(..SLOT_KEY_BYTES).unwrap_or_default());
            if checker.reader.get(Family::Results, &slot)?.is_none() {
                checker.wrong(Family::Outbox, key, "its slot has no result");
            }
            let signed = keys::with_kind(SIGNED, key);
            match checker.reader.get(Family::Outbox, &signed)? {
                Some(sealed) => intact(Family::Outbox, &signed, &sealed)?,
                None => checker.wrong(Family::Outbox, &signed, "the entry's message is missing"),
            }
            let record: EntryRecord = unseal(Family::Outbox, key, sealed)?;
            let index = record.index(&Bytes::copy_from_slice(key));
            if let Some(index) = index
                && checker.reader.get(Family::Outbox, &index)?.is_none()
            {
                checker.wrong(Family::Outbox, key, "it is missing from its index");
            }
            Ok(())
        })
    }

    /// Whatever stands in an index must be an entry that belongs there.
    pub(super) fn indexes(&mut self) -> Result<(), StoreError> {
        for (kind, skip) in [(DUE, 8), (DEAD, 0), (SIGNED, 0)] {
            self.scan(Family::Outbox, &[kind], |checker, key, _| {
                checker.report.others += 1;
                let entry = keys::with_kind(ENTRY, key.get(skip..).unwrap_or_default());
                let record: Option<EntryRecord> = checker.get(Family::Outbox, &entry)?;
                let Some(record) = record else {
                    checker.wrong(Family::Outbox, key, "there is no entry for it");
                    return Ok(());
                };
                if kind != SIGNED && record.index(&entry).as_deref() != Some(key) {
                    checker.wrong(Family::Outbox, key, "the entry does not belong in this index");
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Slots that are to be pushed, with their index.
    pub(super) fn pushes(&mut self) -> Result<(), StoreError> {
        self.scan(Family::Outbox, &[PUSH], |checker, key, sealed| {
            checker.report.others += 1;
            let record: PushRecord = unseal(Family::Outbox, key, sealed)?;
            if checker.reader.get(Family::Outbox, &record.index(key))?.is_none() {
                checker.wrong(Family::Outbox, key, "it is missing from its index");
            }
            Ok(())
        })?;
        self.scan(Family::Outbox, &[PUSH_DUE], |checker, key, _| {
            checker.report.others += 1;
            let slot = keys::with_kind(PUSH, key.get(8..).unwrap_or_default());
            let record: Option<PushRecord> = checker.get(Family::Outbox, &slot)?;
            if record.map(|record| record.index(&slot)).as_deref() != Some(key) {
                checker.wrong(Family::Outbox, key, "the slot does not belong in this index");
            }
            Ok(())
        })
    }
}
