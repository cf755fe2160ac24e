//! Verification: whether a message may be believed. Source: spec 03, section 7.
//!
//! | Function         | Answers                                                                      |
//! |------------------|------------------------------------------------------------------------------|
//! | [`verify`]       | whether selected commitments hold                                            |
//! | [`verify_all`]   | whether all of them hold                                                     |
//! | [`authenticate`] | what of a message from outside is vouched for: only that may go further      |
//!
//! A message that is nested in another counts by its id, and its id by its commitments. So those of
//! nested messages are verified first, and a nested message with commitments may hold nothing that
//! they do not cover.

use super::base::unlinked;
use super::check::{Flaw, check};
use super::committed::{common, only_committed};
use super::ids::CONSTANT_KEYID;
use super::{ANS104, COMMITMENTS, Commitment, Forms, Kind, Selection, SelectionError};
use crate::codec::{AO_TYPES, EncodeError, Links, Structured, is_regenerable};
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
/// not covered: [`authenticate`] leaves them out.
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

/// What of a message from outside is vouched for: its commitments verified, and reduced to the keys
/// that every one of them covers. A message without commitments stays as it is.
///
/// Only what the signatures say comes back: a value whose type is not covered, because a commitment
/// does not cover `ao-types`, as the bytes that were signed; commitments without the keys that nobody
/// signed; none of those that cannot be checked without a secret, and of the HMACs with a known key
/// only the one that names the message; no commitment to keys that another does not cover.
///
/// # Errors
/// As [`verify`].
pub fn authenticate(message: &Message, content: &dyn Content) -> Result<Message, VerifyError> {
    let commitments = match message.get_exact(COMMITMENTS) {
        None => Message::new(),
        Some(Value::Map(commitments)) => believable(commitments),
        Some(_) => return Err(VerifyError::NotCommitments),
    };
    if message.contains(AO_TYPES) {
        return Err(VerifyError::NotCovered { key: AO_TYPES });
    }
    let mut message = message.clone();
    message.remove(COMMITMENTS);
    if !commitments.is_empty() {
        message.insert(COMMITMENTS, commitments);
    }
    let message = without_regenerable(&message);
    verify_all(&message, content)?;
    let covered = match only_committed(&message) {
        covered if covered.len() < message.len() => without_wider(covered, content),
        covered => covered,
    };
    if types_are_covered(&covered) {
        return Ok(covered);
    }
    let written = Structured { links: Links::Discard }.encode(&covered.clone().into())?;
    let Value::Map(written) = written else { return Ok(covered) };
    let signed = |(key, value): (&Key, &Value)| match written.get_exact(key) {
        Some(text) if is_typed(value) => (key.clone(), text.clone()),
        _ => (key.clone(), value.clone()),
    };
    Ok(covered.iter().map(signed).collect::<Message>().with_private_of(&message))
}

/// A message that has lost keys, without the commitments that cover those: it is not what they name,
/// and whoever verified it once more would find that they do not hold.
fn without_wider(message: Message, content: &dyn Content) -> Message {
    let forms = Forms::new(&message, content);
    let holding = Commitment::all(&message).filter(|one| check(one, &forms, None).is_ok());
    let holding: Message =
        holding.map(|one| (one.id.clone(), Value::from(one.fields.clone()))).collect();
    match holding.is_empty() {
        true => message.without(&["commitments"]),
        false => message.with(COMMITMENTS, holding),
    }
}

/// The keys of a commitment that are signed, or computed anew when it is checked.
const CHECKED_FIELDS: [&str; 14] = [
    "bundle",
    "commitment-device",
    "committed",
    "committer",
    "created",
    "expires",
    "field-anchor",
    "field-target",
    "keyid",
    "nonce",
    "original-tags",
    "signature",
    "tag",
    "type",
];
/// Of these, parameters of a signature base that data items do not have.
const BASE_FIELDS: [&str; 4] = ["created", "expires", "nonce", "tag"];

/// The commitments that can be checked, with the keys that are.
pub(super) fn believable(commitments: &Message) -> Message {
    let checked = |(id, fields): (&Key, &Value)| {
        let commitment = Commitment { id, fields: fields.as_map()? };
        let is_item = commitment.device().is_some_and(|device| device == ANS104);
        let mut fields = commitment.fields.clone();
        fields.retain(|key, _| {
            CHECKED_FIELDS.iter().any(|name| *key == *name)
                && !(is_item && BASE_FIELDS.iter().any(|name| *key == *name))
        });
        names_or_signs(&commitment).then(|| (id.clone(), Value::from(fields)))
    };
    commitments.iter().filter_map(checked).collect()
}

/// Whether a commitment is a signature, or the HMAC that names a message: one with parameters of the
/// sender's choice would give one message many names.
fn names_or_signs(commitment: &Commitment<'_>) -> bool {
    let is_mac = commitment.text("type").is_some_and(|kind| kind == Kind::HmacSha256.name());
    let is_plain = BASE_FIELDS.iter().all(|name| !commitment.fields.contains(name));
    let is_name = commitment.text("keyid").is_some_and(|keyid| keyid == CONSTANT_KEYID);
    !is_mac || is_plain && is_name
}

/// A message without the keys that are computed anew, at any depth: no signature covers them.
fn without_regenerable(message: &Message) -> Message {
    if !holds_regenerable(message, 1) {
        return message.clone();
    }
    let kept = message.iter().filter(|(key, _)| !is_regenerable(key));
    let kept = kept.map(|(key, value)| match value {
        Value::Map(child) if *key != COMMITMENTS => {
            (key.clone(), without_regenerable(child).into())
        }
        Value::List(list) => (key.clone(), list.iter().map(value_without_regenerable).collect()),
        value => (key.clone(), value.clone()),
    });
    kept.collect::<Message>().with_private_of(message)
}

fn value_without_regenerable(value: &Value) -> Value {
    match value {
        Value::Map(map) => without_regenerable(map).into(),
        Value::List(list) => list.iter().map(value_without_regenerable).collect(),
        value => value.clone(),
    }
}

fn holds_regenerable(message: &Message, depth: usize) -> bool {
    fn within(value: &Value, depth: usize) -> bool {
        match value {
            _ if depth > MAX_DEPTH => false,
            Value::Map(map) => holds_regenerable(map, depth),
            Value::List(list) => list.iter().any(|value| within(value, depth + 1)),
            _ => false,
        }
    }
    message.iter().any(|(key, value)| is_regenerable(key) || within(value, depth + 1))
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

const fn is_typed(value: &Value) -> bool {
    matches!(value, Value::Integer(_) | Value::Float(_) | Value::Atom(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commitment::{CommitRequest, HTTPSIG, commit, unsigned_id};
    use crate::{NoContent, Wallet};

    const SECRET: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

    fn wallet() -> Wallet {
        Wallet::from_text(SECRET).unwrap()
    }

    fn signed(device: &'static str, message: Message) -> Message {
        let request = CommitRequest { device: Some(device.into()), ..CommitRequest::default() };
        commit(&message, &request, &wallet(), &NoContent).unwrap()
    }

    fn holds(message: &Message) -> Result<(), Flaw> {
        match verify(message, &Selection::all(), None, &NoContent) {
            Ok(()) => Ok(()),
            Err(VerifyError::Invalid { source, .. }) => Err(source),
            Err(other) => panic!("{other}"),
        }
    }

    /// The message with a field of every signed commitment changed.
    fn tampered(message: &Message, field: &str, value: Value) -> Message {
        let commitments = message.get(COMMITMENTS).unwrap().as_map().unwrap();
        let change = |(id, fields): (&Key, &Value)| {
            let fields = fields.as_map().unwrap();
            let signed = fields.contains("committer");
            let fields =
                if signed { fields.clone().with(field, value.clone()) } else { fields.clone() };
            (id.clone(), Value::from(fields))
        };
        message.clone().with(COMMITMENTS, commitments.iter().map(change).collect::<Message>())
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
    fn what_comes_back_is_what_was_signed() {
        let request = CommitRequest {
            committed: Some(vec!["a".into(), "n".into()]),
            ..CommitRequest::default()
        };
        let message = Message::new().with("a", "1").with("n", 5).with("b", "2");
        let signed = commit(&message, &request, &wallet(), &NoContent).unwrap();
        let believed = authenticate(&signed, &NoContent).unwrap();
        assert_eq!(believed.get("b"), None, "not covered");
        assert_eq!(believed.get("n"), Some(&"5".into()), "its type is not covered");
        let typed = commit(&message, &CommitRequest::default(), &wallet(), &NoContent).unwrap();
        assert_eq!(authenticate(&typed, &NoContent), Ok(typed));
    }

    #[test]
    fn a_commitment_to_keys_that_another_leaves_open_does_not_come_back() {
        let message = Message::from([("a", "1"), ("b", "2")]);
        let both = signed(HTTPSIG, message);
        let narrow =
            CommitRequest { committed: Some(vec!["a".into()]), ..CommitRequest::default() };
        let other = Wallet::generate_secp256k1().unwrap();
        let both = commit(&both, &narrow, &other, &NoContent).unwrap();
        let believed = authenticate(&both, &NoContent).unwrap();
        assert_eq!(believed.get("b"), None, "only one of them says so");
        let signer = Key::from(other.address().to_string());
        assert_eq!(crate::commitment::committers(&believed), [signer]);
        assert_eq!(authenticate(&believed, &NoContent), Ok(believed.clone()), "it holds by itself");
        let bare = believed.clone().without(&["commitments"]);
        assert_eq!(unsigned_id(&believed.into()), unsigned_id(&bare.into()));
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
    fn fields_and_commitments_that_nobody_signed_do_not_come_back() {
        let item = signed(ANS104, Message::from([("a", "1")]));
        let believed = authenticate(&tampered(&item, "tag", "forged/hashpath".into()), &NoContent);
        assert_eq!(believed, Ok(item));
        let message = signed(HTTPSIG, Message::from([("a", "1")]));
        let mut more = message.get(COMMITMENTS).unwrap().as_map().unwrap().clone();
        more.insert("junk", "text");
        let believed = authenticate(&message.clone().with(COMMITMENTS, more), &NoContent);
        assert_eq!(believed, Ok(message.clone()));
        let linked = message.with(COMMITMENTS, crate::Link::new("elsewhere"));
        assert_eq!(authenticate(&linked, &NoContent), Err(VerifyError::NotCommitments));
    }

    #[test]
    fn keys_that_are_computed_anew_are_not_believed_at_any_depth() {
        let child = Message::from([("a", "1")]);
        let parent = signed(HTTPSIG, Message::new().with("child", child.clone()));
        let forged = parent.clone().with("child", child.with("unsigned_id", "evil"));
        assert_eq!(authenticate(&forged, &NoContent), Ok(parent));
    }

    #[test]
    fn a_name_with_parameters_of_the_senders_choice_is_left_out() {
        let message = Message::from([("a", "1")]);
        let request = CommitRequest {
            kind: Some("unsigned".into()),
            parameters: Message::from([("nonce", "n")]),
            ..CommitRequest::default()
        };
        let named = commit(&message, &request, &wallet(), &NoContent).unwrap();
        assert_ne!(unsigned_id(&named.clone().into()), unsigned_id(&message.clone().into()));
        assert_eq!(authenticate(&named, &NoContent), Ok(message));
    }

    #[test]
    fn a_secret_beside_a_signature_is_left_out() {
        let message = signed(HTTPSIG, Message::from([("a", "1")]));
        let request = CommitRequest {
            kind: Some("unsigned".into()),
            secret: Some(crate::commitment::Secret::new(b"s")),
            ..CommitRequest::default()
        };
        let both = commit(&message, &request, &wallet(), &NoContent).unwrap();
        assert_ne!(both, message);
        assert_eq!(authenticate(&both, &NoContent), Ok(message));
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
