//! The canonical order of a message's keys. Source: spec 01, section 4.
//!
//! Signature bases, ids and headers list keys in the order in which the network's first runtime
//! enumerates its maps: byte order up to 32 keys, beyond that by a 64-bit hash of the key.

use std::cmp::Reverse;

use crate::Key;

/// Largest number of keys that are kept in byte order.
pub const SORTED_KEYS: usize = 32;

const C1: u64 = 0x87C3_7B91_1142_53D5;
const C2: u64 = 0x4CF5_AD43_2745_937F;
/// What marks a byte string among the terms that the hash takes.
const BYTES_TAG: u64 = 11;

/// Puts entries that are in byte order into the order of enumeration: signature bases, `ao-ids`,
/// part headers and bundle entries follow it.
pub(crate) fn enumerate<T>(entries: &mut [T], key: impl Fn(&T) -> &Key) {
    if entries.len() > SORTED_KEYS {
        entries.sort_by_cached_key(|entry| Reverse(rank(key(entry))));
    }
}

/// Puts entries that are in byte order into ascending order: JSON objects follow it.
pub(crate) fn ascend<T>(entries: &mut [T], key: impl Fn(&T) -> &Key) {
    if entries.len() > SORTED_KEYS {
        entries.sort_by_cached_key(|entry| rank(key(entry)));
    }
}

/// The hash with its nibbles reversed, so that numbers compare as the nibbles do from the lowest up.
fn rank(key: &Key) -> u64 {
    let bytes = key_hash(key.as_bytes()).swap_bytes();
    (bytes & 0x0F0F_0F0F_0F0F_0F0F) << 4 | (bytes & 0xF0F0_F0F0_F0F0_F0F0) >> 4
}

/// The runtime's hash of a byte string: MurmurHash3 with 128 bits of state, folded to 64.
fn key_hash(key: &[u8]) -> u64 {
    let mut state = State { a: 0, b: 0, rounds: 0 };
    state.mix_a(BYTES_TAG);
    state.mix_b((key.len() as u64).wrapping_mul(8));
    let (blocks, rest) = key.as_chunks::<16>();
    for block in blocks {
        let (low, high) = block.split_at(8);
        state.mix_a(little_endian(low));
        state.mix_b(little_endian(high));
    }
    let (low, high) = rest.split_at(rest.len().min(8));
    state.b ^= scramble_b(little_endian(high));
    state.a ^= scramble_a(little_endian(low));
    state.finish()
}

struct State {
    a: u64,
    b: u64,
    rounds: u64,
}

impl State {
    fn mix_a(&mut self, word: u64) {
        self.a = (self.a ^ scramble_a(word)).rotate_left(27).wrapping_add(self.b);
        self.a = self.a.wrapping_mul(5).wrapping_add(0x52DC_E729);
        self.rounds += 1;
    }

    fn mix_b(&mut self, word: u64) {
        self.b = (self.b ^ scramble_b(word)).rotate_left(31).wrapping_add(self.a);
        self.b = self.b.wrapping_mul(5).wrapping_add(0x3849_5AB5);
        self.rounds += 1;
    }

    fn finish(self) -> u64 {
        let (mut a, mut b) = (self.a ^ self.rounds, self.b ^ self.rounds);
        a = a.wrapping_add(b);
        b = b.wrapping_add(a);
        a = avalanche(a);
        b = avalanche(b);
        a = a.wrapping_add(b);
        b = b.wrapping_add(a);
        a ^ b
    }
}

const fn scramble_a(word: u64) -> u64 {
    word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

const fn scramble_b(word: u64) -> u64 {
    word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

const fn avalanche(mut word: u64) -> u64 {
    word ^= word >> 33;
    word = word.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    word ^= word >> 33;
    word = word.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    word ^ word >> 33
}

/// Up to eight bytes as a number, the first the lowest.
fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_runtimes() {
        assert_eq!(key_hash(b"1"), 15_444_958_360_683_944_063);
        assert_eq!(key_hash(b"2"), 12_749_355_973_646_688_026);
        assert_eq!(key_hash(b"3"), 7_655_591_757_353_768_689);
        assert_eq!(key_hash(b"4"), 6_549_325_213_881_147_918);
    }

    #[test]
    fn forty_keys_enumerate_by_hash() {
        let mut keys: Vec<Key> = (1..=40).map(Key::number).collect();
        keys.sort();
        enumerate(&mut keys, |key| key);
        let expected = "1 36 16 7 23 4 32 14 29 19 39 33 35 13 15 8 2 25 21 37 6 9 22 38 34 10 18 \
                        12 28 40 24 17 30 11 20 3 26 5 27 31";
        assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
        ascend(&mut keys, |key| key);
        assert_eq!(keys, expected.split(' ').rev().collect::<Vec<_>>());
    }

    #[test]
    fn up_to_32_keys_stay_in_byte_order() {
        let mut keys: Vec<Key> = (1..=32).map(Key::number).collect();
        keys.sort();
        let sorted = keys.clone();
        enumerate(&mut keys, |key| key);
        assert_eq!(keys, sorted);
    }
}
