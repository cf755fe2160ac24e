//! Verification: whether a message may be believed. Source: spec 03, section 7.
//!
//! | Function                         | Answers                                                      |
//! |----------------------------------|--------------------------------------------------------------|
//! | [`verify`]                       | whether selected commitments hold                            |
//! | [`verify_all`]                   | whether all of them hold                                     |
//! | [`authenticate`](super::authenticate) | what of a message from outside is vouched for: only that may go further |
//!
//! A message that is nested in another counts by its id, and its id by its commitments. So those of
//! nested messages are verified first, and a nested message with commitments may hold nothing that
//! they do not cover.

use super::base::unlinked;
use super::check::{Flaw, check};
use super::committed::{common, only_committed};
use super::{COMMITMENTS, Commitment, Forms, Selection, SelectionError};
use crate::codec::{AO_TYPES, EncodeError};
use crate::limits::{MAX_COMMITMENTS, MAX_DEPTH};
use crate::{Content, Key, Message, Value};

/// A message that must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The selection does not fit the message.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A commitment does not hold.
    #[error("commitment {id} does not hold")]
    Invalid {
        /// The commitment at fault.
        id: Key,
        /// Why it does not hold.
        source: Flaw,
    },
    /// A nested message says something that its commitments do not cover, so that its id, by which it
    /// is signed with the message around it, does not cover it either.
    #[error("key {key} of a nested message is not covered by the message's commitments")]
    NotCovered {
        /// The key at fault.
        key: Key,
    },
    /// More commitments than [`MAX_COMMITMENTS`].
    #[error("a message has {count} commitments, more than {MAX_COMMITMENTS}")]
    TooManyCommitments {
        /// How many there are.
        count: usize,
    },
    /// `commitments` of the message is not a map, so that nobody can tell whether they hold.
    #[error("the message's commitments are not a map")]
    NotCommitments,
    /// A message lies too deep in others to be looked at.
    #[error("a message nested more than {MAX_DEPTH} deep cannot be verified")]
    TooDeep,
    /// The message cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Verifies the selected commitments of a message, and all of those nested in it. None selected, it
/// holds.
///
/// For each the signature, the id and the committer are computed anew. `secret` is the key of HMACs
/// whose keyid is of the form `secret:…`. That a message verifies says nothing about keys that are
/// not covered: [`authenticate`](super::authenticate) leaves them out.
///
/// # Errors
/// The first commitment that does not hold, and why.
pub fn verify(
    message: &Message,
    selection: &Selection,
    secret: Option<&[u8]>,
    content: &dyn Content,
) -> Result<(), VerifyError> {
    check_children(message, content, 1)?;
    check_count(message)?;
    let forms = Forms::new(message, content);
    selection.of(message)?.iter().try_for_each(|commitment| hold(commitment, &forms, secret))
}

/// Verifies every commitment of a message and of all messages nested in it.
///
/// # Errors
/// As [`verify`].
pub fn verify_all(message: &Message, content: &dyn Content) -> Result<(), VerifyError> {
    verify(message, &Selection::all(), None, content)
}

pub(super) fn hold(
    commitment: &Commitment<'_>,
    forms: &Forms<'_>,
    secret: Option<&[u8]>,
) -> Result<(), VerifyError> {
    check(commitment, forms, secret)
        .map_err(|source| VerifyError::Invalid { id: commitment.id.clone(), source })
}

fn check_count(message: &Message) -> Result<(), VerifyError> {
    match Commitment::all(message).count() {
        0..=MAX_COMMITMENTS => Ok(()),
        count => Err(VerifyError::TooManyCommitments { count }),
    }
}

fn check_children(
    message: &Message,
    content: &dyn Content,
    depth: usize,
) -> Result<(), VerifyError> {
    let children = message.iter().filter(|(key, _)| **key != COMMITMENTS);
    children.into_iter().try_for_each(|(_, value)| check_value(value, content, depth))
}

fn check_value(value: &Value, content: &dyn Content, depth: usize) -> Result<(), VerifyError> {
    match value {
        Value::Map(_) | Value::List(_) if depth > MAX_DEPTH => Err(VerifyError::TooDeep),
        Value::Map(child) => check_child(child, content, depth + 1),
        Value::List(list) => {
            list.iter().try_for_each(|value| check_value(value, content, depth + 1))
        }
        _ => Ok(()),
    }
}

fn check_child(child: &Message, content: &dyn Content, depth: usize) -> Result<(), VerifyError> {
    check_children(child, content, depth)?;
    check_count(child)?;
    let forms = Forms::new(child, content);
    Commitment::all(child).try_for_each(|commitment| hold(&commitment, &forms, None))?;
    let covered = only_committed(child);
    if let Some(key) = child.keys().find(|key| !covered.contains(key)) {
        return Err(VerifyError::NotCovered { key: key.clone() });
    }
    if types_are_covered(child) { Ok(()) } else { Err(VerifyError::NotCovered { key: AO_TYPES }) }
}

/// Whether the commitments of a message, if it has any, say of which types its values are.
pub(super) fn types_are_covered(message: &Message) -> bool {
    let Some(keys) = common(Commitment::all(message)) else { return true };
    keys.iter().any(|key| unlinked(key) == AO_TYPES)
        || !message.iter().any(|(_, value)| is_typed(value))
}

pub(super) const fn is_typed(value: &Value) -> bool {
    matches!(value, Value::Integer(_) | Value::Float(_) | Value::Atom(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoContent;
    use crate::commitment::samples::{signed, tampered, wallet};
    use crate::commitment::{ANS104, CommitRequest, HTTPSIG, commit, unsigned_id};

    fn holds(message: &Message) -> Result<(), Flaw> {
        match verify(message, &Selection::all(), None, &NoContent) {
            Ok(()) => Ok(()),
            Err(VerifyError::Invalid { source, .. }) => Err(source),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_ethereum_key_signs_messages_of_both_devices() {
        for device in [HTTPSIG, ANS104] {
            let message = signed(device, Message::from([("a", "1"), ("data", "D")]));
            assert_eq!(holds(&message), Ok(()), "{device}");
            let address = wallet().address().to_string();
            let committers = crate::commitment::committers(&message);
            assert_eq!(committers, [Key::from(address)], "{device}");
            assert!(holds(&message.with("a", "2")).is_err(), "{device}");
        }
    }

    #[test]
    fn the_values_beside_original_tags_are_those_of_the_tags() {
        let message = signed(ANS104, Message::from([("Action", "Eval"), ("Target", "me")]));
        assert_eq!(message.get("action"), Some(&"Eval".into()));
        assert_eq!(holds(&message), Ok(()));
        assert_eq!(holds(&message.clone().with("action", "Transfer")), Err(Flaw::Mismatch));
        let extra = message.clone().with("extra", "1");
        let keys = ["action", "target", "extra"].into_iter().map(Value::from).collect();
        assert_eq!(holds(&tampered(&extra, "committed", keys)), Err(Flaw::Mismatch));
        let fewer = ["action"].into_iter().map(Value::from).collect();
        assert_eq!(holds(&tampered(&message, "committed", fewer)), Err(Flaw::Mismatch));
    }

    #[test]
    fn a_committer_is_who_the_key_belongs_to() {
        for device in [HTTPSIG, ANS104] {
            let message = signed(device, Message::from([("a", "1")]));
            let forged = tampered(&message, "committer", "someone-else".into());
            assert_eq!(holds(&forged), Err(Flaw::WrongCommitter), "{device}");
        }
    }

    #[test]
    fn a_forged_commitment_deep_inside_is_found() {
        let inner = signed(HTTPSIG, Message::from([("a", "1")])).with("a", "2");
        let list: Value = [Value::from(inner)].into_iter().collect();
        let outer = Message::from([("m", Message::from([("l", list)]))]);
        assert_eq!(holds(&outer), Err(Flaw::Mismatch));
    }

    #[test]
    fn a_nested_message_holds_nothing_that_its_commitments_do_not_cover() {
        let child = signed(HTTPSIG, Message::from([("a", "1")]));
        let parent = signed(HTTPSIG, Message::new().with("child", child.clone()));
        assert_eq!(verify_all(&parent, &NoContent), Ok(()));
        let more = parent.clone().with("child", child.with("evil", "yes"));
        let expected = Err(VerifyError::NotCovered { key: "evil".into() });
        assert_eq!(verify_all(&more, &NoContent), expected);
        // The id of a nested message is not what it claims to be.
        let claim = Message::new().with("commitment-device", HTTPSIG);
        let id = unsigned_id(&Message::from([("a", "1")]).into()).unwrap();
        let forged =
            Message::from([("evil", "yes")]).with(COMMITMENTS, Message::from([(id, claim)]));
        assert!(verify_all(&parent.with("child", forged), &NoContent).is_err());
    }

    #[test]
    fn keys_that_no_signature_carries_are_not_covered() {
        let page = Message::new().with("page", Message::from([("x", "1")])).with("a", "1");
        let request = CommitRequest { bundle: true, ..CommitRequest::default() };
        let page = commit(&page, &request, &wallet(), &NoContent).unwrap();
        for key in ["content-type", "signature", "content-digest"] {
            let keys = ["a", "page", key].into_iter().map(Value::from).collect();
            let forged = tampered(&page.clone().with(key, "evil"), "committed", keys);
            assert_eq!(holds(&forged), Err(Flaw::NotCovered { key: key.into() }), "{key}");
        }
    }

    #[test]
    fn messages_that_would_be_signed_alike_are_not_signed() {
        let nested =
            |key: &str, value: &str| Message::new().with("x", Message::from([(key, value)]));
        let bundle = CommitRequest { bundle: true, ..CommitRequest::default() };
        for (message, request) in [
            (nested("a", "hi\r\nadmin: true"), &bundle),
            (nested("a: b", "c"), &bundle),
            (nested("y/z", &"v".repeat(5000)), &bundle),
            (Message::from([("x/y", "v".repeat(5000))]), &bundle),
            (Message::from([("a", "1\n\"b\": 2"), ("b", "3")]), &CommitRequest::default()),
        ] {
            let refused = commit(&message, request, &wallet(), &NoContent);
            assert!(refused.is_err(), "{message:?}");
        }
    }

    #[test]
    fn more_commitments_than_the_limit_are_refused() {
        let commitment = |number: usize| (format!("id-{number}"), Message::new());
        let with = |count| {
            Message::new().with(COMMITMENTS, (0..count).map(commitment).collect::<Message>())
        };
        let count = MAX_COMMITMENTS + 1;
        let refused = verify_all(&with(count), &NoContent);
        assert_eq!(refused, Err(VerifyError::TooManyCommitments { count }));
        let looked_at = verify_all(&with(MAX_COMMITMENTS), &NoContent);
        assert!(matches!(looked_at, Err(VerifyError::Invalid { .. })));
    }
}
