//! Public keys as the network carries them.

use std::fmt;

use bytes::Bytes;

use crate::Id;
use crate::signature::{Address, KeyKind, Scheme, SignatureError, ed25519, rsa, secp256k1};

/// A public key that its scheme can use.
///
/// | Kind      | Bytes                                                              |
/// |-----------|--------------------------------------------------------------------|
/// | RSA       | modulus, big-endian, 256 to 512 bytes, the first one not zero      |
/// | ed25519   | 32 bytes                                                           |
/// | secp256k1 | uncompressed point, 65 bytes; the compressed form is read too      |
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    kind: KeyKind,
    bytes: Bytes,
}

/// Bytes that are not a public key of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The modulus is too short, too long, or begins with a zero.
    #[error("RSA modulus of {length} bytes is not a number of 2048 to 4096 bits")]
    Modulus {
        /// Length of what was found, in bytes.
        length: usize,
    },
    /// Not 32 bytes.
    #[error("ed25519 key of {length} bytes, expected 32")]
    Ed25519 {
        /// Length of what was found, in bytes.
        length: usize,
    },
    /// Not a point of the curve in a known form.
    #[error("{length} bytes are not a point of secp256k1")]
    Point {
        /// Length of what was found, in bytes.
        length: usize,
    },
}

impl PublicKey {
    /// Reads the key that a signature of `scheme` was made with. Shares `bytes`.
    ///
    /// # Errors
    /// The bytes are not a key of [`Scheme::key_kind`].
    pub fn new(scheme: Scheme, bytes: impl Into<Bytes>) -> Result<Self, InvalidKey> {
        let (kind, bytes) = (scheme.key_kind(), bytes.into());
        let length = bytes.len();
        let bytes = match kind {
            KeyKind::Rsa if rsa::is_modulus(&bytes) => bytes,
            KeyKind::Rsa => return Err(InvalidKey::Modulus { length }),
            KeyKind::Ed25519 if length == ed25519::KEY_LENGTH => bytes,
            KeyKind::Ed25519 => return Err(InvalidKey::Ed25519 { length }),
            KeyKind::Secp256k1 => {
                let point = secp256k1::uncompressed(&bytes).ok_or(InvalidKey::Point { length })?;
                Bytes::copy_from_slice(&point)
            }
        };
        Ok(Self { kind, bytes })
    }

    /// The key that made an [`Scheme::Eip191Secp256k1`] signature over `message`.
    ///
    /// Every well-formed signature has such a key: the caller must know which one to expect.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if no key can have made it.
    pub fn recover(message: &[u8], signature: &[u8]) -> Result<Self, SignatureError> {
        let point = secp256k1::recover(message, signature).ok_or(SignatureError::Mismatch)?;
        Ok(Self { kind: KeyKind::Secp256k1, bytes: Bytes::copy_from_slice(&point) })
    }

    /// The kind of key.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The bytes, in the form of the table above.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The address that names this key among people: the Ethereum form for secp256k1, else
    /// [`owner_address`](Self::owner_address).
    #[must_use]
    pub fn address(&self) -> Address {
        match self.kind {
            KeyKind::Secp256k1 => Address::Ethereum(secp256k1::address(&self.bytes)),
            KeyKind::Rsa | KeyKind::Ed25519 => Address::Hash(self.owner_address()),
        }
    }

    /// SHA-256 of the key's bytes, whatever its kind: how ANS-104 names the owner of an item.
    #[must_use]
    pub fn owner_address(&self) -> Id {
        Id::of(&self.bytes)
    }

    /// Checks that this key made `signature` over `message`.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] if it did not, [`SignatureError::WrongKey`] if the scheme uses
    /// another kind of key.
    pub fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if scheme.key_kind() != self.kind {
            return Err(SignatureError::WrongKey { scheme, key: self.kind });
        }
        let holds = match scheme {
            Scheme::RsaPssSha256 => rsa::verify(rsa::Hash::Sha256, &self.bytes, message, signature),
            Scheme::RsaPssSha512 => rsa::verify(rsa::Hash::Sha512, &self.bytes, message, signature),
            Scheme::Ed25519 => ed25519::verify(&self.bytes, message, signature),
            Scheme::Eip191Secp256k1 => secp256k1::verify(&self.bytes, message, signature),
        };
        holds.then_some(()).ok_or(SignatureError::Mismatch)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.kind, self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modulus_has_2048_to_4096_bits() {
        for (length, first, right) in
            [(255, 1, false), (256, 1, true), (512, 1, true), (512, 0, false), (513, 1, false)]
        {
            let mut modulus = vec![0xff; length];
            modulus[0] = first;
            let read = PublicKey::new(Scheme::RsaPssSha256, modulus);
            assert_eq!(read.is_ok(), right, "{length} bytes, first {first}: {read:?}");
        }
    }

    #[test]
    fn a_modulus_of_any_size_or_content_is_refused_without_a_panic() {
        for modulus in [vec![0xfe; 512], vec![2; 300], vec![1; 256]] {
            let key = PublicKey::new(Scheme::RsaPssSha512, modulus.clone()).unwrap();
            let answer = key.verify(Scheme::RsaPssSha512, b"m", &vec![1; modulus.len()]);
            assert_eq!(answer, Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn a_scheme_refuses_a_key_of_another_kind() {
        let key = PublicKey::new(Scheme::Ed25519, vec![1; 32]).unwrap();
        let expected =
            SignatureError::WrongKey { scheme: Scheme::RsaPssSha256, key: KeyKind::Ed25519 };
        assert_eq!(key.verify(Scheme::RsaPssSha256, b"", b""), Err(expected));
    }

    #[test]
    fn keys_of_a_wrong_length_are_refused() {
        assert_eq!(
            PublicKey::new(Scheme::Ed25519, vec![1; 31]),
            Err(InvalidKey::Ed25519 { length: 31 })
        );
        assert_eq!(
            PublicKey::new(Scheme::Eip191Secp256k1, vec![4; 65]),
            Err(InvalidKey::Point { length: 65 }),
            "65 bytes that are no point of the curve"
        );
    }
}
