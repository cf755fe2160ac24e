//! Calls that panicked while their actor lives on, for their callers to find.

use std::{collections::VecDeque, sync::Arc};

use crate::crash::Crash;

/// Failed calls whose callers have not looked yet; past it the oldest caller hears less detail.
const LIMIT: usize = 256;

/// The failed calls of one actor, each by its ticket.
#[derive(Default)]
pub(super) struct FailedCalls(VecDeque<(u64, Arc<Crash>)>);

impl FailedCalls {
    pub(super) fn note(&mut self, ticket: u64, crash: Arc<Crash>) {
        if self.0.len() >= LIMIT {
            self.0.pop_front();
        }
        self.0.push_back((ticket, crash));
    }

    pub(super) fn take(&mut self, ticket: u64) -> Option<Arc<Crash>> {
        let at = self.0.iter().position(|(number, _)| *number == ticket)?;
        self.0.remove(at).map(|(_, crash)| crash)
    }
}
