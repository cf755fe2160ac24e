//! Verification: what a commitment claims is computed anew, never believed. Source: spec 03,
//! section 7.

use std::collections::BTreeSet;

use aws_lc_rs::{constant_time, hmac};

use super::base::{Surface, unlinked};
use super::headers::commitment_id;
use super::ids::{self, mac};
use super::keyid::{self, ETHEREUM, PUBLIC_KEY, SECRET};
use super::{ANS104, COMMITMENTS, Commitment, Forms, HTTPSIG, Kind, Selection, SelectionError};
use crate::ans104::VerifyError as ItemError;
use crate::codec::{self, Ans104, DecodeError, EncodeError, item_committer};
use crate::signature::{InvalidKey, PublicKey, Scheme, SignatureError};
use crate::{Content, Key, Message, Value, base64};

/// A message that must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The selection does not fit the message.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A commitment does not hold.
    #[error("commitment {id} does not hold: {source}")]
    Invalid {
        /// The commitment at fault.
        id: Key,
        /// Why it does not hold.
        source: Flaw,
    },
    /// The message lies too deep in others to be looked at.
    #[error("the message is nested too deep to be verified")]
    TooDeep,
}

/// Why a commitment does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// A key that every commitment has is missing or malformed.
    #[error("its {0} is missing or malformed")]
    Missing(&'static str),
    /// It is filed under an id that its signature does not have.
    #[error("its signature has the id {actual}")]
    WrongId {
        /// The id that its signature has.
        actual: Key,
    },
    /// Its committer is not who its key belongs to.
    #[error("its key does not belong to its committer")]
    WrongCommitter,
    /// Its type is not one of its device.
    #[error("its type {kind} is unknown to its device")]
    UnknownType {
        /// The type that it claims.
        kind: String,
    },
    /// Its device signs nothing.
    #[error("its device {device} is unknown")]
    UnknownDevice {
        /// The device that it claims.
        device: String,
    },
    /// Its key id is not in the form that its type asks for.
    #[error("its keyid is not in the form of its type")]
    BadKeyId,
    /// It was made with a secret, which was not given.
    #[error("it can only be verified with its secret")]
    NeedsSecret,
    /// The signature or MAC is not that of the message.
    #[error("its signature does not fit the message")]
    Mismatch,
    /// The key that it names cannot be used.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// It claims a key whose value its signature does not cover.
    #[error("its signature does not cover key {key}")]
    NotCovered {
        /// The key that it claims.
        key: Key,
    },
    /// The data item that it stands for does not hold.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The message cannot be written in the form that was signed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What was signed cannot be read as a message.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Verifies the selected commitments of a message. None selected, it holds.
///
/// For each the signature, the id and the committer are computed anew. `secret` is the key of HMACs
/// whose keyid is of the form `secret:…`. Nested messages are not verified by themselves, but they
/// are part of what is signed: see [`verify_all`].
///
/// # Errors
/// The first commitment that does not hold, and why.
pub fn verify(
    message: &Message,
    selection: &Selection,
    secret: Option<&[u8]>,
    content: &dyn Content,
) -> Result<(), VerifyError> {
    let forms = Forms::new(message, content);
    for commitment in selection.of(message)? {
        verify_one(&commitment, &forms, secret)
            .map_err(|source| VerifyError::Invalid { id: commitment.id.clone(), source })?;
    }
    Ok(())
}

/// Verifies every commitment of a message and of all messages nested in it.
///
/// # Errors
/// The first commitment that does not hold, and why.
pub fn verify_all(message: &Message, content: &dyn Content) -> Result<(), VerifyError> {
    verify_nested(message, content, 1)
}

fn verify_nested(
    message: &Message,
    content: &dyn Content,
    depth: usize,
) -> Result<(), VerifyError> {
    if depth > crate::limits::MAX_DEPTH {
        return Err(VerifyError::TooDeep);
    }
    verify(message, &Selection::all(), None, content)?;
    for (_, value) in message.iter().filter(|(key, _)| **key != super::COMMITMENTS) {
        verify_value(value, content, depth)?;
    }
    Ok(())
}

fn verify_value(value: &Value, content: &dyn Content, depth: usize) -> Result<(), VerifyError> {
    match value {
        Value::Map(map) => verify_nested(map, content, depth + 1),
        Value::List(_) if depth > crate::limits::MAX_DEPTH => Err(VerifyError::TooDeep),
        Value::List(list) => {
            list.iter().try_for_each(|value| verify_value(value, content, depth + 1))
        }
        _ => Ok(()),
    }
}

fn verify_one(
    commitment: &Commitment<'_>,
    forms: &Forms<'_>,
    secret: Option<&[u8]>,
) -> Result<(), Flaw> {
    let signature = commitment.signature().ok_or(Flaw::Missing("signature"));
    let device = commitment.device().ok_or(Flaw::Missing("commitment-device"))?;
    match device {
        device if device == HTTPSIG => {
            let signature = signature?;
            check_id(commitment, commitment_id(&signature))?;
            verify_httpsig(commitment, forms, &signature, secret)
        }
        device if device == ANS104 => verify_ans104(commitment, forms),
        device => Err(Flaw::UnknownDevice { device: String::from_utf8_lossy(device).into_owned() }),
    }
}

fn check_id(commitment: &Commitment<'_>, actual: Key) -> Result<(), Flaw> {
    if *commitment.id == actual { Ok(()) } else { Err(Flaw::WrongId { actual }) }
}

fn verify_httpsig(
    commitment: &Commitment<'_>,
    forms: &Forms<'_>,
    signature: &[u8],
    secret: Option<&[u8]>,
) -> Result<(), Flaw> {
    let kind = commitment.text("type").ok_or(Flaw::Missing("type"))?;
    let unknown = || Flaw::UnknownType { kind: String::from_utf8_lossy(kind).into_owned() };
    let kind = Kind::named(kind).filter(|kind| kind.is_httpsig()).ok_or_else(unknown)?;
    let keyid = commitment.text("keyid").ok_or(Flaw::Missing("keyid"))?;
    let committed = commitment.fields.get_exact("committed");
    committed
        .and_then(|keys| crate::List::try_from(keys.clone()).ok())
        .ok_or(Flaw::Missing("committed"))?;
    let tabm = forms.tabm(commitment.is_bundle())?;
    let claimed = commitment.committed();
    let surface = Surface::of(tabm, Some(&claimed))?;
    check_covered(tabm, claimed, &surface)?;
    let base = surface.base(commitment.fields);
    match kind {
        Kind::HmacSha256 => verify_mac(commitment, keyid, &base, signature, secret),
        Kind::RsaPssSha512 => verify_rsa(commitment, keyid, &base, signature),
        _ => verify_ethereum(commitment, keyid, &base, signature),
    }
}

/// Some keys never reach the base: those of the headers that carry signatures, and the `content-type`
/// of a multipart message, which gives way to that of its body. Where one is claimed all the same,
/// anybody could have set it.
fn check_covered(tabm: &Message, claimed: Vec<Key>, surface: &Surface) -> Result<(), Flaw> {
    let covered: BTreeSet<&Key> = surface.committed.iter().collect();
    let is_covered = |key: &Key| {
        let never = *key == "signature" || *key == "signature-input";
        *key == COMMITMENTS || !never && covered.contains(&unlinked(key))
    };
    match claimed.into_iter().find(|key| tabm.contains(key) && !is_covered(key)) {
        Some(key) => Err(Flaw::NotCovered { key }),
        None => Ok(()),
    }
}

fn verify_mac(
    commitment: &Commitment<'_>,
    keyid: &[u8],
    base: &[u8],
    signature: &[u8],
    secret: Option<&[u8]>,
) -> Result<(), Flaw> {
    let (key, committer) = match keyid.strip_prefix(SECRET) {
        None if keyid::is_constant(keyid) => (keyid, None),
        None => return Err(Flaw::BadKeyId),
        Some(named) => {
            let secret = secret.ok_or(Flaw::NeedsSecret)?;
            if keyid::secret_address(secret).as_bytes() != named {
                return Err(Flaw::Mismatch);
            }
            (secret, Some(named))
        }
    };
    check_committer(commitment, committer)?;
    let expected = mac(&hmac::Key::new(hmac::HMAC_SHA256, key), base);
    constant_time::verify_slices_are_equal(expected.as_bytes(), signature)
        .map_err(|_| Flaw::Mismatch)
}

fn verify_rsa(
    commitment: &Commitment<'_>,
    keyid: &[u8],
    base: &[u8],
    signature: &[u8],
) -> Result<(), Flaw> {
    let text = keyid.strip_prefix(PUBLIC_KEY).ok_or(Flaw::BadKeyId)?;
    let modulus = base64::decode(text).map_err(|_| Flaw::BadKeyId)?;
    // One key has one name: another spelling of it is another keyid.
    if base64::encode_standard(&modulus).as_bytes() != text {
        return Err(Flaw::BadKeyId);
    }
    check_committer(commitment, Some(keyid::address(&modulus).to_string().as_bytes()))?;
    verify_signature(
        &PublicKey::new(Scheme::RsaPssSha512, modulus)?,
        Scheme::RsaPssSha512,
        base,
        signature,
    )
}

fn verify_ethereum(
    commitment: &Commitment<'_>,
    keyid: &[u8],
    base: &[u8],
    signature: &[u8],
) -> Result<(), Flaw> {
    let address = keyid.strip_prefix(ETHEREUM).ok_or(Flaw::BadKeyId)?;
    check_committer(commitment, Some(address))?;
    let signer = PublicKey::recover(base, signature).map_err(|_| Flaw::Mismatch)?;
    if signer.address().to_string().as_bytes() != address {
        return Err(Flaw::Mismatch);
    }
    verify_signature(&signer, Scheme::Eip191Secp256k1, base, signature)
}

fn verify_signature(
    key: &PublicKey,
    scheme: Scheme,
    base: &[u8],
    signature: &[u8],
) -> Result<(), Flaw> {
    key.verify(scheme, base, signature).map_err(|_: SignatureError| Flaw::Mismatch)
}

fn check_committer(commitment: &Commitment<'_>, expected: Option<&[u8]>) -> Result<(), Flaw> {
    let claimed = commitment.fields.get_exact("committer");
    match (claimed, expected) {
        (None, None) => Ok(()),
        (Some(Value::Bytes(claimed)), Some(expected)) if claimed == expected => Ok(()),
        _ => Err(Flaw::WrongCommitter),
    }
}

fn verify_ans104(commitment: &Commitment<'_>, forms: &Forms<'_>) -> Result<(), Flaw> {
    // Keys that were signed as links are named as links, whatever the item was bundled for.
    let has_links = commitment.committed().iter().any(|key| key.without_link().is_some());
    let tabm = forms.tabm(commitment.is_bundle() && !has_links)?;
    let item = codec::signed_item(tabm, commitment, 1)?;
    check_id(commitment, item.signed_id().unwrap_or_else(|| item.unsigned_id()).into())?;
    if !Ans104::covers(&item, tabm, &commitment.committed())? {
        return Err(Flaw::Mismatch);
    }
    if !item.is_signed() {
        return check_committer(commitment, None);
    }
    check_committer(commitment, Some(item_committer(&item).as_bytes()))?;
    Ok(item.verify()?)
}

/// Whether the HMAC that names a message without signers is that of the message.
///
/// # Errors
/// The message cannot be written.
pub fn has_own_unsigned_id(message: &Message) -> Result<bool, EncodeError> {
    let claimed = ids::unsigned_id(&message.clone().into())?;
    let actual = ids::unsigned_id(&message.clone().without(&["commitments"]).into())?;
    Ok(claimed == actual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commitment::{COMMITMENTS, CommitRequest, commit};
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
        assert_eq!(holds(&outer), Ok(()), "the outer message has no commitments of its own");
        let found = verify_all(&outer, &NoContent);
        assert!(
            matches!(found, Err(VerifyError::Invalid { source: Flaw::Mismatch, .. })),
            "{found:?}"
        );
    }
}
