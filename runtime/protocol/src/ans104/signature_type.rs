//! The signature types of items. Source: the public ANS-104 standard.

use crate::ans104::deep_hash::DeepHash;
use crate::signature::{KeyKind, PublicKey, Scheme, SignatureError};

/// What signs an item.
///
/// | Type       | Number | Signature | Owner                   | Signed message                    |
/// |------------|--------|-----------|-------------------------|-----------------------------------|
/// | `Arweave`  | 1      | 512       | 512, RSA modulus        | deep hash                         |
/// | `Ed25519`  | 2      | 64        | 32                      | deep hash                         |
/// | `Ethereum` | 3      | 65        | 65, uncompressed point  | deep hash, in an EIP-191 envelope |
/// | `Solana`   | 4      | 64        | 32                      | hex text of the deep hash         |
///
/// Lengths in bytes. Solana's browser wallets sign text only, hence the hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SignatureType {
    /// RSA-4096 PSS with SHA-256.
    #[default]
    Arweave,
    /// Ed25519.
    Ed25519,
    /// secp256k1 as Ethereum wallets sign messages.
    Ethereum,
    /// Ed25519 as Solana's browser wallets sign messages.
    Solana,
}

/// One row of the table above.
struct Row {
    number: u16,
    signature_length: usize,
    owner_length: usize,
    scheme: Scheme,
}

impl SignatureType {
    /// Every type, by number.
    pub const ALL: [Self; 4] = [Self::Arweave, Self::Ed25519, Self::Ethereum, Self::Solana];

    /// The type of this number, if it is known.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.number() == number)
    }

    /// The type of an item that the owner of `key` signs in a program: never `Solana`, which is for
    /// browser wallets.
    ///
    /// # Errors
    /// An RSA key that is not of 4096 bits.
    pub(crate) fn of(key: &PublicKey) -> Result<Self, SignatureError> {
        let signature_type = match key.kind() {
            KeyKind::Rsa => Self::Arweave,
            KeyKind::Ed25519 => Self::Ed25519,
            KeyKind::Secp256k1 => Self::Ethereum,
        };
        let (length, expected) = (key.as_bytes().len(), signature_type.owner_length());
        let fits = length == expected;
        fits.then_some(signature_type).ok_or(SignatureError::KeyLength { length, expected })
    }

    /// The number that items carry, 1 to 4.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.row().number
    }

    /// Length of a signature, in bytes.
    #[must_use]
    pub const fn signature_length(self) -> usize {
        self.row().signature_length
    }

    /// Length of an owner, in bytes.
    #[must_use]
    pub const fn owner_length(self) -> usize {
        self.row().owner_length
    }

    /// How the message is signed.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        self.row().scheme
    }

    /// The message that the scheme signs for an item of this deep hash.
    #[must_use]
    pub fn message(self, deep_hash: &DeepHash) -> Vec<u8> {
        match self {
            Self::Arweave | Self::Ed25519 | Self::Ethereum => deep_hash.to_vec(),
            Self::Solana => {
                deep_hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
            }
        }
    }

    const fn row(self) -> Row {
        let (number, signature_length, owner_length, scheme) = match self {
            Self::Arweave => (1, 512, 512, Scheme::RsaPssSha256),
            Self::Ed25519 => (2, 64, 32, Scheme::Ed25519),
            Self::Ethereum => (3, 65, 65, Scheme::Eip191Secp256k1),
            Self::Solana => (4, 64, 32, Scheme::Ed25519),
        };
        Row { number, signature_length, owner_length, scheme }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_types() {
        for known in SignatureType::ALL {
            assert_eq!(SignatureType::from_number(known.number()), Some(known));
        }
        for unknown in [0, 5, 256, u16::MAX] {
            assert_eq!(SignatureType::from_number(unknown), None);
        }
    }

    #[test]
    fn an_rsa_key_of_another_size_cannot_own_an_item() {
        let key = PublicKey::new(Scheme::RsaPssSha256, vec![1; 256]).unwrap();
        let expected = SignatureError::KeyLength { length: 256, expected: 512 };
        assert_eq!(SignatureType::of(&key), Err(expected));
    }
}
