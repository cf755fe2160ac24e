//! Which signed orders were carried out, so that nobody has one carried out again: changes of the
//! configuration, and what an operator does to the node.
//!
//! Whoever has seen an order on its way can send it once more, and what it did may have been undone
//! since. Nothing in a signature says when it was made, so the node remembers their ids:
//!
//! | Name in the node's table | Value |
//! |---|---|
//! | `changes/` and the first byte of the ids, in hex | ids of signatures, 32 B each, the oldest first |
//!
//! Each of the 256 holds the last [`PER_BUCKET`]. The ids of signatures are as good as random, so an
//! order is remembered for some 65 000 others, restarts included.

use std::collections::BTreeMap;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Node};
use oxbeam_protocol::commitment::Commitment;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{Change, Persist, StoreError, Table};

/// Ids that are remembered of those with the same first byte.
const PER_BUCKET: usize = 256;
/// How often it is tried, if others are remembered meanwhile.
const TRIES: usize = 64;

/// The ids of a message's signatures, in order. A message that nobody signed has none.
pub(crate) fn signatures(message: &Message) -> Vec<Id> {
    let signed = Commitment::all(message).filter(|one| one.committer().is_some());
    let ids = signed.filter_map(|one| Id::from_native_or_text(one.id.as_bytes()).ok());
    let mut ids: Vec<Id> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Remembers an order by its signatures. Answers with false if one of them is remembered already.
///
/// # Errors
/// Errors of the store.
pub(crate) async fn remember(node: &Node, ids: &[Id]) -> Result<bool, CallError> {
    let mut buckets: BTreeMap<u8, Vec<Id>> = BTreeMap::new();
    for id in ids {
        let [first, ..] = *id.as_bytes();
        buckets.entry(first).or_default().push(*id);
    }
    for _ in 0..TRIES {
        let mut changes = Vec::with_capacity(buckets.len());
        for (bucket, new) in &buckets {
            let name = Bytes::from(format!("changes/{bucket:02x}"));
            let kept = node.store()?.value(Table::Node, name.clone()).await?;
            let Some(value) = with(&kept.value.unwrap_or_default(), new) else { return Ok(false) };
            changes.push(Change { name, expected: Some(kept.version), value: Some(value) });
        }
        match node.store()?.change(Table::Node, changes, Persist::Synced).await {
            Err(StoreError::Conflict { .. }) => {}
            changed => return Ok(changed.map(|_| true)?),
        }
    }
    let reason = "too many orders at the same time".into();
    Err(CallError::Unavailable { what: "the configuration".into(), reason })
}

/// The ids of a bucket and new ones behind them; none if it has one of them.
fn with(kept: &[u8], new: &[Id]) -> Option<Bytes> {
    let kept: Vec<&[u8]> = kept.chunks_exact(size_of::<Id>()).collect();
    let new: Vec<&[u8]> = new.iter().map(|id| &id.as_bytes()[..]).collect();
    if new.iter().any(|id| kept.contains(id)) {
        return None;
    }
    let over = (kept.len() + new.len()).saturating_sub(PER_BUCKET);
    Some(kept.into_iter().chain(new).skip(over).collect::<Vec<_>>().concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_forgets_its_oldest() {
        let ids: Vec<Id> = (0..=PER_BUCKET).map(|n| Id::of(&n.to_be_bytes())).collect();
        let full = ids.iter().fold(Bytes::new(), |kept, id| with(&kept, &[*id]).unwrap());
        assert_eq!(full.len(), PER_BUCKET * size_of::<Id>());
        assert_eq!(with(&full, &ids[1..2]), None);
        assert!(with(&full, &ids[..1]).is_some());
    }
}
