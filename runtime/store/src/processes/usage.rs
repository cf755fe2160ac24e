//! What a process takes up.

use std::ops::ControlFlow;

use bytes::Bytes;
use oxbeam_protocol::Id;

use crate::engine::{Family, Reader};
use crate::error::StoreError;
use crate::keys::{
    self, ASSIGNMENT, ATTEMPTS, CHECKPOINT, COMPUTED, ENTRY, HEAD, RECEIVED, RESULT, SIGNED, STATE,
};

/// Records of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Keys and values before compression.
    pub bytes: u64,
}

/// What a process takes up. Content and pages may be shared and are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessUsage {
    /// Assignments.
    pub log: Amount,
    /// What is remembered of messages from other processes, and the head.
    pub log_index: Amount,
    /// Results and attempts.
    pub results: Amount,
    /// Entries of the outbox and their messages.
    pub outbox: Amount,
    /// Checkpoints without their pages.
    pub checkpoints: Amount,
}

pub(super) fn usage(
    reader: &(impl Reader + ?Sized),
    process: &Id,
) -> Result<ProcessUsage, StoreError> {
    let kinds = |family, kinds: &[u8]| {
        let mut amount = Amount::default();
        for kind in kinds {
            count(reader, family, &keys::of_process(*kind, process), &mut amount)?;
        }
        Ok::<_, StoreError>(amount)
    };
    Ok(ProcessUsage {
        log: kinds(Family::Log, &[ASSIGNMENT])?,
        log_index: kinds(Family::Log, &[HEAD, RECEIVED])?,
        results: kinds(Family::Results, &[COMPUTED, RESULT, ATTEMPTS])?,
        outbox: kinds(Family::Outbox, &[ENTRY, SIGNED])?,
        checkpoints: kinds(Family::Checkpoints, &[CHECKPOINT, STATE])?,
    })
}

fn count(
    reader: &(impl Reader + ?Sized),
    family: Family,
    prefix: &Bytes,
    amount: &mut Amount,
) -> Result<(), StoreError> {
    reader.scan(family, prefix, &keys::after(prefix), &mut |key, value| {
        amount.count += 1;
        amount.bytes += (key.len() + value.len()) as u64;
        ControlFlow::Continue(())
    })
}
