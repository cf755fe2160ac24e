//! ECDSA on secp256k1 over Keccak-256 in the EIP-191 envelope of `personal_sign`.
//!
//! ```text
//! hash      = keccak256("\x19Ethereum Signed Message:\n" ‖ decimal length of message ‖ message)
//! signature = r, 32 bytes ‖ s, 32 bytes, in the lower half ‖ v, 27 or 28
//! ```
//!
//! A signature with s in the upper half or with another v means the same, and is refused: the id
//! of an item is the hash of its signature, and one signed item shall have one id.

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use sha3::{Digest, Keccak256};

const ENVELOPE: &[u8] = b"\x19Ethereum Signed Message:\n";

/// The v of a signature whose nonce point has an even y; 28 if it is odd.
const EVEN: u8 = 27;

/// Length of the uncompressed form of a public key, in bytes.
pub(crate) const POINT_LENGTH: usize = 65;

/// Checks a signature by recovering its key, which is as much work as verifying and covers `v` too.
pub(super) fn verify(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    recover(message, signature).is_some_and(|recovered| recovered == point)
}

/// The uncompressed form of the key that made `signature`.
pub(super) fn recover(message: &[u8], signature: &[u8]) -> Option<[u8; POINT_LENGTH]> {
    let (v, scalars) = signature.split_last()?;
    let parity = RecoveryId::from_byte(v.checked_sub(EVEN)?).filter(|id| !id.is_x_reduced())?;
    let scalars = Signature::from_slice(scalars).ok()?;
    let in_lower_half = scalars.normalize_s() == scalars;
    in_lower_half.then_some(())?;
    point(&VerifyingKey::recover_from_prehash(&personal_hash(message), &scalars, parity).ok()?)
}

/// Signs; the nonce is that of RFC 6979, so that the same message has the same signature.
pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let (scalars, parity) = key.sign_prehash_recoverable(&personal_hash(message));
    let mut signature = scalars.to_bytes().to_vec();
    signature.push(EVEN + u8::from(parity.is_y_odd()));
    signature
}

/// Reads the compressed or the uncompressed form of a key, and writes the latter.
pub(super) fn uncompressed(bytes: &[u8]) -> Option<[u8; POINT_LENGTH]> {
    point(&VerifyingKey::from_sec1_bytes(bytes).ok()?)
}

pub(crate) fn point(key: &VerifyingKey) -> Option<[u8; POINT_LENGTH]> {
    key.to_sec1_point(false).as_bytes().try_into().ok()
}

/// Last 20 bytes of the hash of a point without its first byte, which tells the form.
pub(super) fn address(point: &[u8]) -> [u8; 20] {
    let (_form, coordinates) = point.split_at_checked(1).unwrap_or_default();
    let mut address = [0; 20];
    address.copy_from_slice(keccak256(&[coordinates]).split_at(12).1);
    address
}

/// Keccak-256 (not SHA3-256) of the parts, one after the other.
pub(super) fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Keccak256::new(), Keccak256::chain_update).finalize().into()
}

fn personal_hash(message: &[u8]) -> [u8; 32] {
    keccak256(&[ENVELOPE, message.len().to_string().as_bytes(), message])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::Scheme;

    /// The key of EIP-155's example.
    const KEY: [u8; 32] = [0x46; 32];

    fn key() -> SigningKey {
        SigningKey::from_slice(&KEY).unwrap()
    }

    fn key_point() -> [u8; POINT_LENGTH] {
        point(key().verifying_key()).unwrap()
    }

    #[test]
    fn the_key_of_the_ethereum_standard_has_its_address() {
        // EIP-155: the sender of its example.
        let expected: [u8; 20] = [
            0x9d, 0x8a, 0x62, 0xf6, 0x56, 0xa8, 0xd1, 0x61, 0x5c, 0x12, 0x94, 0xfd, 0x71, 0xe9,
            0xcf, 0xb3, 0xe4, 0x85, 0x5a, 0x4f,
        ];
        assert_eq!(address(&key_point()), expected);
    }

    #[test]
    fn a_signature_holds_for_its_key_and_message_alone() {
        let signature = sign(&key(), b"message");
        assert_eq!(recover(b"message", &signature), Some(key_point()));
        assert!(verify(&key_point(), b"message", &signature));
        assert!(!verify(&key_point(), b"massage", &signature));
    }

    #[test]
    fn a_signature_is_what_wallets_make() {
        // The example of web3.js, `accounts.sign`.
        let wallet = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
        let expected = "b91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd\
                        6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c";
        let wallet = crate::Wallet::from_text(wallet).unwrap();
        let signature = wallet.sign(Scheme::Eip191Secp256k1, b"Some data").unwrap();
        let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
        assert_eq!(wallet.address().to_string(), "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23");
    }

    #[test]
    fn the_other_signatures_of_the_same_meaning_are_refused() {
        let signature = sign(&key(), b"message");
        let (scalars, v) = signature.split_at(64);
        let scalars = Signature::from_slice(scalars).unwrap();
        let high = Signature::from_scalars(scalars.r(), -*scalars.s()).unwrap();
        let flipped = [high.to_bytes().as_slice(), &[55 - v[0]]].concat();
        assert!(!verify(&key_point(), b"message", &flipped), "s in the upper half");
        for other in (0..=255).filter(|other| *other != v[0]) {
            let changed = [scalars.to_bytes().as_slice(), &[other]].concat();
            assert!(!verify(&key_point(), b"message", &changed), "v {other}");
        }
    }

    #[test]
    fn the_compressed_form_of_a_key_is_read() {
        let compressed = key().verifying_key().to_sec1_point(true);
        assert_eq!(uncompressed(compressed.as_bytes()), Some(key_point()));
        assert_eq!(uncompressed(&key_point()), Some(key_point()));
        assert_eq!(uncompressed(&[]), None);
        assert_eq!(uncompressed(&[0]), None, "the point at infinity");
    }
}
