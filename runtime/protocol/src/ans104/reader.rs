//! Takes an item apart from front to back, sharing its bytes.

use bytes::Bytes;

use crate::ans104::item::ItemError;

/// Longest varint: 10 bytes of 7 bits hold 64.
const MAX_VARINT_LENGTH: u32 = 10;

/// What is left of an item, and how much was taken.
pub(super) struct Reader {
    input: Bytes,
    offset: usize,
}

impl Reader {
    pub(super) fn new(input: Bytes) -> Self {
        Self { input, offset: 0 }
    }

    /// Bytes taken so far.
    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    /// All that is left.
    pub(super) fn rest(self) -> Bytes {
        self.input
    }

    /// The next `length` bytes; `part` is what an error calls them.
    pub(super) fn take(&mut self, part: &'static str, length: usize) -> Result<Bytes, ItemError> {
        if length > self.input.len() {
            return Err(ItemError::Truncated { part, offset: self.offset });
        }
        self.offset += length;
        Ok(self.input.split_to(length))
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(
        &mut self,
        part: &'static str,
    ) -> Result<[u8; N], ItemError> {
        let mut array = [0; N];
        array.copy_from_slice(&self.take(part, N)?);
        Ok(array)
    }

    /// 32 bytes after a flag of 1, or none after a flag of 0.
    pub(super) fn optional_32(
        &mut self,
        part: &'static str,
    ) -> Result<Option<[u8; 32]>, ItemError> {
        let offset = self.offset;
        match self.array(part)? {
            [0] => Ok(None),
            [1] => self.array(part).map(Some),
            [flag] => Err(ItemError::Flag { part, flag, offset }),
        }
    }

    /// A zigzag varint that is a length: not negative, and in range.
    pub(super) fn length(&mut self, part: &'static str) -> Result<usize, ItemError> {
        let malformed = ItemError::Length { part, offset: self.offset };
        let mut value: u64 = 0;
        for position in 0..MAX_VARINT_LENGTH {
            let [byte] = self.array(part)?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (7 * position);
            if shifted >> (7 * position) != bits {
                return Err(malformed);
            }
            value |= shifted;
            if byte < 0x80 {
                let positive = value & 1 == 0;
                let length = positive.then(|| usize::try_from(value >> 1).ok()).flatten();
                return length.ok_or(malformed);
            }
        }
        Err(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(bytes: &[u8]) -> Result<usize, ItemError> {
        Reader::new(Bytes::copy_from_slice(bytes)).length("part")
    }

    #[test]
    fn lengths_are_zigzag_varints() {
        assert_eq!(length(&[0]), Ok(0));
        assert_eq!(length(&[2]), Ok(1));
        assert_eq!(length(&[0x80, 1]), Ok(64));
        let longest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(length(&longest), Ok((u64::MAX >> 1) as usize));
    }

    #[test]
    fn negative_oversized_and_endless_lengths_are_refused() {
        let malformed = Err(ItemError::Length { part: "part", offset: 0 });
        assert_eq!(length(&[1]), malformed);
        assert_eq!(length(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), malformed);
        assert_eq!(length(&[0x80; 11]), malformed);
        assert_eq!(length(&[0x80]), Err(ItemError::Truncated { part: "part", offset: 1 }));
    }
}
