//! What a memory engine reads from.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

use crate::engine::{Family, Op, Reader, Visit};
use crate::error::StoreError;

type Table = BTreeMap<Bytes, Bytes>;

#[derive(Debug, Clone, Default)]
pub(super) struct Tables(BTreeMap<Family, Table>);

impl Tables {
    pub(super) fn apply(&mut self, ops: &[Op]) {
        for op in ops {
            match op {
                Op::Put { family, key, value } => {
                    self.0.entry(*family).or_default().insert(key.clone(), value.clone());
                }
                Op::Delete { family, key } => {
                    self.0.entry(*family).or_default().remove(key);
                }
                Op::DeleteRange { family, from, to } => {
                    let table = self.0.entry(*family).or_default();
                    table.retain(|key, _| key < from || key >= to);
                }
            }
        }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = (Family, &Bytes, &Bytes)> {
        self.0.iter().flat_map(|(family, table)| table.iter().map(|(k, v)| (*family, k, v)))
    }

    pub(super) fn size(&self, family: Family) -> u64 {
        let table = self.0.get(&family).into_iter().flatten();
        table.map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }

    fn range(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> impl DoubleEndedIterator<Item = (&Bytes, &Bytes)> {
        let range = (Bound::Included(from), Bound::Excluded(to));
        let table = (from < to).then(|| self.0.get(&family)).flatten();
        table.map(|table| table.range::<[u8], _>(range)).into_iter().flatten()
    }
}

impl Reader for Tables {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.get(&family).and_then(|table| table.get(key)).cloned())
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        for (key, value) in self.range(family, from, to) {
            if let ControlFlow::Break(()) = visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn last(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        Ok(self.range(family, from, to).next_back().map(|(k, v)| (k.clone(), v.clone())))
    }
}
