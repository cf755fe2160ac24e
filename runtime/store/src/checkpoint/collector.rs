//! Which pages must stay while some are collected.
//!
//! A page is deleted only by the writer, and only if it is not in the filter then. In the filter is,
//! from the moment the collection begins, every page that a checkpoint named before or names since:
//!
//! - those of checkpoints there are, which the collection reads before it deletes anything;
//! - those that checkpoints being written have named, and go on to name, in their session.
//!
//! A checkpoint also takes over page lists of the one that it builds on. That one is still there when
//! the new one is committed, so its pages are in the filter for one of the two reasons; and as it has
//! the lower slot, a walk in order of slots meets one of them, whichever is dropped meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::filter::Filter;
use crate::error::StoreError;

/// Shared by the writers of checkpoints and the collection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next_session: u64,
    /// What checkpoints that are being written have named so far.
    sessions: HashMap<u64, Vec<[u8; 32]>>,
    /// There while a collection is under way.
    live: Option<Filter>,
}

/// The writing of one checkpoint, from its first page to its record.
#[derive(Debug)]
pub(crate) struct Session {
    collector: Collector,
    number: u64,
}

/// A collection under way.
#[derive(Debug)]
pub(super) struct Collection(Collector);

impl Collector {
    pub(crate) fn session(&self) -> Session {
        let mut state = self.0.lock();
        let number = state.next_session;
        state.next_session += 1;
        state.sessions.insert(number, Vec::new());
        Session { collector: self.clone(), number }
    }

    pub(super) fn begin(&self, bytes: usize) -> Result<Collection, StoreError> {
        let mut state = self.0.lock();
        if state.live.is_some() {
            return Err(StoreError::Collecting);
        }
        let mut filter = Filter::new(bytes, fastrand::u64(..));
        state.sessions.values().flatten().for_each(|hash| filter.insert(hash));
        state.live = Some(filter);
        Ok(Collection(self.clone()))
    }
}

impl Session {
    /// The checkpoint will refer to this page.
    pub(crate) fn name(&self, hash: &[u8; 32]) {
        let mut state = self.collector.0.lock();
        if let Some(live) = &mut state.live {
            live.insert(hash);
        }
        if let Some(named) = state.sessions.get_mut(&self.number) {
            named.push(*hash);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.collector.0.lock().sessions.remove(&self.number);
    }
}

impl Collection {
    pub(super) fn keep(&self, hashes: impl IntoIterator<Item = [u8; 32]>) {
        if let Some(live) = &mut self.0.0.lock().live {
            hashes.into_iter().for_each(|hash| live.insert(&hash));
        }
    }

    /// Whether a page may be deleted.
    pub(super) fn is_unused(&self, hash: &[u8; 32]) -> bool {
        self.0.0.lock().live.as_ref().is_some_and(|live| !live.may_contain(hash))
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        self.0.0.lock().live = None;
    }
}
