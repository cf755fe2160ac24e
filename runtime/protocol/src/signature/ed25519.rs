//! Ed25519. Source: RFC 8032.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

/// Length of a public key, in bytes.
pub(super) const KEY_LENGTH: usize = 32;

pub(super) fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_and_message_alone() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = pair.public_key().as_ref();
        let signature = pair.sign(b"message");
        assert!(verify(key, b"message", signature.as_ref()));
        assert!(!verify(key, b"massage", signature.as_ref()));
        assert!(!verify(&[7; KEY_LENGTH], b"message", signature.as_ref()));
        assert!(!verify(key, b"message", &[]));
    }
}
