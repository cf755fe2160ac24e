//! Which processes are being deleted or imported.
//!
//! A mark is a record, so that a crash does not forget it, and is known in memory as well: every
//! write asks for it, and every read of what a process has.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use oxbeam_protocol::Id;
use parking_lot::RwLock;

use super::process_of;
use crate::engine::{Engine, Family};
use crate::error::StoreError;
use crate::keys::{self, HALF_DONE};

/// The marks that are written. Clones are the same marks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    marked: BTreeSet<Id>,
    /// Processes of the imports that are under way here, marked yet or not.
    claimed: BTreeSet<Id>,
}

/// The right to import a process, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    marks: Marks,
    process: Id,
}

impl Marks {
    /// Reads them, when nothing else is known of what is written.
    pub(crate) fn load(&self, engine: &dyn Engine) -> Result<(), StoreError> {
        let mut marked = BTreeSet::new();
        engine.scan(Family::Node, &[HALF_DONE], &keys::after(&[HALF_DONE]), &mut |key, _| {
            marked.extend(process_of(Family::Node, key));
            ControlFlow::Continue(())
        })?;
        self.0.write().marked = marked;
        Ok(())
    }

    /// Takes over what a batch has written, by keys of all families.
    pub(crate) fn written<'a>(
        &self,
        records: impl Iterator<Item = (&'a (Family, Bytes), &'a Option<Bytes>)>,
    ) {
        for ((family, key), value) in records {
            if *family != Family::Node || key.first() != Some(&HALF_DONE) {
                continue;
            }
            let Ok(process) = process_of(*family, key) else { continue };
            let marked = &mut self.0.write().marked;
            match value {
                Some(_) => marked.insert(process),
                None => marked.remove(&process),
            };
        }
    }

    /// Whether a process is being deleted or imported. Asked after what it has was read: the mark is
    /// there before the first record of an import and until its last.
    pub(crate) fn has(&self, process: &Id) -> bool {
        self.0.read().marked.contains(process)
    }

    /// Lets one import at a time have a process.
    pub(crate) fn claim(&self, process: Id) -> Option<Claim> {
        let new = self.0.write().claimed.insert(process);
        new.then(|| Claim { marks: self.clone(), process })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.marks.0.write().claimed.remove(&self.process);
    }
}
