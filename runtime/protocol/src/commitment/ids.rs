//! The ids of a message. Source: spec 03, section 8.
//!
//! | Name     | Selected commitments          | Without any                              |
//! |----------|-------------------------------|------------------------------------------|
//! | unsigned | none                          | stored HMACs without a signer, or a new one |
//! | signed   | all that have a committer     | the unsigned id                          |
//! | full     | all                           | the unsigned id                          |
//!
//! Ids of commitments are taken as the message has them: of a message from outside, only those of what
//! [`authenticate`](super::authenticate) returns may be believed.

use std::sync::LazyLock;

use aws_lc_rs::hmac;

use super::Commitment;
use super::base::Surface;
use super::select::{Selection, SelectionError, Which};
use crate::codec::{EncodeError, Links, Structured};
use crate::{Id, Message, Value};

/// The key id of the HMAC that names a message without a signer. Its bytes are also the key.
pub(crate) const CONSTANT_KEYID: &str = "constant:ao";

static CONSTANT_KEY: LazyLock<hmac::Key> =
    LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, CONSTANT_KEYID.as_bytes()));

/// The fields of the commitment whose MAC is the unsigned id, as far as they are signed.
static CONSTANT_FIELDS: LazyLock<Message> =
    LazyLock::new(|| Message::from([("keyid", CONSTANT_KEYID), ("type", "hmac-sha256")]));

static BUNDLED_FIELDS: LazyLock<Message> =
    LazyLock::new(|| CONSTANT_FIELDS.clone().with("bundle", "true"));

/// The id of a message without its signers.
///
/// # Errors
/// The message cannot be written.
pub fn unsigned_id(message: &Value) -> Result<Id, EncodeError> {
    of(message, unsigned_id_of_tabm)
}

/// The id under which a message's signers know it; of an unsigned message, its unsigned id.
///
/// # Errors
/// The message cannot be written.
pub fn signed_id(message: &Value) -> Result<Id, EncodeError> {
    of(message, signed_id_of_tabm)
}

/// The sum of all commitments' ids, those without a signer included: the base of a hashpath.
///
/// # Errors
/// The message cannot be written.
pub fn full_id(message: &Value) -> Result<Id, EncodeError> {
    of(message, |tabm| match sum(Commitment::all(tabm)) {
        Some(id) => Ok(id),
        None => unsigned_id_of_tabm(tabm),
    })
}

/// The id that selected commitments give a message; none selected, its unsigned id.
///
/// An id among the selected ones that the message does not have is ignored; if that leaves none, the
/// message is named anew, whatever HMACs it has.
///
/// # Errors
/// The message cannot be written, or a committer is selected who did not sign it.
pub fn id(message: &Value, selection: &Selection) -> Result<Id, SelectionError> {
    let Value::Map(map) = message else { return Ok(unsigned_id(message)?) };
    let known = Selection { commitments: known(map, &selection.commitments), ..selection.clone() };
    match (sum(known.explicit(map)?.into_iter()), &selection.commitments) {
        (Some(id), _) => Ok(id),
        (None, Which::These(_)) => Ok(unsigned_id(&map.clone().without(&["commitments"]).into())?),
        (None, _) => Ok(unsigned_id(message)?),
    }
}

fn known(message: &Message, which: &Which) -> Which {
    let Which::These(ids) = which else { return which.clone() };
    let has = |id: &&crate::Key| Commitment::all(message).any(|commitment| commitment.id == *id);
    Which::These(ids.iter().filter(has).cloned().collect())
}

fn of(
    message: &Value,
    id: impl FnOnce(&Message) -> Result<Id, EncodeError>,
) -> Result<Id, EncodeError> {
    match (Structured { links: Links::Discard }).encode(message)? {
        Value::Map(tabm) => id(&tabm),
        Value::Bytes(bytes) => Ok(Id::of(&bytes)),
        _ => Err(EncodeError::Unsupported("only a map or a byte string has an id")),
    }
}

/// The signed id of a message whose nested messages are already ids.
pub(crate) fn signed_id_of_tabm(tabm: &Message) -> Result<Id, EncodeError> {
    match sum(Commitment::all(tabm).filter(|commitment| commitment.committer().is_some())) {
        Some(id) => Ok(id),
        None => unsigned_id_of_tabm(tabm),
    }
}

fn unsigned_id_of_tabm(tabm: &Message) -> Result<Id, EncodeError> {
    match sum(Commitment::all(tabm).filter(Commitment::is_unsigned_httpsig)) {
        Some(id) => Ok(id),
        None => Ok(unsigned_base(tabm, false)?.1),
    }
}

/// The base of the HMAC that names a TABM without its commitments, and that HMAC.
pub(super) fn unsigned_base(tabm: &Message, bundle: bool) -> Result<(Vec<u8>, Id), EncodeError> {
    let surface = Surface::of(&tabm.clone().without(&["commitments"]), None)?;
    let fields = if bundle { &*BUNDLED_FIELDS } else { &*CONSTANT_FIELDS };
    let base = surface.base(fields);
    let id = mac(&CONSTANT_KEY, &base);
    Ok((base, id))
}

/// The MAC of a base as an id.
pub(crate) fn mac(key: &hmac::Key, base: &[u8]) -> Id {
    let mut id = [0; 32];
    id.copy_from_slice(hmac::sign(key, base).as_ref());
    id.into()
}

/// The sum of commitments' ids, if there are any. Those that are no ids do not count.
fn sum<'a>(commitments: impl Iterator<Item = Commitment<'a>>) -> Option<Id> {
    let ids =
        commitments.filter_map(|commitment| Id::from_native_or_text(commitment.id.as_bytes()).ok());
    let mut ids = ids.peekable();
    ids.peek()?;
    Some(Id::sum(ids))
}
