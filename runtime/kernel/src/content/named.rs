//! Which of a message's commitments an id stands for.
//!
//! What is known of a message grows: whoever signs it and sends it here adds a commitment, and all
//! are shown. But who asks for a process by the id of certain signatures means those; else a
//! stranger could give it another id by signing its definition.

use oxbeam_protocol::commitment::{COMMITMENTS, Commitment};
use oxbeam_protocol::{Id, Key, Message, Value};

/// Most commitments of which every combination is tried. Source: spec 03, section 8.2.
const MAX_COMBINED: usize = 8;

/// Where a message that was asked for by an id keeps that id to itself.
const ASKED: &str = "asked";

/// A message that was asked for by an id.
pub(crate) fn asked_by(mut message: Message, id: Id) -> Message {
    message.set_private(ASKED, id.to_string());
    message
}

/// A message with the commitments that the id stands for by which it was asked for, if it was by one.
#[must_use]
pub fn as_asked(message: &Message) -> Message {
    let asked = message.private(ASKED).and_then(Value::as_bytes);
    match asked.and_then(|id| Id::from_native_or_text(id).ok()) {
        Some(id) => named_by(message, id),
        None => message.clone(),
    }
}

/// A message with the commitments of which `id` is the id or the sum, and those that have no
/// committer. With all of them, if it is another id of the message.
pub(crate) fn named_by(message: &Message, id: Id) -> Message {
    let Some(Value::Map(all)) = message.get_exact(COMMITMENTS) else { return message.clone() };
    let signed: Vec<(Key, Id)> = Commitment::all(message)
        .filter(|one| one.committer().is_some())
        .filter_map(|one| Some((one.id.clone(), Id::from_native_or_text(one.id.as_bytes()).ok()?)))
        .take(MAX_COMBINED)
        .collect();
    let Some(named) = combination(&signed, id) else { return message.clone() };
    let mut kept = all.clone();
    kept.retain(|key, _| named.contains(&key) || !signed.iter().any(|(one, _)| one == key));
    message.clone().with(COMMITMENTS, kept)
}

/// The keys of the ids whose sum is `id`, the fewest first.
fn combination(signed: &[(Key, Id)], id: Id) -> Option<Vec<&Key>> {
    let mut combinations: Vec<u32> = (1..1u32 << signed.len()).collect();
    combinations.sort_by_key(|members| members.count_ones());
    let members = |combination: u32| {
        let all = signed.iter().enumerate();
        all.filter(move |(at, _)| combination & (1 << at) != 0).map(|(_, one)| one)
    };
    let found = combinations
        .into_iter()
        .find(|combination| Id::sum(members(*combination).map(|(_, id)| *id)) == id)?;
    Some(members(found).map(|(key, _)| key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(signers: &[&str]) -> Message {
        let commitments = signers.iter().map(|signer| {
            let id = Id::of(signer.as_bytes()).to_string();
            (Key::from(id), Value::from(Message::from([("committer", *signer)])))
        });
        let unsigned =
            (Key::from("hmac".to_owned()), Value::from(Message::from([("type", "hmac")])));
        let commitments: Message = commitments.chain([unsigned]).collect();
        Message::from([("a", "1")]).with(COMMITMENTS, commitments)
    }

    fn id(signer: &str) -> Id {
        Id::of(signer.as_bytes())
    }

    #[test]
    fn an_id_names_its_own_signatures_however_many_others_are_known() {
        let known = message(&["alice", "bob", "stranger"]);
        assert_eq!(named_by(&known, id("alice")), message(&["alice"]));
        let both = Id::sum([id("alice"), id("bob")]);
        assert_eq!(named_by(&known, both), message(&["alice", "bob"]));
    }

    #[test]
    fn another_id_of_the_message_names_all_that_is_known() {
        let known = message(&["alice", "bob"]);
        assert_eq!(named_by(&known, id("unsigned")), known);
        assert_eq!(named_by(&Message::from([("a", "1")]), id("a")), Message::from([("a", "1")]));
    }
}
