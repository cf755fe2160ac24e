//! A process as it will be once its import ends.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::frame::Record;
use crate::check::check_process;
use crate::engine::{Engine, Family, Reader, Visit};
use crate::error::StoreError;

/// What is written, and the records that the end of the import adds.
struct Whole<'a> {
    written: &'a dyn Reader,
    last: &'a BTreeMap<(Family, Bytes), Bytes>,
}

/// Checks the processes of an import before they become visible.
///
/// # Errors
/// [`StoreError::Corrupt`], the first finding; errors of reading.
pub(super) fn check<'p>(
    engine: &dyn Engine,
    last: &[Record],
    processes: impl IntoIterator<Item = &'p Id>,
) -> Result<(), StoreError> {
    let last =
        last.iter().map(|record| ((record.family, record.key.clone()), record.value.clone()));
    let last = last.collect();
    let whole = Whole { written: engine, last: &last };
    processes.into_iter().try_for_each(|process| check_process(&whole, process))
}

impl Reader for Whole<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.last.get(&(family, Bytes::copy_from_slice(key))) {
            Some(value) => Ok(Some(value.clone())),
            None => self.written.get(family, key),
        }
    }

    /// Kinds whose records come last are written in no other way, so that order is kept.
    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let bounds = (family, Bytes::copy_from_slice(from))..(family, Bytes::copy_from_slice(to));
        for ((_, key), value) in self.last.range(bounds) {
            if visit(key, value) == ControlFlow::Break(()) {
                return Ok(());
            }
        }
        self.written.scan(family, from, to, visit)
    }

    fn last(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        self.written.last(family, from, to)
    }
}
