//! A slot's messages, encoded for the writer.

use std::collections::BTreeSet;

use bytes::Bytes;
use oxbeam_protocol::Id;

use super::entry::{EntryRecord, Moved, Outgoing};
use super::{EntryKey, MAX_NOTE_BYTES};
use crate::Slot;
use crate::batch::Batch;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys::{self, ENTRY, SIGNED};
use crate::log::check_size;
use crate::record;
use crate::results::MAX_OUTGOING;

/// The puts that a slot's messages come to.
pub(crate) struct Prepared {
    count: u32,
    puts: Vec<(Bytes, Bytes)>,
}

impl Prepared {
    pub(crate) fn new(
        process: &Id,
        slot: Slot,
        outgoing: Vec<Outgoing>,
    ) -> Result<Self, StoreError> {
        if outgoing.len() > MAX_OUTGOING {
            let (size, limit) = (outgoing.len(), MAX_OUTGOING);
            return Err(StoreError::TooLarge { what: "an outbox", size, limit });
        }
        let mut seen = BTreeSet::new();
        let mut puts = Vec::with_capacity(outgoing.len() * 3);
        for sent in outgoing {
            if !seen.insert(sent.index) {
                return Err(StoreError::DuplicateIndex { index: sent.index });
            }
            prepare(&mut puts, EntryKey { process: *process, slot, index: sent.index }, sent)?;
        }
        Ok(Self { count: u32::try_from(seen.len()).unwrap_or(u32::MAX), puts })
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn plan(self, batch: &mut Batch<'_>) {
        for (key, value) in self.puts {
            batch.put(Family::Outbox, key, value);
        }
    }
}

fn prepare(
    puts: &mut Vec<(Bytes, Bytes)>,
    key: EntryKey,
    sent: Outgoing,
) -> Result<(), StoreError> {
    let Outgoing { target, id, message, next_try, .. } = sent;
    check_size("a message", message.len())?;
    if target.len() > MAX_NOTE_BYTES {
        let (size, limit) = (target.len(), MAX_NOTE_BYTES);
        return Err(StoreError::TooLarge { what: "a target", size, limit });
    }
    let status = Moved::Pending;
    let record = EntryRecord { target, id, attempts: 0, next_try, status, reason: None };
    let (entry, signed) = (key.of(ENTRY), key.of(SIGNED));
    puts.push((keys::due(next_try, &entry), Bytes::new()));
    puts.push((signed.clone(), record::seal(&signed, &message)));
    let sealed = record::seal(&entry, &record);
    puts.push((entry, sealed));
    Ok(())
}
