//! Timers, content and tables.

use bytes::Bytes;

use super::{Checker, intact};
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, NEXT_RUN, Parts, TIMER};
use crate::record::unseal;
use crate::timers::Timer;

impl Checker<'_> {
    pub(super) fn timers(&mut self) -> Result<(), StoreError> {
        self.scan(Family::Timers, &[TIMER], |checker, key, sealed| {
            checker.report.others += 1;
            let timer: Timer = unseal(Family::Timers, key, sealed)?;
            if let Some(at) = timer.next_run
                && checker.reader.get(Family::Timers, &keys::next_run(at, &timer.id))?.is_none()
            {
                checker.wrong(Family::Timers, key, "it is missing from its index");
            }
            Ok(())
        })?;
        self.scan(Family::Timers, &[NEXT_RUN], |checker, key, _| {
            let mut parts = Parts(key.get(1..).unwrap_or_default());
            let (at, id) = (parts.u64(), parts.id());
            let timer: Option<Timer> = match id {
                Some(id) => checker.get(Family::Timers, &keys::of_process(TIMER, &id))?,
                None => None,
            };
            if timer.is_none_or(|timer| timer.next_run != at) {
                checker.wrong(Family::Timers, key, "no timer runs then");
            }
            Ok(())
        })
    }

    pub(super) fn others(&mut self) -> Result<(), StoreError> {
        for family in [Family::Content, Family::Names, Family::Ledgers, Family::Node] {
            self.scan(family, &Bytes::new(), |checker, key, sealed| {
                checker.report.others += 1;
                intact(family, key, sealed)
            })?;
        }
        Ok(())
    }
}
