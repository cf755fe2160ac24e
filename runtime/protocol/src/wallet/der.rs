//! Just enough DER to take the numbers out of an RSA key. Source: RFC 8017, appendix A.1.
//!
//! ```text
//! public key   SEQUENCE { n, e }
//! private key  SEQUENCE { 0, SEQUENCE algorithm, OCTET STRING {
//!                  SEQUENCE { 0, n, e, d, p, q, dp, dq, qi } } }
//! ```

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The modulus, big-endian, without leading zeros.
pub(super) fn modulus(pair: &KeyPair) -> Option<Vec<u8>> {
    let (mut key, _) = value(SEQUENCE, pair.public_key().as_ref())?;
    integer(&mut key).map(<[u8]>::to_vec)
}

/// n, e, d, p, q, dp, dq and qi of a PKCS #8 document, big-endian, without leading zeros.
pub(super) fn private_numbers(document: &[u8]) -> Option<[&[u8]; 8]> {
    let (mut document, _) = value(SEQUENCE, document)?;
    integer(&mut document)?;
    let (_algorithm, rest) = value(SEQUENCE, document)?;
    let (key, _) = value(OCTET_STRING, rest)?;
    let (mut key, _) = value(SEQUENCE, key)?;
    integer(&mut key)?;
    let mut numbers = [[].as_slice(); 8];
    for number in &mut numbers {
        *number = integer(&mut key)?;
    }
    Some(numbers)
}

fn integer<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (number, rest) = value(INTEGER, input)?;
    *input = rest;
    Some(number.strip_prefix(&[0]).unwrap_or(number))
}

/// The contents of the first value, which must have this tag, and what follows it.
fn value(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(*first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().try_fold(0_usize, |length, byte| {
                length.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
            (length, rest)
        }
    };
    rest.split_at_checked(length).filter(|_| *found == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_a_short_and_a_long_form() {
        assert_eq!(value(INTEGER, &[2, 1, 7, 9]), Some(([7].as_slice(), [9].as_slice())));
        assert_eq!(value(INTEGER, &[2, 0x81, 1, 7]), Some(([7].as_slice(), [].as_slice())));
        assert_eq!(value(INTEGER, &[2, 0x82, 0, 1, 7]), Some(([7].as_slice(), [].as_slice())));
    }

    #[test]
    fn what_is_cut_short_or_of_another_tag_is_nothing() {
        for wrong in [[].as_slice(), &[2], &[2, 1], &[2, 0x82, 1], &[2, 0xff, 1], &[4, 1, 7]] {
            assert_eq!(value(INTEGER, wrong), None, "{wrong:?}");
        }
    }
}
