//! Which of a message's commitments an id stands for.
//!
//! What is known of a message grows: whoever signs it and sends it here adds a commitment, and all
//! are shown. But who asks for a process by the id of certain signatures means those, and who follows
//! a link what was linked; else a stranger could give a process another id, or another state, by
//! signing its definition or a part of it.
//!
//! So the commitments with which a message first came under an id are kept beside it, as its form
//! under that id, and no later copy changes them. An unsigned id stands for the message alone.

use oxbeam_protocol::commitment::{COMMITMENTS, Commitment, HTTPSIG};
use oxbeam_protocol::{Id, Key, Message, Value};

use super::Contents;
use crate::error::CallError;

/// Most sums of commitments that are compared with an id, for messages that were kept before forms
/// were.
const MAX_SUMS: usize = 4096;

/// Where a message that was asked for by an id keeps that id to itself.
const ASKED: &str = "asked";

/// A message that was asked for by an id.
pub(crate) fn asked_by(mut message: Message, id: Id) -> Message {
    message.set_private(ASKED, id.to_string());
    message
}

/// A message with the commitments that the id stands for by which it was asked for, if it was by one.
///
/// # Errors
/// Errors of reading.
pub async fn as_asked(contents: &Contents, message: Message) -> Result<Message, CallError> {
    let asked = message.private(ASKED).and_then(Value::as_bytes);
    match asked.and_then(|id| Id::from_native_or_text(id).ok()) {
        Some(id) => contents.named_by(message, id).await,
        None => Ok(message),
    }
}

/// Where the form of a message under an id is kept: no message has this id, and no bytes.
pub(super) fn form_key(id: Id) -> Id {
    Id::sum([id, Id::of(&[b"form of ", &id.as_bytes()[..]].concat())])
}

/// The commitments that each other id of a message stands for, of one with its own commitments only.
pub(super) fn forms(message: &Message, ids: impl Iterator<Item = Id>) -> Vec<(Id, Message)> {
    ids.map(|id| (id, commitments(&named_by(message, id)))).collect()
}

/// A message with these commitments in place of its own.
pub(super) fn with_commitments(mut message: Message, commitments: Message) -> Message {
    match commitments.is_empty() {
        true => drop(message.remove(COMMITMENTS)),
        false => drop(message.insert(COMMITMENTS, commitments)),
    }
    message
}

fn commitments(message: &Message) -> Message {
    message.get_exact(COMMITMENTS).and_then(Value::as_map).cloned().unwrap_or_default()
}

/// A message with the commitments of which `id` is the id or the sum; beside signatures, also with
/// those that have no committer.
pub(super) fn named_by(message: &Message, id: Id) -> Message {
    let all = commitments(message);
    let each = Commitment::all(message)
        .filter_map(|one| Some((one, Id::from_native_or_text(one.id.as_bytes()).ok()?)));
    let (signed, unsigned): (Vec<_>, Vec<_>) = each.partition(|(one, _)| one.committer().is_some());
    let keys = |some: &[(Commitment<'_>, Id)]| -> Vec<Key> {
        some.iter().map(|(one, _)| one.id.clone()).collect()
    };
    let named = match combination(&signed, id) {
        Some(named) => [named, keys(&unsigned)].concat(),
        // Without any, a message is named as by an HMAC over all of it.
        None => unsigned
            .iter()
            .filter(|(one, own)| *own == id && (one.is_bundle() || !is_httpsig(one)))
            .map(|(one, _)| one.id.clone())
            .collect(),
    };
    let mut kept = all;
    kept.retain(|key, _| named.contains(key));
    with_commitments(message.clone(), kept)
}

fn is_httpsig(one: &Commitment<'_>) -> bool {
    one.device().is_some_and(|device| device == HTTPSIG)
}

/// The keys of the commitments whose ids' sum is `id`, the fewest first.
fn combination(signed: &[(Commitment<'_>, Id)], id: Id) -> Option<Vec<Key>> {
    let mut sums: Vec<(Id, Vec<usize>)> = vec![(Id::sum([]), Vec::new())];
    let mut compared = 0;
    while !sums.is_empty() {
        let mut longer = Vec::new();
        for (sum, members) in sums {
            let after = members.last().map_or(0, |last| last + 1);
            for (at, (_, one)) in signed.iter().enumerate().skip(after) {
                let sum = Id::sum([sum, *one]);
                let members = [&members[..], &[at]].concat();
                if sum == id {
                    let keys = members.iter().filter_map(|at| signed.get(*at));
                    return Some(keys.map(|(one, _)| one.id.clone()).collect());
                }
                compared += 1;
                if compared == MAX_SUMS {
                    return None;
                }
                longer.push((sum, members));
            }
        }
        sums = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(signers: &[&str]) -> Message {
        let commitments = signers.iter().map(|signer| {
            let id = id(signer).to_string();
            (Key::from(id), Value::from(Message::from([("committer", *signer)])))
        });
        let unsigned = Message::from([("type", "hmac"), ("commitment-device", "httpsig@1.0")]);
        let unsigned = (Key::from(id("unsigned").to_string()), Value::from(unsigned));
        let commitments: Message = commitments.chain([unsigned]).collect();
        Message::from([("a", "1")]).with(COMMITMENTS, commitments)
    }

    fn id(signer: &str) -> Id {
        Id::of(signer.as_bytes())
    }

    #[test]
    fn an_id_names_its_own_signatures_however_many_others_are_known() {
        let strangers: Vec<String> = (0..20).map(|number| format!("stranger {number}")).collect();
        let mut signers = vec!["alice", "bob"];
        signers.extend(strangers.iter().map(String::as_str));
        let known = message(&signers);
        assert_eq!(named_by(&known, id("alice")), message(&["alice"]));
        let both = Id::sum([id("alice"), id("bob")]);
        assert_eq!(named_by(&known, both), message(&["alice", "bob"]));
    }

    #[test]
    fn an_unsigned_id_names_the_message_alone() {
        let known = message(&["alice", "bob"]);
        assert_eq!(named_by(&known, id("unsigned")), Message::from([("a", "1")]));
        assert_eq!(named_by(&Message::from([("a", "1")]), id("a")), Message::from([("a", "1")]));
    }
}
