//! Ids: 32 bytes that name a message. Source: spec 01, section 6 and spec 03, section 8.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};

use crate::base64;

/// Length of the text form of an [`Id`], in bytes.
pub const ID_TEXT_LENGTH: usize = 43;

/// The name of a message: 32 bytes, written as 43 characters of base64 (URL alphabet, unpadded).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 32]);

/// Text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 43 characters of base64, found {length} bytes")]
#[non_exhaustive]
pub struct InvalidId {
    /// Length of what was found, in bytes.
    pub length: usize,
}

impl Id {
    /// SHA-256 of `bytes`: the id of a byte string, a key or a signature.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(id)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the native (32 bytes) or the text form (43 bytes).
    ///
    /// # Errors
    /// Any other length, or 43 bytes that are not base64.
    pub fn from_native_or_text(bytes: &[u8]) -> Result<Self, InvalidId> {
        let invalid = InvalidId { length: bytes.len() };
        if let Ok(native) = <[u8; 32]>::try_from(bytes) {
            return Ok(Self(native));
        }
        let text = <&[u8; ID_TEXT_LENGTH]>::try_from(bytes).map_err(|_| invalid.clone())?;
        base64::decode_32(text).map(Self).ok_or(invalid)
    }

    /// The sum of ids as big-endian integers modulo 2^256; of one id, that id. Of none, zero.
    ///
    /// The order of the ids does not matter. Source: spec 03, section 8.2.
    #[must_use]
    pub fn sum(ids: impl IntoIterator<Item = Self>) -> Self {
        ids.into_iter().fold(Self([0; 32]), Self::plus)
    }

    fn plus(self, other: Self) -> Self {
        let mut sum = [0; 32];
        let mut carry = 0;
        for (byte, (a, b)) in sum.iter_mut().zip(self.0.iter().zip(&other.0)).rev() {
            let [high, low] = (u16::from(*a) + u16::from(*b) + carry).to_be_bytes();
            carry = u16::from(high);
            *byte = low;
        }
        Self(sum)
    }
}

impl From<[u8; 32]> for Id {
    fn from(native: [u8; 32]) -> Self {
        Self(native)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == ID_TEXT_LENGTH {
            Self::from_native_or_text(text.as_bytes())
        } else {
            Err(InvalidId { length: text.len() })
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode_url(&self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_reads_back_from_its_text() {
        let hello = Id::of(b"hello");
        assert_eq!(hello.to_string(), "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ");
        assert_eq!(id(&hello.to_string()), hello);
        assert_eq!(Id::from_native_or_text(hello.as_bytes()), Ok(hello));
    }

    #[test]
    fn ids_add_up_modulo_two_to_the_256() {
        let sum = Id::sum([
            id("EMhUmcqThorF2YtkQkNfjAJoPsLZqPDVAJW5ZIvBhyo"),
            id("zE02RxUEFUcmrLQCzMxUvpaBuEMhQakaugk_bIOCwu0"),
        ]);
        assert_eq!(sum, id("3RWK4N-Xm9Hshj9nDw-0Spjp9wX66pnvup740Q9EShc"));
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(Id::sum([Id([0xff; 32]), Id(one)]), Id([0; 32]));
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
        assert_eq!("abc".parse::<Id>(), Err(InvalidId { length: 3 }));
        assert!("!".repeat(43).parse::<Id>().is_err());
        assert!("a".repeat(32).parse::<Id>().is_err(), "text is 43 bytes, never 32");
    }
}
