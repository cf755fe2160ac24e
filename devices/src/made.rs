//! Which signed requests have done what they may do once, so that nobody sends one again.
//!
//! Whoever has seen a request on its way can send it once more, when it is not meant any more. Nothing in
//! a signature says when it was made, so the node remembers the ids of signatures, in its table:
//!
//! | Name | Of | Value |
//! |---|---|---|
//! | `changes/` and the first byte of the ids, in hex | changes of the configuration, and what an operator does to the node | ids, 32 B each, the oldest first |
//! | `tasks/SIGNER/` and the same | tasks of `~cron@1.0` | the same |
//!
//! Each of the 256 holds the last [`PER_BUCKET`]. The ids of signatures are as good as random, so one
//! is remembered for some 65 000 others, restarts included: those of admins or, for tasks, of the same
//! signer. Nobody can make the node forget another's.

mod order;

use std::collections::BTreeMap;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Node};
use oxbeam_protocol::commitment::Commitment;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{Change, Persist, StoreError, Table};

pub(crate) use self::order::{Order, Orders};

/// Ids that are remembered of those with the same first byte.
const PER_BUCKET: usize = 256;
/// How often it is tried, if others are remembered meanwhile.
pub(crate) const TRIES: usize = 64;

/// Signatures, by the name of what holds them.
pub(crate) type Buckets = BTreeMap<Bytes, Vec<Id>>;

/// The ids of a message's signatures, in order. A message that nobody signed has none.
pub(crate) fn signatures(message: &Message) -> Vec<Id> {
    let mut ids: Vec<Id> = signed(message).map(|(id, _)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Where signatures of an operator's order are remembered.
fn of_order(ids: &[Id]) -> Buckets {
    grouped(ids.iter().map(|id| (format!("changes/{}", first_byte(id)), *id)))
}

/// Where the signatures of a message that starts a task are remembered.
pub(crate) fn of_task(message: &Message) -> Buckets {
    grouped(signed(message).map(|(id, signer)| (format!("tasks/{signer}/{}", first_byte(&id)), id)))
}

/// The signatures of a message and who made them.
fn signed(message: &Message) -> impl Iterator<Item = (Id, String)> {
    Commitment::all(message).filter_map(|one| {
        let signer = String::from_utf8_lossy(one.committer()?).into_owned();
        Some((Id::from_native_or_text(one.id.as_bytes()).ok()?, signer))
    })
}

fn first_byte(id: &Id) -> String {
    let [first, ..] = *id.as_bytes();
    format!("{first:02x}")
}

fn grouped(named: impl Iterator<Item = (String, Id)>) -> Buckets {
    let mut buckets = Buckets::new();
    for (name, id) in named {
        let ids = buckets.entry(name.into()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    buckets
}

/// Remembers signatures, unless they are.
///
/// # Errors
/// Errors of the store.
async fn remember(node: &Node, buckets: &Buckets) -> Result<(), CallError> {
    for _ in 0..TRIES {
        let changes = noted(node, buckets).await?.unwrap_or_default();
        if changes.is_empty() {
            return Ok(());
        }
        match node.store()?.change(Table::Node, changes, Persist::Synced).await {
            Err(StoreError::Conflict { .. }) => {}
            changed => return Ok(changed.map(drop)?),
        }
    }
    Err(crowded())
}

/// The changes by which signatures are remembered; `None` if one of them is already. Where others are
/// remembered meanwhile they are a [`StoreError::Conflict`].
///
/// # Errors
/// Errors of the store.
pub(crate) async fn noted(
    node: &Node,
    buckets: &Buckets,
) -> Result<Option<Vec<Change>>, CallError> {
    let mut changes = Vec::with_capacity(buckets.len());
    for (name, ids) in buckets {
        let kept = node.store()?.value(Table::Node, name.clone()).await?;
        let Some(value) = with(&kept.value.unwrap_or_default(), ids) else { return Ok(None) };
        let (name, expected) = (name.clone(), Some(kept.version));
        changes.push(Change { name, expected, value: Some(value) });
    }
    Ok(Some(changes))
}

/// The error after [`TRIES`].
pub(crate) fn crowded() -> CallError {
    let reason = "too many signed requests at the same time".into();
    CallError::Unavailable { what: "the record of what was done".into(), reason }
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
