//! How long the salt of a PSS signature is. Source: RFC 8017, section 9.1.2, steps 3 to 10.
//!
//! ```text
//! signature^65537 mod n = masked block ‖ hash ‖ bc
//! unmasked block        = 00 … 00 01 ‖ salt
//! ```
//!
//! Says nothing about the message: the hash is not checked here.

use aws_lc_rs::digest::{Algorithm, Context};
use num_bigint::BigUint;

/// The last byte of an encoded message.
const TRAILER: u8 = 0xbc;

/// Length of the salt in bytes; `None` if the signature does not open to a well-formed padding.
pub(super) fn of(hash: &'static Algorithm, modulus: &[u8], signature: &[u8]) -> Option<u16> {
    let modulus = BigUint::from_bytes_be(modulus);
    let encoded_bits = modulus.bits().checked_sub(1)?;
    let encoded = open(&modulus, signature, encoded_bits)?;
    let (trailer, rest) = encoded.split_last()?;
    (*trailer == TRAILER).then_some(())?;
    let (masked, seed) = rest.split_at_checked(rest.len().checked_sub(hash.output_len())?)?;
    let block = masked.iter().zip(mask(hash, seed)).map(|(byte, mask)| byte ^ mask);
    let block = std::iter::once(first_byte_mask(encoded_bits))
        .chain(std::iter::repeat(0xff))
        .zip(block)
        .map(|(kept, byte)| byte & kept);
    let (zeros, separator) = block.enumerate().find(|(_, byte)| *byte != 0)?;
    (separator == 1).then_some(())?;
    u16::try_from(masked.len() - zeros - 1).ok()
}

/// The encoded message, padded with zeros to its length. Public numbers: time may tell them.
fn open(modulus: &BigUint, signature: &[u8], encoded_bits: u64) -> Option<Vec<u8>> {
    let signature = BigUint::from_bytes_be(signature);
    let squared = (0..16).fold(signature.clone(), |power, _| &power * &power % modulus);
    let opened = (squared * signature % modulus).to_bytes_be();
    let length = usize::try_from(encoded_bits.div_ceil(8)).ok()?;
    let mut encoded = vec![0; length.checked_sub(opened.len())?];
    encoded.extend(opened);
    Some(encoded)
}

/// MGF1 of the seed. Source: RFC 8017, section B.2.1.
fn mask(hash: &'static Algorithm, seed: &[u8]) -> impl Iterator<Item = u8> {
    let mut seeded = Context::new(hash);
    seeded.update(seed);
    (0_u32..).flat_map(move |counter| {
        let mut context = seeded.clone();
        context.update(&counter.to_be_bytes());
        context.finish().as_ref().to_vec()
    })
}

/// Keeps of the first byte the bits that the encoded message has.
const fn first_byte_mask(encoded_bits: u64) -> u8 {
    match encoded_bits % 8 {
        0 => 0xff,
        bits => 0xff >> (8 - bits),
    }
}
