//! Base64 as the network uses it. Source: spec 01, section 6.
//!
//! | Where                                                  | Alphabet | Padding |
//! |--------------------------------------------------------|----------|---------|
//! | ids, addresses, signatures in messages                 | URL      | no      |
//! | structured-field byte sequences, `publickey:` key ids  | standard | yes     |
//! | whatever is read                                       | both, even mixed | correct or none |

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Text that is not base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not base64")]
pub struct Base64Error(#[from] base64::DecodeError);

/// URL alphabet, unpadded.
#[must_use]
pub fn encode_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Standard alphabet, padded.
#[must_use]
pub fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads both alphabets, with correct padding or none.
///
/// # Errors
/// Any other byte, wrong padding, or a length of 1 modulo 4.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, Base64Error> {
    Ok(LENIENT.decode(standard_alphabet(text.as_ref()))?)
}

/// Reads exactly 32 bytes without allocating: the length of every id.
pub(crate) fn decode_32(text: &[u8; 43]) -> Option<[u8; 32]> {
    // One byte more than needed: the decoder asks for room for whole quads.
    let mut bytes = [0; 33];
    let mut standard = *text;
    standard.iter_mut().for_each(|byte| *byte = standard_byte(*byte));
    let length = LENIENT.decode_slice(standard, &mut bytes).ok()?;
    (length == 32).then_some(())?;
    bytes.first_chunk().copied()
}

fn standard_alphabet(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().any(|byte| matches!(byte, b'-' | b'_')) {
        Cow::Owned(text.iter().map(|byte| standard_byte(*byte)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

const fn standard_byte(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_even_mixed() {
        assert_eq!(decode("-_+/").unwrap(), decode("+/+/").unwrap());
    }

    #[test]
    fn padding_may_be_right_or_absent_but_not_wrong() {
        assert_eq!(decode("aGk").unwrap(), b"hi");
        assert_eq!(decode("aGk=").unwrap(), b"hi");
        assert_eq!(decode("").unwrap(), b"");
        for wrong in ["aGk==", "a", "aGk=x", "a=b=", "a b", "aGk\n"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn writing_is_url_without_padding_or_standard_with() {
        assert_eq!(encode_url(&[0xfb, 0xff]), "-_8");
        assert_eq!(encode_standard(&[0xfb, 0xff]), "+/8=");
    }
}
