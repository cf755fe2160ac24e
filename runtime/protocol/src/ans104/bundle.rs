//! Bundles: items in a row after an index. Source: spec 02, section 8.4; the public ANS-104
//! standard.
//!
//! ```text
//! count  32 bytes
//! index  per item: size, 32 bytes ‖ id, 32 bytes
//! items  one after the other, in the order of the index
//! ```
//!
//! | Form        | Count and sizes | Id of an item |
//! |-------------|-----------------|---------------|
//! | `Reference` | big-endian      | unsigned      |
//! | `Standard`  | little-endian   | signed        |

use bytes::Bytes;

use crate::Id;
use crate::ans104::{Item, ItemError};

/// Length of a count or size, in bytes.
const NUMBER_LENGTH: usize = 32;
/// Length of one item's place in the index, in bytes.
const ROW_LENGTH: usize = NUMBER_LENGTH + 32;

/// Which of the two forms of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BundleForm {
    /// As AO-Core nodes write it.
    Reference,
    /// As the public standard says.
    Standard,
}

/// An item in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the index calls the item. Nothing has checked it: see [`Entry::parse`].
    pub id: Id,
    /// The bytes of the item.
    pub item: Bytes,
}

/// Items in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// The items, as the index names them.
    pub entries: Vec<Entry>,
}

/// Bytes that are not a bundle, or an item that has no place in one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The input ends within the index, or the count is too large for it.
    #[error("bundle of {length} bytes ends within its index")]
    Index {
        /// Length of the input, in bytes.
        length: usize,
    },
    /// The input ends within an item, or its size is too large for it.
    #[error("bundle ends within item {index}")]
    Truncated {
        /// Which item, from 0.
        index: usize,
    },
    /// Bytes follow the last item.
    #[error("{length} bytes follow the last item of the bundle")]
    Trailing {
        /// How many.
        length: usize,
    },
    /// An item without a signature has no id in the standard form.
    #[error("unsigned item has no id in a standard bundle")]
    Unsigned,
    /// The item has another id than the index says.
    #[error("index of the bundle calls item {found} by the id {stated}")]
    WrongId {
        /// What the index says.
        stated: Id,
        /// What it is.
        found: Id,
    },
    /// The item cannot be read or written.
    #[error("failed to read or write an item of the bundle")]
    Item(#[from] ItemError),
}

impl BundleForm {
    /// What the index calls an item.
    ///
    /// # Errors
    /// [`BundleError::Unsigned`] in the standard form, if the item is not signed.
    pub fn id(self, item: &Item) -> Result<Id, BundleError> {
        match self {
            Self::Reference => Ok(item.unsigned_id()),
            Self::Standard => item.signed_id().ok_or(BundleError::Unsigned),
        }
    }

    /// Takes the item of one row of the index from the front of `items`.
    fn next_entry(self, row: &[u8; ROW_LENGTH], items: &mut Bytes) -> Option<Entry> {
        let (size, id) = row.split_first_chunk::<NUMBER_LENGTH>()?;
        let size = self.read_number(*size).filter(|size| *size <= items.len())?;
        let id = Id::from(*id.first_chunk::<32>()?);
        Some(Entry { id, item: items.split_to(size) })
    }

    fn read_number(self, mut bytes: [u8; NUMBER_LENGTH]) -> Option<usize> {
        if self == Self::Standard {
            bytes.reverse();
        }
        let (high, low) = bytes.split_last_chunk::<8>()?;
        let fits = high.iter().all(|byte| *byte == 0);
        fits.then(|| usize::try_from(u64::from_be_bytes(*low)).ok())?
    }

    fn write_number(self, bytes: &mut Vec<u8>, number: usize) {
        let low = (number as u64).to_be_bytes();
        let number = [0; NUMBER_LENGTH - 8].into_iter().chain(low);
        match self {
            Self::Reference => bytes.extend(number),
            Self::Standard => bytes.extend(number.rev()),
        }
    }
}

impl Entry {
    /// Writes an item as the entry of a bundle of this form.
    ///
    /// # Errors
    /// The item cannot be written or has no id in this form.
    pub fn new(form: BundleForm, item: &Item) -> Result<Self, BundleError> {
        Ok(Self { id: form.id(item)?, item: item.to_bytes()? })
    }

    /// Reads the item and checks that it has the id that the index states.
    ///
    /// # Errors
    /// The bytes are not an item, or it has another id.
    pub fn parse(&self, form: BundleForm) -> Result<Item, BundleError> {
        let item = Item::parse(self.item.clone())?;
        let found = form.id(&item)?;
        if found == self.id {
            Ok(item)
        } else {
            Err(BundleError::WrongId { stated: self.id, found })
        }
    }
}

impl Bundle {
    /// Reads a bundle; the entries share `bytes`, and their items are not read yet.
    ///
    /// # Errors
    /// The bytes are not a bundle of this form, to the last byte.
    pub fn parse(form: BundleForm, bytes: &Bytes) -> Result<Self, BundleError> {
        let index_error = BundleError::Index { length: bytes.len() };
        let (count, rest) = bytes.split_first_chunk().ok_or(index_error.clone())?;
        let count = form.read_number(*count).ok_or(index_error.clone())?;
        let index_length = count.checked_mul(ROW_LENGTH).ok_or(index_error.clone())?;
        let (index, _) = rest.split_at_checked(index_length).ok_or(index_error)?;
        let mut items = bytes.slice(NUMBER_LENGTH + index_length..);
        let (rows, _) = index.as_chunks::<ROW_LENGTH>();
        let mut entries = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let entry = form.next_entry(row, &mut items);
            entries.push(entry.ok_or(BundleError::Truncated { index })?);
        }
        match items.len() {
            0 => Ok(Self { entries }),
            length => Err(BundleError::Trailing { length }),
        }
    }

    /// Writes the bundle.
    #[must_use]
    pub fn to_bytes(&self, form: BundleForm) -> Bytes {
        let items: usize = self.entries.iter().map(|entry| ROW_LENGTH + entry.item.len()).sum();
        let mut bytes = Vec::with_capacity(NUMBER_LENGTH + items);
        form.write_number(&mut bytes, self.entries.len());
        for entry in &self.entries {
            form.write_number(&mut bytes, entry.item.len());
            bytes.extend_from_slice(entry.id.as_bytes());
        }
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.item);
        }
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: BundleForm = BundleForm::Reference;

    fn entry(bytes: &'static [u8]) -> Entry {
        Entry { id: Id::of(bytes), item: Bytes::from_static(bytes) }
    }

    fn parse(bytes: &[u8]) -> Result<Bundle, BundleError> {
        Bundle::parse(FORM, &Bytes::copy_from_slice(bytes))
    }

    fn number(byte: u8) -> [u8; NUMBER_LENGTH] {
        let mut number = [0; NUMBER_LENGTH];
        number[NUMBER_LENGTH - 1] = byte;
        number
    }

    #[test]
    fn the_reference_form_counts_big_endian() {
        let bundle = Bundle { entries: vec![entry(b"one"), entry(b"")] };
        let [one, none] = [Id::of(b"one"), Id::of(b"")];
        let expected =
            [number(2).as_slice(), &number(3), one.as_bytes(), &number(0), none.as_bytes(), b"one"]
                .concat();
        assert_eq!(bundle.to_bytes(FORM), expected);
        assert_eq!(parse(&expected), Ok(bundle));
    }

    #[test]
    fn the_standard_form_counts_little_endian() {
        let mut expected = number(1);
        expected.reverse();
        let bundle = Bundle { entries: vec![entry(b"one")] };
        assert!(bundle.to_bytes(BundleForm::Standard).starts_with(&expected));
    }

    #[test]
    fn counts_and_sizes_beyond_the_input_are_refused() {
        let bytes = Bundle { entries: vec![entry(b"one")] }.to_bytes(FORM);
        for length in [0, 31, 32, 95] {
            assert_eq!(parse(&bytes[..length]), Err(BundleError::Index { length }));
        }
        assert_eq!(parse(&bytes[..98]), Err(BundleError::Truncated { index: 0 }));
        for at in [0, 23, 24, 30] {
            let mut large = bytes.to_vec();
            large[at] = 0xff;
            assert_eq!(parse(&large), Err(BundleError::Index { length: 99 }), "count, byte {at}");
            let mut large = bytes.to_vec();
            large[32 + at] = 0xff;
            assert_eq!(parse(&large), Err(BundleError::Truncated { index: 0 }), "size, byte {at}");
        }
        let longer = [&bytes, b"!".as_slice()].concat();
        assert_eq!(parse(&longer), Err(BundleError::Trailing { length: 1 }));
    }

    #[test]
    fn an_item_under_another_id_is_refused() {
        let item = Item::default();
        let mut entry = Entry::new(FORM, &item).unwrap();
        assert_eq!(entry.parse(FORM), Ok(item.clone()));
        entry.id = Id::of(b"another");
        let expected = BundleError::WrongId { stated: entry.id, found: item.unsigned_id() };
        assert_eq!(entry.parse(FORM), Err(expected));
        assert_eq!(Entry::new(BundleForm::Standard, &item), Err(BundleError::Unsigned));
    }
}
