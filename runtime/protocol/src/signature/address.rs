//! Addresses: the short names of keys. Source: spec 03, section 2; spec 01, section 6; EIP-55.
//!
//! | Key          | Address                                   | Text                                  |
//! |--------------|-------------------------------------------|---------------------------------------|
//! | RSA, ed25519 | SHA-256 of the key's bytes                | 43 characters of base64               |
//! | secp256k1    | last 20 bytes of Keccak-256 of the point  | `0x` and 40 hex digits, EIP-55 case   |

use std::fmt;
use std::str::FromStr;

use crate::Id;
use crate::signature::secp256k1::keccak256;

/// The name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// SHA-256 of the key's bytes.
    Hash(Id),
    /// The Ethereum form.
    Ethereum([u8; 20]),
}

/// Text that is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// Neither form.
    #[error("not an address: expected 43 characters of base64 or 0x and 40 hex digits")]
    Form,
    /// Hex digits of both cases that are not those of EIP-55.
    #[error("wrong checksum in Ethereum address")]
    Checksum,
}

impl FromStr for Address {
    type Err = InvalidAddress;

    /// Reads 43 characters of base64, or `0x` and 40 hex digits: all lower case, all upper case,
    /// or with the right checksum.
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let Some(digits) = text.strip_prefix("0x") else {
            return text.parse().map(Self::Hash).map_err(|_| InvalidAddress::Form);
        };
        let address = Self::Ethereum(twenty_bytes(digits).ok_or(InvalidAddress::Form)?);
        let one_case = !digits.bytes().any(|digit| digit.is_ascii_lowercase())
            || !digits.bytes().any(|digit| digit.is_ascii_uppercase());
        if one_case || address.to_string() == text {
            Ok(address)
        } else {
            Err(InvalidAddress::Checksum)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(id) => id.fmt(f),
            Self::Ethereum(bytes) => write!(f, "0x{}", checksummed(bytes)),
        }
    }
}

/// 40 hex digits; a letter is upper case where the hash of the lower-case text has 8 or more.
fn checksummed(bytes: &[u8; 20]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = keccak256(&[digits.as_bytes()]);
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let cased = digits.chars().zip(nibbles);
    cased
        .map(|(digit, nibble)| if nibble < 8 { digit } else { digit.to_ascii_uppercase() })
        .collect()
}

fn twenty_bytes(digits: &str) -> Option<[u8; 20]> {
    let nibbles: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|nibble| u8::try_from(nibble).ok()))
        .collect::<Option<_>>()?;
    let (pairs, []) = nibbles.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From EIP-55.
    const CHECKSUMMED: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn ethereum_addresses_are_written_with_their_checksum() {
        for text in CHECKSUMMED {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
            assert_eq!(text.to_lowercase().parse::<Address>().unwrap().to_string(), text);
            let upper = format!("0x{}", text[2..].to_uppercase());
            assert_eq!(upper.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let wrong = CHECKSUMMED[0].replace("Ae", "aE");
        assert_eq!(wrong.parse::<Address>(), Err(InvalidAddress::Checksum));
    }

    #[test]
    fn a_hash_address_is_an_id() {
        let id = Id::of(b"key");
        assert_eq!(id.to_string().parse(), Ok(Address::Hash(id)));
        assert_eq!(Address::Hash(id).to_string(), id.to_string());
    }

    #[test]
    fn other_texts_are_not_addresses() {
        for wrong in ["", "0x", "0x12", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xé"] {
            assert_eq!(wrong.parse::<Address>(), Err(InvalidAddress::Form), "{wrong}");
        }
        let long = format!("{}00", CHECKSUMMED[0]);
        assert_eq!(long.parse::<Address>(), Err(InvalidAddress::Form));
        let not_hex = format!("0x{}", "g".repeat(40));
        assert_eq!(not_hex.parse::<Address>(), Err(InvalidAddress::Form));
    }
}
