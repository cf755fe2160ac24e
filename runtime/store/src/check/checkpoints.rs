//! Checkpoints and pages.

use std::collections::HashSet;

use super::{Checker, intact};
use crate::checkpoint::{CheckpointRecord, NO_PAGES, hashes, page_key, read_page};
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, CHECKPOINT, RESULT, STATE};
use crate::record::unseal;

impl Checker<'_> {
    pub(super) fn checkpoints(&mut self) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        self.scan_kind(Family::Checkpoints, CHECKPOINT, |checker, key, sealed| {
            checker.report.checkpoints += 1;
            if checker.reader.get(Family::Results, &keys::with_kind(RESULT, key))?.is_none() {
                checker.wrong(Family::Checkpoints, key, "its slot has no result");
            }
            let state = keys::with_kind(STATE, key);
            match checker.reader.get(Family::Checkpoints, &state)? {
                Some(sealed) => intact(Family::Checkpoints, &state, &sealed)?,
                None => checker.wrong(Family::Checkpoints, &state, "the state is missing"),
            }
            let record: CheckpointRecord = unseal(Family::Checkpoints, key, sealed)?;
            let lists = record.memory.iter().flat_map(|memory| memory.lists());
            for list in lists.filter(|list| *list != NO_PAGES) {
                if seen.insert(list) {
                    checker.list(&list)?;
                }
            }
            Ok(())
        })?;
        self.scan_kind(Family::Checkpoints, STATE, |checker, key, _| {
            let checkpoint = keys::with_kind(CHECKPOINT, key);
            if checker.reader.get(Family::Checkpoints, &checkpoint)?.is_none() {
                checker.wrong(Family::Checkpoints, key, "the state has no checkpoint");
            }
            Ok(())
        })
    }

    /// A page list must be there, with all its pages.
    fn list(&mut self, list: &[u8; 32]) -> Result<(), StoreError> {
        let missing = "a checkpoint names it and it is missing";
        let Some(pages) = read_page(self.reader, list)? else {
            self.wrong(Family::Pages, list, missing);
            return Ok(());
        };
        for page in hashes(&pages).filter(|page| *page != NO_PAGES) {
            if self.reader.get(Family::Pages, &page)?.is_none() {
                self.wrong(Family::Pages, &page, missing);
            }
        }
        Ok(())
    }

    pub(super) fn pages(&mut self) -> Result<(), StoreError> {
        self.scan(Family::Pages, &[], |checker, key, page| {
            checker.report.pages += 1;
            if page_key(page) != *key {
                checker.wrong(Family::Pages, key, "its hash is another one");
            }
            Ok(())
        })
    }
}
