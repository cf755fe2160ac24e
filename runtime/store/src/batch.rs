//! Changes that are planned and not yet written, with reads that see them.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{Engine, Family, Op, Visit};
use crate::error::StoreError;
use crate::record::{seal, unseal};

type Place = (Family, Bytes);

/// The changes of many requests, each of which plans on top of those before it.
///
/// A request that fails takes back its own changes and no others.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    engine: &'a dyn Engine,
    ops: Vec<Op>,
    bytes: usize,
    /// What the engine will say once the changes are written.
    ahead: HashMap<Place, Option<Bytes>>,
    /// How to take back what the current request did to `ahead`.
    undo: Vec<(Place, Option<Option<Bytes>>)>,
    /// Length of `ops` and value of `bytes` when the current request began.
    began: (usize, usize),
}

impl<'a> Batch<'a> {
    pub(crate) fn new(engine: &'a dyn Engine) -> Self {
        Self {
            engine,
            ops: Vec::new(),
            bytes: 0,
            ahead: HashMap::new(),
            undo: Vec::new(),
            began: (0, 0),
        }
    }

    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Plans one request. Returns whether it changes anything.
    pub(crate) fn plan<T>(
        &mut self,
        request: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> (Result<T, StoreError>, bool) {
        self.undo.clear();
        self.began = (self.ops.len(), self.bytes);
        let planned = request(self);
        if planned.is_err() {
            self.take_back();
        }
        (planned, self.ops.len() > self.began.0)
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
        match self.ahead.get(&(family, key.clone())) {
            Some(value) => Ok(value.clone()),
            None => self.engine.get(family, key),
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
        let (_, changes) = batch.plan(|batch| {
            batch.put(Family::Node, key.clone(), "first".into());
            Ok(())
        });
        assert!(changes);
        let (failed, changes) = batch.plan(|batch| {
            batch.put(Family::Node, key.clone(), "second".into());
            batch.delete(Family::Node, key.clone());
            Err::<(), _>(StoreError::Overloaded { waiting: 0 })
        });
        assert!(failed.is_err() && !changes);
        assert_eq!(batch.get(Family::Node, &key).unwrap().unwrap(), "first");
        assert_eq!((batch.ops().len(), batch.bytes()), (1, 8));
    }
}
