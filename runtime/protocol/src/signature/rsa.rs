//! RSASSA-PSS with the public exponent 65537. Source: spec 03, section 1; RFC 8017, section 8.1.
//!
//! Salts are as long as the hash when signing. When verifying they may have any length: the usual
//! one costs a single verification. After a failure [`salt_length`] opens the signature, which is
//! slower, and only a well-formed padding around another salt is worth a second verification.

mod salt_length;

use aws_lc_rs::digest;
use aws_lc_rs::rsa::{KeyPair, PublicKeyComponents};
use aws_lc_rs::signature::{
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA512,
    RsaParameters, RsaPssSaltLength, RsaSignatureEncoding,
};

/// The public exponent of every key, 65537, big-endian.
pub(crate) const EXPONENT: [u8; 3] = [1, 0, 1];

/// Lengths of a modulus in bytes: 2048 to 4096 bits.
const MODULUS_LENGTHS: std::ops::RangeInclusive<usize> = 256..=512;

/// The hash of message and padding.
#[derive(Clone, Copy)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    const fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    const fn parameters(self) -> RsaParameters {
        match self {
            Self::Sha256 => RSA_PSS_2048_8192_SHA256,
            Self::Sha512 => RSA_PSS_2048_8192_SHA512,
        }
    }

    const fn encoding(self) -> &'static RsaSignatureEncoding {
        match self {
            Self::Sha256 => &RSA_PSS_SHA256,
            Self::Sha512 => &RSA_PSS_SHA512,
        }
    }
}

/// A leading zero is refused: it would give one key two addresses.
pub(crate) fn is_modulus(bytes: &[u8]) -> bool {
    MODULUS_LENGTHS.contains(&bytes.len()) && bytes.first() != Some(&0)
}

pub(super) fn verify(hash: Hash, modulus: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = PublicKeyComponents { n: modulus, e: EXPONENT.as_slice() };
    if signature.len() != modulus.len() {
        return false;
    }
    if key.verify(&hash.parameters(), message, signature).is_ok() {
        return true;
    }
    let algorithm = hash.algorithm();
    let Some(salt) = salt_length::of(algorithm, modulus, signature) else { return false };
    let parameters = hash.parameters().with_pss_salt_length(RsaPssSaltLength::Custom(salt));
    usize::from(salt) != algorithm.output_len()
        && key.verify(&parameters, message, signature).is_ok()
}

/// Signs; `None` if the library fails, which the checked keys of a wallet give no cause for.
pub(crate) fn sign(hash: Hash, pair: &KeyPair, message: &[u8]) -> Option<Vec<u8>> {
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(hash.encoding(), &random, message, &mut signature).ok()?;
    Some(signature)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    fn pair() -> &'static KeyPair {
        static PAIR: OnceLock<KeyPair> = OnceLock::new();
        PAIR.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// The 256 bytes after the tag and length of a DER `RSAPublicKey`.
    fn modulus(pair: &KeyPair) -> &[u8] {
        &pair.public_key().as_ref()[9..9 + 256]
    }

    fn signed(encoding: &'static RsaSignatureEncoding) -> Vec<u8> {
        let mut signature = vec![0; 256];
        pair().sign(encoding, &SystemRandom::new(), b"message", &mut signature).unwrap();
        signature
    }

    fn holds(hash: Hash, signature: &[u8]) -> bool {
        verify(hash, modulus(pair()), b"message", signature)
    }

    #[test]
    fn a_signature_holds_for_its_key_hash_and_message_alone() {
        let signature = sign(Hash::Sha512, pair(), b"message").unwrap();
        assert!(holds(Hash::Sha512, &signature));
        assert!(!holds(Hash::Sha256, &signature));
        assert!(!verify(Hash::Sha512, modulus(pair()), b"massage", &signature));
        assert!(!holds(Hash::Sha512, &signature[1..]));
    }

    #[test]
    fn salts_of_every_length_verify() {
        use RsaPssSaltLength::{Custom, Max};
        static SIGNERS: [RsaSignatureEncoding; 5] = [
            RSA_PSS_SHA256.with_pss_salt_length(Custom(0)),
            RSA_PSS_SHA256.with_pss_salt_length(Custom(1)),
            RSA_PSS_SHA256.with_pss_salt_length(Custom(20)),
            RSA_PSS_SHA256.with_pss_salt_length(Custom(64)),
            RSA_PSS_SHA256.with_pss_salt_length(Max),
        ];
        for signer in &SIGNERS {
            let mut signature = signed(signer);
            assert!(holds(Hash::Sha256, &signature), "{signer:?}");
            assert!(!verify(Hash::Sha256, modulus(pair()), b"massage", &signature), "{signer:?}");
            signature[100] ^= 1;
            assert!(!holds(Hash::Sha256, &signature), "{signer:?}");
        }
    }

    #[test]
    fn a_number_not_below_the_modulus_is_no_signature() {
        assert!(!holds(Hash::Sha256, modulus(pair())));
        assert!(!holds(Hash::Sha256, &[0xff; 256]));
        assert!(!holds(Hash::Sha256, &[0; 256]));
    }
}
