//! The limits of a realm.

use crate::spec::SpecError;

/// The buffer of events is allocated as a whole.
const MAX_EVENT_BUFFER: usize = 1 << 20;

/// The limits of a realm.
#[derive(Debug, Clone)]
pub struct RealmConfig {
    /// Messages that may wait behind another one, in all queues together. The first of each queue
    /// is free: so an actor that keeps up never touches what all share. Default 1,000,000.
    pub max_queued: usize,
    /// Actors that may exist. Default 1,000,000.
    pub max_actors: usize,
    /// Members that one group may have. Default 65,536.
    pub max_group_members: usize,
    /// Events that a slow reader may be behind, up to 1,048,576. Default 4,096.
    pub event_buffer: usize,
    /// Different crashes that are remembered. Default 256.
    pub crash_groups: usize,
}

impl Default for RealmConfig {
    fn default() -> Self {
        Self {
            max_queued: 1_000_000,
            max_actors: 1_000_000,
            max_group_members: 65_536,
            event_buffer: 4_096,
            crash_groups: 256,
        }
    }
}

impl RealmConfig {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        let limits = [
            (self.max_queued, "max_queued"),
            (self.max_actors, "max_actors"),
            (self.max_group_members, "max_group_members"),
            (self.event_buffer, "event_buffer"),
            (self.crash_groups, "crash_groups"),
        ];
        if let Some((_, what)) = limits.into_iter().find(|(limit, _)| *limit == 0) {
            return Err(SpecError::ZeroLimit { what });
        }
        if self.event_buffer > MAX_EVENT_BUFFER {
            return Err(SpecError::OverLimit { what: "event_buffer", limit: MAX_EVENT_BUFFER });
        }
        Ok(())
    }
}
