//! Commitments: who says that a message has these keys and values, and under which ids it is known.
//!
//! A commitment lies in the message's `commitments` map under its id:
//!
//! | Key                           | Meaning                                                       |
//! |-------------------------------|---------------------------------------------------------------|
//! | `commitment-device`           | `httpsig@1.0` or `ans104@1.0`                                 |
//! | `type`                        | the algorithm, see [`Kind`]                                   |
//! | `committed`                   | the keys that it covers, as a list or a map numbered from 1   |
//! | `keyid`                       | the key: `publickey:…`, `constant:…`, `secret:…`, `ethereum:…`|
//! | `committer`                   | the signer's address; absent for a constant key               |
//! | `signature`                   | base64 (URL) of the signature or MAC                          |
//! | `bundle`                      | `true` if nested messages were signed in place                |
//! | `tag`, `created`, `expires`, `nonce` | parameters that are signed with the rest               |
//!
//! Source: spec 03.

mod authenticate;
pub(crate) mod base;
mod check;
mod commit;
mod committed;
mod forms;
pub(crate) mod headers;
pub(crate) mod ids;
mod keyid;
mod kind;
mod proven;
mod regenerable;
#[cfg(test)]
mod samples;
mod select;
mod verify;

pub use base::{signature_base, signature_base_of};
pub use check::Flaw;
pub use commit::{CommitError, CommitRequest, Secret, commit};
pub use committed::{committed, committers, only_committed};
pub use ids::{full_id, id, signed_id, unsigned_id};
pub use kind::Kind;
pub use proven::{Proven, has_claims};
pub use select::{Selection, SelectionError, Which};

pub use authenticate::authenticate;
pub use verify::{VerifyError, verify, verify_all};

pub(crate) use forms::Forms;

use bytes::Bytes;

use crate::{Key, List, Message, Value, base64};

/// The key under which a message's commitments lie.
pub const COMMITMENTS: Key = Key::from_static("commitments");

/// The device of commitments over HTTP signature bases.
pub const HTTPSIG: &str = "httpsig@1.0";
/// The device of commitments over data items.
pub const ANS104: &str = "ans104@1.0";

/// One commitment of a message, as the message has it.
#[derive(Debug, Clone, Copy)]
pub struct Commitment<'a> {
    /// The id under which it lies.
    pub id: &'a Key,
    /// Its keys.
    pub fields: &'a Message,
}

impl<'a> Commitment<'a> {
    /// The commitments of a message, in byte order of their ids. What is not a map is none.
    pub fn all(message: &'a Message) -> impl Iterator<Item = Self> + Clone {
        let commitments = message.get_exact(COMMITMENTS).and_then(Value::as_map);
        commitments.into_iter().flat_map(Self::each)
    }

    fn each(commitments: &'a Message) -> impl Iterator<Item = Self> + Clone {
        commitments.iter().filter_map(|(id, fields)| Some(Self { id, fields: fields.as_map()? }))
    }

    /// A text of the commitment.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&'a Bytes> {
        self.fields.get_exact(key)?.as_name()
    }

    /// The device that made it and verifies it.
    #[must_use]
    pub fn device(&self) -> Option<&'a Bytes> {
        self.text("commitment-device")
    }

    /// The signer's address.
    #[must_use]
    pub fn committer(&self) -> Option<&'a Bytes> {
        self.text("committer")
    }

    /// The bytes of the signature, if there are any and they are base64.
    #[must_use]
    pub fn signature(&self) -> Option<Vec<u8>> {
        base64::decode(self.text("signature")?).ok()
    }

    /// Whether nested messages were signed in place.
    #[must_use]
    pub fn is_bundle(&self) -> bool {
        self.fields.get_exact("bundle").is_some_and(|bundle| bundle.is_name("true"))
    }

    /// The keys that it covers, in its order.
    #[must_use]
    pub fn committed(&self) -> Vec<Key> {
        let names = |list: List| -> Vec<Key> {
            list.iter().filter_map(Value::as_name).cloned().map(Key::from).collect()
        };
        let committed = self.fields.get_exact("committed").cloned();
        committed
            .and_then(|committed| List::try_from(committed).ok())
            .map(names)
            .unwrap_or_default()
    }

    /// Whether it is one of those that name the message without a signer.
    fn is_unsigned_httpsig(&self) -> bool {
        self.committer().is_none() && self.device().is_some_and(|device| device == HTTPSIG)
    }
}

/// Keys as a map numbered from 1: the form of `committed` in commitments that are made anew.
fn numbered(keys: Vec<Key>) -> Value {
    keys.into_iter().map(|key| Value::Bytes(key.to_bytes())).collect::<List>().to_map().into()
}
