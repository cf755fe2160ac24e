//! Keys, addresses and signatures. Source: spec 03, sections 1 and 2; ANS-104; EIP-55 and EIP-191.
//!
//! | Scheme                 | Key                       | Signature                      | Used by                      |
//! |------------------------|---------------------------|--------------------------------|------------------------------|
//! | `rsa-pss-sha256`       | RSA, 2048 to 4096 bits    | as long as the modulus         | ANS-104 type 1               |
//! | `rsa-pss-sha512`       | RSA, 2048 to 4096 bits    | as long as the modulus         | httpsig                      |
//! | `ed25519`              | 32 bytes                  | 64 bytes                       | ANS-104 types 2 and 4        |
//! | `eip191-secp256k1`     | secp256k1 point, 65 bytes | r ‖ s ‖ v, 65 bytes            | ANS-104 type 3, httpsig      |

mod address;
mod ed25519;
mod public_key;
pub(crate) mod rsa;
pub(crate) mod secp256k1;

use std::fmt;

pub use address::{Address, InvalidAddress};
pub use public_key::{InvalidKey, PublicKey};

/// What a signature is made with: an algorithm with all of its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// RSASSA-PSS with SHA-256: signs with a salt of 32 bytes, verifies any salt.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-512: signs with a salt of 64 bytes, verifies any salt.
    RsaPssSha512,
    /// Ed25519 over the message itself.
    Ed25519,
    /// ECDSA on secp256k1 over Keccak-256 of the message in its EIP-191 envelope: what the
    /// `personal_sign` of every Ethereum wallet makes.
    Eip191Secp256k1,
}

/// The kinds of key that sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA with the public exponent 65537.
    Rsa,
    /// Ed25519.
    Ed25519,
    /// secp256k1, the curve of Ethereum.
    Secp256k1,
}

/// A signature that does not hold, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The signature is not one of this key over this message.
    #[error("signature does not match message and key")]
    Mismatch,
    /// The scheme asks for a key of another kind.
    #[error("scheme {scheme} cannot use a key of kind {key:?}")]
    WrongKey {
        /// The scheme asked for.
        scheme: Scheme,
        /// The kind of key at hand.
        key: KeyKind,
    },
    /// The key is of the right kind and of the wrong size for an item.
    #[error("key of {length} bytes does not fit the items of its type, expected {expected}")]
    KeyLength {
        /// Length of the key, in bytes.
        length: usize,
        /// Length that fits, in bytes.
        expected: usize,
    },
    /// The library could not sign.
    #[error("failed to sign with {scheme}")]
    Signing {
        /// The scheme asked for.
        scheme: Scheme,
    },
}

impl Scheme {
    /// The kind of key this scheme uses.
    #[must_use]
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::RsaPssSha256 | Self::RsaPssSha512 => KeyKind::Rsa,
            Self::Ed25519 => KeyKind::Ed25519,
            Self::Eip191Secp256k1 => KeyKind::Secp256k1,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RsaPssSha256 => "rsa-pss-sha256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::Ed25519 => "ed25519",
            Self::Eip191Secp256k1 => "eip191-secp256k1",
        })
    }
}
