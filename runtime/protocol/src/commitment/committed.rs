//! Which keys of a message its commitments cover. Source: spec 03, sections 7.3 and 8.3.

use std::collections::BTreeSet;

use super::base::unlinked;
use super::commit::common_keys;
use super::{COMMITMENTS, Commitment, Selection, SelectionError};
use crate::{Key, Message};

/// The keys that every selected commitment covers.
///
/// # Errors
/// A signer or an id that the message does not have.
pub fn committed(message: &Message, selection: &Selection) -> Result<Vec<Key>, SelectionError> {
    let keys = common_keys(selection.of(message)?.into_iter()).unwrap_or_default();
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
    let Some(keys) = common_keys(Commitment::all(message)) else { return message.clone() };
    let keys: BTreeSet<Key> = keys.iter().map(unlinked).collect();
    let mut covered = message.clone();
    covered.retain(|key, _| *key == COMMITMENTS || keys.contains(&unlinked(key)));
    covered
}
