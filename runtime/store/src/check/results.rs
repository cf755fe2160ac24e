//! Results: dense, within the log, and with their outbox entries.

use std::ops::ControlFlow;

use oxbeam_protocol::Id;

use super::{Checker, intact};
use crate::Slot;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, ATTEMPTS, COMPUTED, ENTRY, HEAD, Parts, RESULT};
use crate::log::Head;
use crate::processes::process_of;
use crate::record::unseal;
use crate::results::ResultRecord;

impl Checker<'_> {
    pub(super) fn results(&mut self) -> Result<(), StoreError> {
        let mut last: Option<(Id, Slot)> = None;
        self.scan_kind(Family::Results, RESULT, |checker, key, sealed| {
            checker.report.results += 1;
            let process = process_of(Family::Results, key)?;
            let slot = Parts(key.get(33..).unwrap_or_default()).u64().unwrap_or_default();
            let before = last.filter(|(before, _)| *before == process);
            let expected = before.map_or(Some(0), |(_, slot)| slot.checked_add(1));
            last = Some((process, slot));
            if expected != Some(slot) {
                let reason = format!("the one before it is missing, {expected:?} was expected");
                checker.wrong(Family::Results, key, reason);
            }
            let record: ResultRecord = unseal(Family::Results, key, sealed)?;
            checker.sent(key, process, slot, record.sent)?;
            checker.within(key, process, slot)
        })?;
        self.scan_kind(Family::Results, ATTEMPTS, |checker, key, sealed| {
            checker.report.others += 1;
            intact(Family::Results, key, sealed)
        })?;
        self.scan_kind(Family::Results, COMPUTED, |checker, key, sealed| {
            checker.report.others += 1;
            let process = process_of(Family::Results, key)?;
            let slot: Slot = unseal(Family::Results, key, sealed)?;
            let all = keys::of_process(RESULT, &process);
            let last = checker.reader.last(Family::Results, &all, &keys::after(&all))?;
            let last = last.and_then(|(key, _)| Parts(key.get(33..)?).u64());
            if last != Some(slot) {
                let reason = format!("it names slot {slot}, the last result is {last:?}");
                checker.wrong(Family::Results, key, reason);
            }
            Ok(())
        })
    }

    fn sent(&mut self, key: &[u8], process: Id, slot: Slot, sent: u32) -> Result<(), StoreError> {
        let entries = keys::of_slot(ENTRY, &process, slot);
        let mut count = 0;
        self.reader.scan(Family::Outbox, &entries, &keys::after(&entries), &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        if count != sent {
            let reason = format!("it sent {sent} messages, the outbox has {count}");
            self.wrong(Family::Results, key, reason);
        }
        Ok(())
    }

    fn within(&mut self, key: &[u8], process: Id, slot: Slot) -> Result<(), StoreError> {
        let head: Option<Head> = self.get(Family::Log, &keys::of_process(HEAD, &process))?;
        if head.is_none_or(|head| slot > head.slot) {
            self.wrong(Family::Results, key, "it lies beyond the log");
        }
        let computed = keys::of_process(COMPUTED, &process);
        if slot == 0 && self.reader.get(Family::Results, &computed)?.is_none() {
            self.wrong(Family::Results, key, "the process has results and no computed slot");
        }
        Ok(())
    }
}
