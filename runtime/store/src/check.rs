//! A whole check: every record is read, and held against those it must agree with.
//!
//! | What | Must |
//! |---|---|
//! | every record | have its checksum and its form; pages their hash |
//! | slots of a log | follow each other from 0; hash chains follow from the bodies, where these are known |
//! | a head | be the last slot and its hash chain |
//! | results | follow each other from 0, not beyond the log; the last be the computed one |
//! | outbox entries | be as many as their result says, have their message, and stand in one index |
//! | checkpoints | have a state, and every list and page that they name |
//! | timers | stand in their index |

mod checkpoints;
mod log;
mod outbox;
mod rest;
mod results;

use std::ops::ControlFlow;

use oxbeam_protocol::Id;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::engine::{Family, Reader};
use crate::error::StoreError;
use crate::keys;
use crate::local::LocalStore;
use crate::record::{hex, unseal};

/// Findings that are named; more are counted.
pub const MAX_FINDINGS: usize = 1000;

/// What a check saw.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// Logs.
    pub processes: u64,
    /// Assignments.
    pub slots: u64,
    /// Results.
    pub results: u64,
    /// Entries of outboxes.
    pub entries: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Pages and page lists.
    pub pages: u64,
    /// All other records.
    pub others: u64,
    /// What is wrong: [`StoreError::Corrupt`] or [`StoreError::RecordTooNew`], the first
    /// [`MAX_FINDINGS`] of them.
    pub findings: Vec<StoreError>,
    /// How many more there are.
    pub more_findings: u64,
}

impl CheckReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

impl LocalStore {
    /// Checks everything as it is now, while others may write.
    ///
    /// Blocks for as long as reading all of the data takes: for a command, or a thread of its own.
    ///
    /// # Errors
    /// The engine cannot be read at all, as with [`StoreError::Interrupted`]. What is merely wrong is
    /// in the report.
    pub fn check(&self) -> Result<CheckReport, StoreError> {
        let mut report = CheckReport::default();
        self.engine().snapshot(&mut |reader| {
            let mut checker = Checker { reader, of: None, report: CheckReport::default() };
            checker.all()?;
            report = checker.report;
            Ok(())
        })?;
        Ok(report)
    }
}

/// Checks all that a process has, but for what stands in indexes without it.
///
/// # Errors
/// The first finding; errors of reading.
pub(crate) fn check_process(reader: &dyn Reader, process: &Id) -> Result<(), StoreError> {
    let mut checker = Checker { reader, of: Some(*process), report: CheckReport::default() };
    for part in [Checker::log, Checker::received, Checker::results, Checker::entries] {
        part(&mut checker)?;
    }
    checker.checkpoints()?;
    checker.report.findings.into_iter().next().map_or(Ok(()), Err)
}

/// One part of a check.
type Part<C> = fn(&mut C) -> Result<(), StoreError>;

/// A check under way.
struct Checker<'a> {
    reader: &'a dyn Reader,
    /// The only process that is looked at, if not all are.
    of: Option<Id>,
    report: CheckReport,
}

impl Checker<'_> {
    fn all(&mut self) -> Result<(), StoreError> {
        let parts: [Part<Self>; 10] = [
            Self::log,
            Self::received,
            Self::results,
            Self::entries,
            Self::indexes,
            Self::pushes,
            Self::checkpoints,
            Self::pages,
            Self::timers,
            Self::others,
        ];
        for part in parts {
            match part(self) {
                Ok(()) => {}
                Err(error @ (StoreError::Interrupted | StoreError::Ended { .. })) => {
                    return Err(error);
                }
                // Damage that ends a scan ends one part of the check, not all of it.
                Err(error) => self.found(error),
            }
        }
        Ok(())
    }

    fn found(&mut self, error: StoreError) {
        if self.report.findings.len() < MAX_FINDINGS {
            self.report.findings.push(error);
        } else {
            self.report.more_findings += 1;
        }
    }

    fn wrong(&mut self, family: Family, key: &[u8], reason: impl Into<String>) {
        self.found(StoreError::Corrupt { family, key: hex(key), reason: reason.into() });
    }

    /// As [`Checker::scan`], of the process that is looked at or of all.
    fn scan_kind(
        &mut self,
        family: Family,
        kind: u8,
        each: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let prefix = match &self.of {
            Some(process) => keys::of_process(kind, process),
            None => keys::key(&[&[kind]]),
        };
        self.scan(family, &prefix, each)
    }

    /// Calls `each` with every key and value that begins with `prefix`.
    fn scan(
        &mut self,
        family: Family,
        prefix: &[u8],
        mut each: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let reader = self.reader;
        reader.scan(family, prefix, &keys::after(prefix), &mut |key, value| {
            if let Err(error) = each(self, key, value) {
                self.found(error);
            }
            ControlFlow::Continue(())
        })
    }

    fn get<T: DeserializeOwned>(
        &self,
        family: Family,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        let sealed = self.reader.get(family, key)?;
        sealed.map(|sealed| unseal(family, key, &sealed)).transpose()
    }
}

/// Checks a record of any form.
fn intact(family: Family, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
    unseal::<IgnoredAny>(family, key, sealed).map(drop)
}
