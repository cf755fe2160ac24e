//! Wallets and a store for the tests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use oxbeam_protocol::commitment::{CommitRequest, commit};
use oxbeam_protocol::{Content, ContentError, Id, Message, NoContent, Value, Wallet};
use proptest::prelude::*;

/// Throw-away keys, made for these tests.
static WALLETS: LazyLock<[Wallet; 3]> = LazyLock::new(|| {
    [
        include_str!("../fixtures/wallets/rsa.json"),
        include_str!("../fixtures/wallets/secp256k1.hex"),
        include_str!("../fixtures/wallets/ed25519.json"),
    ]
    .map(|text| Wallet::from_text(text).unwrap())
});

pub(super) fn rsa() -> &'static Wallet {
    &WALLETS[0]
}

pub(super) fn secp256k1() -> &'static Wallet {
    &WALLETS[1]
}

pub(super) fn ed25519() -> &'static Wallet {
    &WALLETS[2]
}

/// A store in memory.
#[derive(Default)]
pub(super) struct Store(RefCell<BTreeMap<Id, Value>>);

impl Content for Store {
    fn read(&self, id: &Id) -> Result<Option<Value>, ContentError> {
        Ok(self.0.borrow().get(id).cloned())
    }

    fn write(&self, id: &Id, message: &Value) -> Result<(), ContentError> {
        self.0.borrow_mut().insert(*id, message.clone());
        Ok(())
    }
}

/// Who commits a message, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Signer {
    Rsa,
    Secp256k1,
    Hmac,
}

/// Mostly those that are fast.
pub(super) fn signer() -> impl Strategy<Value = Signer> {
    prop_oneof![
        1 => Just(Signer::Rsa),
        3 => Just(Signer::Secp256k1),
        2 => Just(Signer::Hmac),
    ]
}

/// The message with a commitment to all of its keys.
pub(super) fn signed(message: &Message, signer: Signer, bundle: bool) -> Message {
    let kind = if signer == Signer::Hmac { "hmac-sha256" } else { "signed" };
    let wallet = if signer == Signer::Rsa { rsa() } else { secp256k1() };
    let request = CommitRequest { bundle, kind: Some(kind.into()), ..CommitRequest::default() };
    commit(message, &request, wallet, &NoContent).unwrap()
}
