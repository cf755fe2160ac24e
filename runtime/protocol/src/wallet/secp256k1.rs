//! The key file of a secp256k1 key: its 32 bytes as hex.

use aws_lc_rs::rand;
use k256::ecdsa::SigningKey;
use zeroize::{Zeroize, Zeroizing};

use super::WalletError;

/// Of 2^128 draws about one is not a key, and is drawn again.
pub(super) fn generate() -> Result<SigningKey, WalletError> {
    let mut secret = Zeroizing::new([0; 32]);
    loop {
        rand::fill(secret.as_mut_slice()).map_err(|_| WalletError::Library)?;
        if let Ok(key) = SigningKey::from_slice(secret.as_slice()) {
            return Ok(key);
        }
    }
}

pub(super) fn read(text: &str) -> Result<SigningKey, WalletError> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let digits = <&[u8; 64]>::try_from(digits).map_err(|_| WalletError::UnknownForm)?;
    let (pairs, _) = digits.as_chunks::<2>();
    let mut secret = Zeroizing::new([0; 32]);
    for (byte, [high, low]) in secret.iter_mut().zip(pairs) {
        let value = nibble(*high).zip(nibble(*low)).ok_or(WalletError::UnknownForm)?;
        *byte = value.0 << 4 | value.1;
    }
    SigningKey::from_slice(secret.as_slice()).map_err(|_| WalletError::NotAScalar)
}

/// Lower-case digits after `0x`.
pub(super) fn write(key: &SigningKey) -> Zeroizing<String> {
    let mut secret = key.to_bytes();
    // Room for all digits at once: a string that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(66));
    text.push_str("0x");
    for byte in &secret {
        text.extend([byte >> 4, byte & 0xf].map(|nibble| char::from(digit(nibble))));
    }
    secret.as_mut_slice().zeroize();
    text
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|nibble| u8::try_from(nibble).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "4646464646464646464646464646464646464646464646464646464646464646";

    #[test]
    fn the_prefix_may_be_missing_and_is_written() {
        for text in [HEX, &format!("0x{HEX}")] {
            assert_eq!(*write(&read(text).unwrap()), format!("0x{HEX}"));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let zero = "0".repeat(64);
        assert_eq!(read(&zero).unwrap_err(), WalletError::NotAScalar);
        assert_eq!(read(&"f".repeat(64)).unwrap_err(), WalletError::NotAScalar);
        let letters = "g".repeat(64);
        for wrong in ["", "0x", &HEX[1..], &format!("{HEX}0"), &letters, &"é".repeat(32)] {
            assert_eq!(read(wrong).unwrap_err(), WalletError::UnknownForm, "{wrong}");
        }
    }
}
