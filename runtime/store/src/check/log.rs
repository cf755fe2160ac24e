//! Logs: dense, chained, and with their heads.

use oxbeam_protocol::Id;

use super::Checker;
use crate::Slot;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, ASSIGNMENT, HEAD, Parts, RECEIVED};
use crate::log::{AssignmentRecord, Head};
use crate::processes::process_of;
use crate::record::unseal;
use crate::recovery::check_head;

/// The last assignment that was seen.
struct Last {
    process: Id,
    slot: Slot,
    chain: Id,
}

impl Checker<'_> {
    pub(super) fn log(&mut self) -> Result<(), StoreError> {
        let mut last: Option<Last> = None;
        self.scan_kind(Family::Log, ASSIGNMENT, |checker, key, sealed| {
            checker.report.slots += 1;
            let process = process_of(Family::Log, key)?;
            let slot = Parts(key.get(33..).unwrap_or_default()).u64().unwrap_or_default();
            let before = last.take().filter(|last| last.process == process);
            let expected = before.as_ref().map_or(Some(0), |before| before.slot.checked_add(1));
            if expected != Some(slot) {
                let reason = format!("the slot before it is missing, {expected:?} was expected");
                checker.wrong(Family::Log, key, reason);
            }
            let known = before.filter(|_| expected == Some(slot)).map(|before| before.chain);
            let record: AssignmentRecord = unseal(Family::Log, key, sealed)?;
            let begins = slot == 0 || known.is_some();
            if let (Some(body), true) = (record.body, begins)
                && !follows(&record.chain, known, &body)
            {
                checker.wrong(Family::Log, key, "the hash chain does not follow from the body");
            }
            last = Some(Last { process, slot, chain: record.chain });
            if slot == 0
                && checker.reader.get(Family::Log, &keys::of_process(HEAD, &process))?.is_none()
            {
                checker.wrong(Family::Log, key, "the log has no head");
            }
            Ok(())
        })?;
        self.scan_kind(Family::Log, HEAD, |checker, key, sealed| {
            checker.report.processes += 1;
            check_head(checker.reader, key, sealed)
        })
    }

    pub(super) fn received(&mut self) -> Result<(), StoreError> {
        self.scan_kind(Family::Log, RECEIVED, |checker, key, sealed| {
            checker.report.others += 1;
            let process = process_of(Family::Log, key)?;
            let slot: Slot = unseal(Family::Log, key, sealed)?;
            let head: Option<Head> = checker.get(Family::Log, &keys::of_process(HEAD, &process))?;
            if head.is_none_or(|head| slot > head.slot) {
                checker.wrong(Family::Log, key, format!("it names slot {slot} beyond the log"));
            }
            Ok(())
        })
    }
}

/// Whether a chain is the one before, if any, and the body's id in text, hashed.
///
/// The one before counts as 32 bytes or, in schedules of the reference node after a restart, as
/// text. Source: spec 11, section 2.1.
fn follows(chain: &Id, before: Option<Id>, body: &Id) -> bool {
    let body = body.to_string();
    let hash = |before: &[u8]| Id::of(&[before, body.as_bytes()].concat());
    match before {
        None => *chain == hash(&[]),
        Some(before) => {
            *chain == hash(before.as_bytes()) || *chain == hash(before.to_string().as_bytes())
        }
    }
}
