//! Which keys of a message its commitments cover. Source: spec 03, sections 7.3 and 8.3.

use std::collections::BTreeSet;

use super::base::unlinked;
use super::{COMMITMENTS, Commitment, Selection, SelectionError};
use crate::{Key, Message, Value};

/// The keys that every selected commitment covers.
///
/// # Errors
/// A signer or an id that the message does not have.
pub fn committed(message: &Message, selection: &Selection) -> Result<Vec<Key>, SelectionError> {
    let keys = common(selection.of(message)?.into_iter()).unwrap_or_default();
    Ok(keys.iter().map(unlinked).collect())
}

/// The addresses of a message's signers, in byte order of their commitments' ids.
#[must_use]
pub fn committers(message: &Message) -> Vec<Key> {
    Commitment::all(message).filter_map(|one| Some(one.committer()?.clone().into())).collect()
}

/// The message with only the keys that every one of its commitments covers; one without
/// commitments as it is.
#[must_use]
pub fn only_committed(message: &Message) -> Message {
    let Some(keys) = common(Commitment::all(message)) else { return message.clone() };
    let keys: BTreeSet<Key> = keys.iter().map(unlinked).collect();
    // In a message that was read, a key ends in `+link` only if it holds something else than an id.
    let is_link = |key: &Key, value: &Value| {
        matches!(value, Value::Bytes(_))
            && key.without_link().is_some_and(|key| keys.contains(&key))
    };
    let mut covered = message.clone();
    covered.retain(|key, value| {
        *key == COMMITMENTS
            || keys.contains(key)
            || is_link(key, value) && !message.contains(unlinked(key))
    });
    covered
}

/// The keys that every one of these commitments covers, in the order of the first.
pub(super) fn common<'a>(
    mut commitments: impl Iterator<Item = Commitment<'a>>,
) -> Option<Vec<Key>> {
    let mut common = commitments.next()?.committed();
    for commitment in commitments {
        let committed: BTreeSet<Key> = commitment.committed().into_iter().collect();
        common.retain(|key| committed.contains(key));
    }
    Some(common)
}
