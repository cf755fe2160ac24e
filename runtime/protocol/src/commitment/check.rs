//! Checking one commitment: all that it claims is computed anew. Source: spec 03, sections 7.1 and 7.2.

use aws_lc_rs::{constant_time, hmac};

use super::base::Surface;
use super::headers::commitment_id;
use super::ids::mac;
use super::keyid::{self, ETHEREUM, PUBLIC_KEY, SECRET};
use super::{ANS104, Commitment, Forms, HTTPSIG, Kind};
use crate::ans104::VerifyError as ItemError;
use crate::codec::{self, Ans104, DecodeError, EncodeError, item_committer};
use crate::signature::{InvalidKey, PublicKey, Scheme};
use crate::{Key, Value, base64};

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
    /// A key is said to be covered which the signature cannot cover.
    #[error("it does not cover key {key}, though it says so")]
    NotCovered {
        /// The key at fault.
        key: Key,
    },
    /// The key that it names cannot be used.
    #[error(transparent)]
    Key(#[from] InvalidKey),
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

/// Checks a commitment of a message: its id, its committer, the keys that it covers, and its signature
/// or MAC. `secret` is the key of an HMAC that names one.
pub(super) fn check(
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
    let committed = commitment.committed();
    let surface = match kind {
        Kind::HmacSha256 => Surface::of(tabm, Some(&committed))?,
        _ => Surface::signed(tabm, &committed)?,
    };
    let lost = |key: &Key| forms.message().contains(key) && !surface.can_cover(key);
    if let Some(key) = committed.into_iter().find(lost) {
        return Err(Flaw::NotCovered { key });
    }
    let base = surface.base(commitment.fields);
    match kind {
        Kind::HmacSha256 => verify_mac(commitment, keyid, &base, signature, secret),
        Kind::RsaPssSha512 => verify_rsa(commitment, keyid, &base, signature),
        _ => verify_ethereum(commitment, keyid, &base, signature),
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
    let key = PublicKey::new(Scheme::RsaPssSha512, modulus)?;
    key.verify(Scheme::RsaPssSha512, base, signature).map_err(|_| Flaw::Mismatch)
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
    if signer.address().to_string().as_bytes() == address { Ok(()) } else { Err(Flaw::Mismatch) }
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
    if !Ans104::covers(&item, forms.message(), tabm, &commitment.committed())? {
        return Err(Flaw::Mismatch);
    }
    if !item.is_signed() {
        let is_unsigned =
            commitment.text("type").is_some_and(|kind| kind == Kind::UnsignedSha256.name());
        return if is_unsigned { check_committer(commitment, None) } else { Err(Flaw::Mismatch) };
    }
    check_committer(commitment, Some(item_committer(&item).as_bytes()))?;
    Ok(item.verify()?)
}
