//! Assignments: which message has which slot of a process, signed by the process's scheduler.
//!
//! | Key | Value |
//! |---|---|
//! | `path` | `compute`, or the parts of the message's own path as a list |
//! | `process`, `slot`, `epoch` | where it stands; the epoch is `0` |
//! | `block-height`, `block-timestamp`, `block-hash` | `0`, `0` and 43 × `A`: a node in mode `debug` knows no blocks |
//! | `timestamp` | the scheduler's clock, in milliseconds since 1970 |
//! | `hash-chain` | see [`chain`] |
//! | `body` | the message, with exactly the commitments that it was scheduled with |
//! | `data-protocol`, `variant`, `type` | `ao`, `ao.N.1`, `assignment` |
//!
//! The log holds [`record::encode`] of the whole, commitments and body in place, so that a slot
//! reads the same whatever else becomes known about its message. Source: spec 11, section 2.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use num_bigint::BigInt;
use oxbeam_protocol::commitment::{self, CommitRequest, signed_id};
use oxbeam_protocol::{Id, Key, List, Message, NoContent, Value, Wallet};
use oxbeam_store::{Limit, MAX_VALUE_BYTES, Page, Slot, Store, StoreError};

use crate::error::CallError;
use crate::location;
use crate::record;

/// The hash of a block that nobody has looked up.
pub const NO_BLOCK: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The `variant` of what this node schedules and sends.
pub const VARIANT: &str = "ao.N.1";
/// What commitments may add to an assignment: three, each with its keys, an RSA key and signature.
const ROOM_FOR_COMMITMENTS: usize = 16 << 10;

/// The hash chain at a slot: SHA-256 over the one before and the 43 characters of the id of the
/// slot's message. The first slot has none before it. Source: spec 11, section 2.1.
#[must_use]
pub fn chain(before: Option<Id>, body: Id) -> Id {
    let before = before.as_ref().map_or(&[][..], |id| id.as_bytes());
    Id::of(&[before, body.to_string().as_bytes()].concat())
}

/// The assignment at a slot of a process, if the log has it.
///
/// # Errors
/// Errors of reading; a record that is no message.
pub async fn read(
    store: &dyn Store,
    process: Id,
    slot: Slot,
) -> Result<Option<Message>, CallError> {
    let found = store.assignment(process, slot).await?;
    found.map(|found| decode(&found.assignment)).transpose()
}

/// Assignments from a slot on, in order: as many as the limit allows, and at least one if there is
/// one.
///
/// # Errors
/// As [`read`].
pub async fn range(
    store: &dyn Store,
    process: Id,
    from: Slot,
    limit: Limit,
) -> Result<Page<(Slot, Message), Slot>, CallError> {
    let Page { items, last } = store.assignments(process, from, limit).await?;
    let items = items.into_iter().map(|item| Ok((item.slot, decode(&item.assignment)?)));
    Ok(Page { items: items.collect::<Result<_, CallError>>()?, last })
}

/// An assignment as the log keeps it.
pub(crate) fn decode(bytes: &[u8]) -> Result<Message, CallError> {
    match record::decode(bytes)? {
        Value::Map(assignment) => Ok(assignment),
        _ => Err(CallError::Raised("the log holds what is no assignment".into())),
    }
}

/// A message that is to be scheduled, and can be: whatever its slot, its assignment can be signed
/// and kept.
#[derive(Debug)]
pub(crate) struct Draft {
    process: Id,
    body: Message,
    id: Id,
    path: Value,
}

impl Draft {
    /// Reads the message, and tries all that could fail because of it.
    ///
    /// A slot that is given out must be filled: those after it count on it. So nothing about a
    /// message may be found out later.
    ///
    /// # Errors
    /// A message that is too large, nested too deep, or cannot be written.
    pub(crate) fn new(process: Id, body: Message) -> Result<Self, CallError> {
        let body = body.without_private();
        let id = signed_id(&body.clone().into()).map_err(unwritable)?;
        let draft = Self { process, path: path(&body)?, body, id };
        let any = Value::Map(draft.at(Slot::MAX, id));
        commitment::signature_base(&any, false, &NoContent).map_err(unwritable)?;
        let size = record::encode(&any).map_err(unwritable)?.len() + ROOM_FOR_COMMITMENTS;
        if size > MAX_VALUE_BYTES {
            let (what, limit) = ("an assignment", MAX_VALUE_BYTES);
            return Err(StoreError::TooLarge { what, size, limit }.into());
        }
        Ok(draft)
    }

    /// The id of the message by all of its signers.
    pub(crate) const fn id(&self) -> Id {
        self.id
    }

    /// The assignment to a slot, unsigned, as of now.
    pub(crate) fn at(&self, slot: Slot, chain: Id) -> Message {
        Message::new()
            .with("path", self.path.clone())
            .with("data-protocol", "ao")
            .with("variant", VARIANT)
            .with("type", "assignment")
            .with("process", self.process.to_string())
            .with("epoch", "0")
            .with("slot", BigInt::from(slot))
            .with("block-height", 0)
            .with("block-timestamp", 0)
            .with("block-hash", NO_BLOCK)
            .with("timestamp", BigInt::from(milliseconds()))
            .with("hash-chain", chain.to_string())
            .with("body", self.body.clone())
    }
}

fn unwritable(error: impl std::fmt::Display) -> CallError {
    CallError::BadRequest(format!("the message cannot be scheduled: {error}"))
}

/// The parts of the message's path, or `compute`.
fn path(body: &Message) -> Result<Value, CallError> {
    let parts: Vec<Value> = match body.get("path") {
        None => Vec::new(),
        Some(Value::List(list)) => list.iter().cloned().collect(),
        Some(path) => {
            let text = path.as_name().ok_or_else(|| unwritable("its path is no text"))?;
            let parts = text.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
            parts.map(|part| text.slice_ref(part).into()).collect()
        }
    };
    if parts.is_empty() {
        return Ok("compute".into());
    }
    Ok(parts.into_iter().collect::<List>().into())
}

/// An assignment with the wallet's commitments, and as the log keeps it. Takes the time of a
/// signature.
pub(crate) fn sign(assignment: &Message, wallet: &Wallet) -> Result<(Message, Bytes), CallError> {
    let request = CommitRequest::default();
    let signed = commitment::commit(assignment, &request, wallet, &NoContent)?;
    let written = record::encode(&signed.clone().into())?;
    Ok((signed, written))
}

/// Why an assignment of the log is not computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Unproven {
    /// Its commitments do not hold.
    #[error(transparent)]
    Verify(#[from] commitment::VerifyError),
    /// It is signed, but by none of the process's schedulers.
    #[error("no scheduler of the process has signed it")]
    Stranger,
    /// It is the assignment to another slot or process.
    #[error("it is that of another slot or process")]
    Misplaced,
    /// Its chain does not follow from the slot before and from its message.
    #[error("its hash chain does not follow from the slot before")]
    Broken,
}

/// What of an assignment its signatures vouch for. Takes the time of a verification for it, and of
/// another for its message.
pub(crate) fn authenticate(assignment: &Message) -> Result<Message, Unproven> {
    Ok(commitment::authenticate(assignment, &NoContent)?)
}

/// Finds out whether an assignment, of which its signatures vouch for this, is what a scheduler of the
/// process has put at this slot, behind that with the chain `before`.
///
/// `schedulers` are those that the process's definition names; if it names none, anybody may be. A
/// chain goes on from the bytes of the one before or, once after each restart of the reference node,
/// from their text. Source: spec 11, section 2.1.
pub(crate) fn place(
    proven: &Message,
    (process, slot): (Id, Slot),
    before: Option<Id>,
    schedulers: &[String],
) -> Result<Id, Unproven> {
    let signers = commitment::committers(proven);
    let named: Vec<&str> = schedulers.iter().map(|one| location::hinted(one).0).collect();
    let may = |signer: &Key| named.is_empty() || named.iter().any(|address| *signer == **address);
    if !signers.iter().any(may) {
        return Err(Unproven::Stranger);
    }
    let is_there = proven.get("process").is_some_and(|id| id.is_name(&process.to_string()))
        && proven.get("slot") == Some(&BigInt::from(slot).into());
    if !is_there {
        return Err(Unproven::Misplaced);
    }
    let said = chain_of(proven).ok_or(Unproven::Broken)?;
    let body = proven.get("body").and_then(|body| signed_id(body).ok()).ok_or(Unproven::Broken)?;
    let from_text = before.map(|before| {
        Id::of(&[before.to_string().as_bytes(), body.to_string().as_bytes()].concat())
    });
    match said == chain(before, body) || Some(said) == from_text {
        true => Ok(said),
        false => Err(Unproven::Broken),
    }
}

/// The hash chain that an assignment says it is at.
pub(crate) fn chain_of(assignment: &Message) -> Option<Id> {
    Id::from_native_or_text(assignment.get("hash-chain")?.as_name()?).ok()
}

/// Milliseconds since 1970.
#[must_use]
pub fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: Message) -> Draft {
        Draft::new(Id::of(b"process"), body).unwrap()
    }

    #[test]
    fn a_path_is_split_into_its_parts() {
        let path = |body: Message| draft(body).at(0, Id::of(b"")).remove("path").unwrap();
        let parts: Value = ["a", "b"].map(Value::from).into_iter().collect();
        assert_eq!(path(Message::new().with("path", "/a//b")), parts);
        assert_eq!(path(Message::new().with("path", parts.clone())), parts);
        assert_eq!(path(Message::new().with("path", "/")), "compute".into());
        assert_eq!(path(Message::new()), "compute".into());
    }

    #[test]
    fn the_chain_binds_every_message_before_it() {
        let [a, b] = [Id::of(b"a"), Id::of(b"b")];
        let first = chain(None, a);
        assert_eq!(first, Id::of(a.to_string().as_bytes()));
        let second = [&first.as_bytes()[..], b.to_string().as_bytes()].concat();
        assert_eq!(chain(Some(first), b), Id::of(&second));
    }

    #[test]
    fn only_what_a_scheduler_put_at_its_slot_is_proven() {
        let wallet = Wallet::generate_secp256k1().unwrap();
        let process = Id::of(b"process");
        let body = draft(Message::from([("data", "1")]));
        let before = Id::of(b"before");
        let unsigned = body.at(3, chain(Some(before), body.id()));
        let (signed, _) = sign(&unsigned, &wallet).unwrap();
        let schedulers = [wallet.address().to_string()];
        let check = |assignment: &Message, slot, before| {
            place(&authenticate(assignment)?, (process, slot), before, &schedulers)
        };
        assert_eq!(check(&signed, 3, Some(before)).unwrap(), chain_of(&signed).unwrap());
        assert!(matches!(check(&signed, 4, Some(before)), Err(Unproven::Misplaced)));
        assert!(matches!(check(&signed, 3, None), Err(Unproven::Broken)));
        assert!(matches!(check(&unsigned, 3, Some(before)), Err(Unproven::Stranger)));
        let changed = signed.clone().with("timestamp", 1);
        assert!(matches!(check(&changed, 3, Some(before)), Err(Unproven::Verify(_))));
        let nobody = ["somebody else".to_owned()];
        let proven = authenticate(&signed).unwrap();
        let by_stranger = place(&proven, (process, 3), Some(before), &nobody);
        assert!(matches!(by_stranger, Err(Unproven::Stranger)));

        let text = [before.to_string().as_bytes(), body.id().to_string().as_bytes()].concat();
        let (after_restart, _) = sign(&body.at(3, Id::of(&text)), &wallet).unwrap();
        assert!(check(&after_restart, 3, Some(before)).is_ok());
    }

    #[test]
    fn a_message_that_no_slot_could_hold_is_refused_before_it_has_one() {
        let large = Message::new().with("data", vec![b'x'; MAX_VALUE_BYTES]);
        assert!(matches!(
            Draft::new(Id::of(b"process"), large),
            Err(CallError::Store(StoreError::TooLarge { .. }))
        ));
        let path = Message::new().with("path", Message::new());
        assert!(matches!(Draft::new(Id::of(b"process"), path), Err(CallError::BadRequest(_))));
    }
}
