//! Changes that are planned and not yet written, with reads that see them.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{Engine, Family, Op, Visit};
use crate::error::StoreError;
use crate::keys::{COMPUTED, HEAD};
use crate::processes::{Marks, half_done_key};
use crate::record::{seal, unseal};

type Place = (Family, Bytes);
/// Records by their places; `None` for what is deleted.
type Ahead = HashMap<Place, Option<Bytes>>;

/// Records that the writer remembers from batch to batch: heads, which every append reads.
const MOST_REMEMBERED: usize = 16_384;

/// What the last batches wrote of the records that are read most.
#[derive(Debug, Default)]
pub(crate) struct Recent(Ahead);

impl Recent {
    /// Takes over what a batch has written.
    pub(crate) fn written(&mut self, ahead: Ahead) {
        if self.0.len() > MOST_REMEMBERED {
            self.0.clear();
        }
        self.0.extend(ahead.into_iter().filter(|((family, key), _)| {
            (*family == Family::Log && key.first() == Some(&HEAD))
                || (*family == Family::Results && key.first() == Some(&COMPUTED))
        }));
    }
}

/// The changes of many requests, each of which plans on top of those before it.
///
/// A request that fails takes back its own changes and no others.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    engine: &'a dyn Engine,
    recent: Option<(&'a Recent, &'a Marks)>,
    ops: Vec<Op>,
    bytes: usize,
    /// What the engine will say once the changes are written.
    ahead: Ahead,
    /// How to take back what the current request did to `ahead`.
    undo: Vec<(Place, Option<Option<Bytes>>)>,
    /// Length of `ops` and value of `bytes` when the current request began.
    began: (usize, usize),
}

impl<'a> Batch<'a> {
    pub(crate) fn new(engine: &'a dyn Engine) -> Self {
        Self {
            engine,
            recent: None,
            ops: Vec::new(),
            bytes: 0,
            ahead: HashMap::new(),
            undo: Vec::new(),
            began: (0, 0),
        }
    }

    /// The same with what the writer remembers.
    pub(crate) fn on(engine: &'a dyn Engine, recent: &'a Recent, marks: &'a Marks) -> Self {
        Self { recent: Some((recent, marks)), ..Self::new(engine) }
    }

    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// What the engine says now that the changes are written.
    pub(crate) fn into_ahead(self) -> Ahead {
        self.ahead
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Plans one request.
    pub(crate) fn plan<T>(
        &mut self,
        request: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.undo.clear();
        self.began = (self.ops.len(), self.bytes);
        // A bug that one request meets ends that request and not the writer. What it left behind is
        // taken back.
        let planned = catch_unwind(AssertUnwindSafe(|| request(self)))
            .unwrap_or(Err(StoreError::RequestPanicked));
        if planned.is_err() {
            self.take_back();
        }
        planned
    }

    fn take_back(&mut self) {
        self.ops.truncate(self.began.0);
        self.bytes = self.began.1;
        for (place, before) in self.undo.drain(..).rev() {
            match before {
                Some(value) => self.ahead.insert(place, value),
                None => self.ahead.remove(&place),
            };
        }
    }

    fn set(&mut self, place: Place, value: Option<Bytes>) {
        let before = self.ahead.insert(place.clone(), value);
        self.undo.push((place, before));
    }

    fn push(&mut self, op: Op) {
        self.bytes += op.bytes();
        self.ops.push(op);
    }

    pub(crate) fn get(&self, family: Family, key: &Bytes) -> Result<Option<Bytes>, StoreError> {
        let place = (family, key.clone());
        let recent = || self.recent.and_then(|(recent, _)| recent.0.get(&place));
        match self.ahead.get(&place).or_else(recent) {
            Some(value) => Ok(value.clone()),
            None => self.engine.get(family, key),
        }
    }

    /// What is written, without what is planned.
    pub(crate) fn engine(&self) -> &dyn Engine {
        self.engine
    }

    /// Whether the record was written by this writer a short while ago, or is planned.
    pub(crate) fn remembers(&self, family: Family, key: &Bytes) -> bool {
        let place = (family, key.clone());
        self.ahead.contains_key(&place)
            || self.recent.is_some_and(|(recent, _)| recent.0.contains_key(&place))
    }

    /// Whether the process is being deleted or imported.
    pub(crate) fn is_marked(&self, process: &Id) -> Result<bool, StoreError> {
        let key = half_done_key(process);
        match (self.ahead.get(&(Family::Node, key.clone())), self.recent) {
            (Some(value), _) => Ok(value.is_some()),
            (None, Some((_, marks))) => Ok(marks.has(process)),
            (None, None) => Ok(self.engine.get(Family::Node, &key)?.is_some()),
        }
    }

    /// A scan that does not see what is planned: for requests that are planned alone.
    pub(crate) fn scan_written(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.engine.scan(family, from, to, visit)
    }

    pub(crate) fn put(&mut self, family: Family, key: Bytes, value: Bytes) {
        self.set((family, key.clone()), Some(value.clone()));
        self.push(Op::Put { family, key, value });
    }

    /// Writes what no request will read through this batch.
    pub(crate) fn put_unread(&mut self, family: Family, key: Bytes, value: Bytes) {
        self.push(Op::Put { family, key, value });
    }

    pub(crate) fn delete(&mut self, family: Family, key: Bytes) {
        self.set((family, key.clone()), None);
        self.push(Op::Delete { family, key });
    }

    /// Deletes without looking: for requests that are planned alone.
    pub(crate) fn delete_range(&mut self, family: Family, from: Bytes, to: Bytes) {
        self.push(Op::DeleteRange { family, from, to });
    }

    pub(crate) fn record<T: DeserializeOwned>(
        &self,
        family: Family,
        key: &Bytes,
    ) -> Result<Option<T>, StoreError> {
        self.get(family, key)?.map(|sealed| unseal(family, key, &sealed)).transpose()
    }

    pub(crate) fn put_record(&mut self, family: Family, key: Bytes, value: &impl Serialize) {
        let sealed = seal(&key, value);
        self.put(family, key, sealed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::memory::{Memory, MemoryDisk};

    #[test]
    fn a_request_that_fails_takes_back_its_own_changes_only() {
        let engine = Memory::open(&MemoryDisk::new()).unwrap();
        let mut batch = Batch::new(&engine);
        let key = Bytes::from_static(b"key");
        let planned = batch.plan(|batch| {
            batch.put(Family::Node, key.clone(), "first".into());
            Ok(())
        });
        assert!(planned.is_ok());
        let failed = batch.plan(|batch| {
            batch.put(Family::Node, key.clone(), "second".into());
            batch.delete(Family::Node, key.clone());
            Err::<(), _>(StoreError::Overloaded { waiting: 0 })
        });
        assert!(failed.is_err());
        assert_eq!(batch.get(Family::Node, &key).unwrap().unwrap(), "first");
        assert_eq!((batch.ops().len(), batch.bytes()), (1, 8));
    }

    #[test]
    fn a_request_that_panics_fails_alone() {
        let engine = Memory::open(&MemoryDisk::new()).unwrap();
        let mut batch = Batch::new(&engine);
        let key = Bytes::from_static(b"key");
        let failed = batch.plan(|batch| -> Result<(), StoreError> {
            batch.put(Family::Node, key.clone(), "first".into());
            panic!("a bug")
        });
        assert!(matches!(failed, Err(StoreError::RequestPanicked)));
        assert_eq!(batch.get(Family::Node, &key).unwrap(), None);
        let planned = batch.plan(|batch| {
            batch.put(Family::Node, key.clone(), "second".into());
            Ok(())
        });
        assert!(planned.is_ok());
        assert_eq!(batch.ops().len(), 1);
    }
}
