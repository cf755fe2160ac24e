//! What of a message from outside may be believed. Source: spec 03, section 7.

use super::check::check;
use super::committed::only_committed;
use super::ids::CONSTANT_KEYID;
use super::regenerable::without_regenerable;
use super::verify::{VerifyError, is_typed, types_are_covered, verify_all};
use super::{ANS104, COMMITMENTS, Commitment, Forms, Kind};
use crate::codec::{AO_TYPES, Links, Structured};
use crate::{Content, Key, Message, Value};

/// What of a message from outside is vouched for: its commitments verified, and reduced to the keys
/// that every one of them covers. A message without commitments stays as it is.
///
/// Only what the signatures say comes back: a value whose type is not covered, because a commitment
/// does not cover `ao-types`, as the bytes that were signed; commitments without the keys that nobody
/// signed; none of those that cannot be checked without a secret, and of the HMACs with a known key
/// only the one that names the message; no commitment to keys that another does not cover.
///
/// # Errors
/// As [`verify_all`].
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commitment::samples::{signed, tampered, wallet};
    use crate::commitment::{CommitRequest, HTTPSIG, commit, unsigned_id};
    use crate::{NoContent, Wallet};

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
}
