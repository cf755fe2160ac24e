//! A set of hashes that may say yes wrongly, never no (Bloom, 1970).

/// Bits that each hash sets.
const BITS_OF_HASH: u64 = 7;

#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<u64>,
    bits: u64,
    /// Other hashes are mistaken for one another in another filter.
    salt: u64,
}

impl Filter {
    pub(super) fn new(bytes: usize, salt: u64) -> Self {
        let words = (bytes / 8).max(1);
        Self { words: vec![0; words], bits: words as u64 * 64, salt }
    }

    /// The hash is one already, so its own bytes say where.
    fn places(&self, hash: &[u8; 32]) -> impl Iterator<Item = (usize, u64)> + use<> {
        let mut words = hash.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let (first, second) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
        let (start, step) = (first ^ self.salt, second.rotate_left(17) ^ self.salt | 1);
        let bits = self.bits;
        (0..BITS_OF_HASH).map(move |number| {
            let bit = start.wrapping_add(number.wrapping_mul(step)) % bits;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    pub(super) fn insert(&mut self, hash: &[u8; 32]) {
        for (word, bit) in self.places(hash) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn may_contain(&self, hash: &[u8; 32]) -> bool {
        self.places(hash)
            .all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::page_key;

    #[test]
    fn what_is_in_it_is_found_and_little_else() {
        let mut filter = Filter::new(10_000 * 10 / 8, 7);
        let hash = |number: u32| page_key(&number.to_be_bytes());
        (0..10_000).for_each(|number| filter.insert(&hash(number)));
        assert!((0..10_000).all(|number| filter.may_contain(&hash(number))));
        let wrong = (10_000..20_000).filter(|number| filter.may_contain(&hash(*number))).count();
        assert!(wrong < 200, "{wrong} of 10 000");
    }
}
