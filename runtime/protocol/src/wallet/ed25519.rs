//! The key file of an ed25519 key as Solana's tools write it: a JSON array of 64 numbers from 0 to
//! 255, which are the bytes of the seed and of the public key.

use std::fmt::Write;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::WalletError;

const SEED_LENGTH: usize = 32;

pub(super) fn read(text: &str) -> Result<Ed25519KeyPair, WalletError> {
    let bytes = bytes(text).ok_or(WalletError::UnknownForm)?;
    let (seed, public) = bytes.split_at(SEED_LENGTH);
    Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(|_| WalletError::Inconsistent)
}

/// Not through a JSON library, which would leave copies behind.
fn bytes(text: &str) -> Option<Zeroizing<[u8; 2 * SEED_LENGTH]>> {
    let mut bytes = Zeroizing::new([0; 2 * SEED_LENGTH]);
    let mut numbers = text.strip_prefix('[')?.strip_suffix(']')?.split(',');
    for byte in bytes.iter_mut() {
        *byte = numbers.next()?.trim().parse().ok()?;
    }
    numbers.next().is_none().then_some(bytes)
}

pub(super) fn write(pair: &Ed25519KeyPair) -> Result<Zeroizing<String>, WalletError> {
    // A private key of RFC 8410 ends with its seed. The library zeroes this form, not its others.
    let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| WalletError::Library)?;
    let seed = document.as_ref().last_chunk::<SEED_LENGTH>().ok_or(WalletError::Library)?;
    // Room for all numbers at once: a string that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(8 * SEED_LENGTH + 1));
    let mut separator = '[';
    for byte in seed.iter().chain(pair.public_key().as_ref()) {
        write!(text, "{separator}{byte}").map_err(|_| WalletError::Library)?;
        separator = ',';
    }
    text.push(']');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; SEED_LENGTH]).unwrap();
        write(&pair).unwrap().to_string()
    }

    #[test]
    fn a_key_file_is_a_json_array_of_seed_and_public_key() {
        let numbers: Vec<u8> = serde_json::from_str(&text()).unwrap();
        assert_eq!(numbers[..SEED_LENGTH], [7; SEED_LENGTH]);
        let pair = read(&text().replace(',', ", ")).unwrap();
        assert_eq!(&numbers[SEED_LENGTH..], pair.public_key().as_ref());
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in ["", "[]", "[1,2]", &text()[1..], &text().replace("[7", "[256")] {
            assert_eq!(read(wrong).unwrap_err(), WalletError::UnknownForm, "{wrong}");
        }
        let longer = text().replace(']', ",1]");
        assert_eq!(read(&longer).unwrap_err(), WalletError::UnknownForm);
        let another_seed = text().replacen('7', "8", 1);
        assert_eq!(read(&another_seed).unwrap_err(), WalletError::Inconsistent);
    }
}
