//! The tags of an item. Source: spec 02, section 8.1.
//!
//! ```text
//! count, zigzag varint; per tag (length, name)(length, value), lengths zigzag varints; 00
//! ```
//!
//! The zigzag varint of n ≥ 0 is LEB128 of 2n. A zero-length name ends the list as a full count
//! does; either way the block's own `00` follows.

use bytes::Bytes;

use crate::ans104::item::ItemError;
use crate::ans104::reader::Reader;

/// Most tags of an item that verifies.
pub const MAX_TAGS: usize = 128;
/// Longest name of a tag of an item that verifies, in bytes.
pub const MAX_NAME_LENGTH: usize = 1024;
/// Longest value of a tag of an item that verifies, in bytes.
pub const MAX_VALUE_LENGTH: usize = 3072;
/// Longest name or value that is written, in bytes.
pub const MAX_WRITTEN_LENGTH: usize = 3072;
/// Most tags that are read. More cannot be written by anyone nor verify; the limit keeps a hostile
/// list of 3-byte tags from taking many times its size of memory.
pub const MAX_TAGS_READ: usize = 1024;

/// A name and its value: any bytes, usually text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag {
    /// The name, with its case.
    pub name: Bytes,
    /// The value.
    pub value: Bytes,
}

impl Tag {
    /// A tag of these bytes.
    pub fn new(name: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Whether an item with this tag can verify.
    pub(super) fn verifies(&self) -> bool {
        self.name.len() <= MAX_NAME_LENGTH && self.value.len() <= MAX_VALUE_LENGTH
    }

    /// Whether this tag can be written and read back.
    pub(super) fn is_writable(&self) -> bool {
        (1..=MAX_WRITTEN_LENGTH).contains(&self.name.len())
            && self.value.len() <= MAX_WRITTEN_LENGTH
    }
}

/// Reads one block.
pub(super) fn read(reader: &mut Reader) -> Result<Vec<Tag>, ItemError> {
    let count = reader.length("tag count")?;
    if count > MAX_TAGS_READ {
        return Err(ItemError::TooManyTags { count });
    }
    let mut tags = Vec::new();
    for _ in 0..count {
        let length = reader.length("tag name length")?;
        if length == 0 {
            break;
        }
        let name = reader.take("tag name", length)?;
        let length = reader.length("tag value length")?;
        let value = reader.take("tag value", length)?;
        tags.push(Tag { name, value });
    }
    let offset = reader.offset();
    match reader.length("end of tags")? {
        0 => Ok(tags),
        _ => Err(ItemError::UnendedTags { offset }),
    }
}

/// The block of these tags; of none, nothing.
pub(super) fn write(tags: &[Tag]) -> Vec<u8> {
    let mut block = Vec::new();
    if tags.is_empty() {
        return block;
    }
    write_length(&mut block, tags.len());
    for text in tags.iter().flat_map(|tag| [&tag.name, &tag.value]) {
        write_length(&mut block, text.len());
        block.extend_from_slice(text);
    }
    block.push(0);
    block
}

fn write_length(block: &mut Vec<u8>, length: usize) {
    // No allocation has half of all addresses, so the doubled length fits.
    let mut rest = (length as u64) << 1;
    while rest >= 0x80 {
        block.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    block.push(rest.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(block: &[u8]) -> Result<(Vec<Tag>, usize), ItemError> {
        let mut reader = Reader::new(Bytes::copy_from_slice(block));
        let tags = read(&mut reader)?;
        Ok((tags, reader.rest().len()))
    }

    fn named(names: &[&'static str]) -> Vec<Tag> {
        names.iter().map(|name| Tag::new(*name, "1")).collect()
    }

    #[test]
    fn one_tag_is_these_bytes() {
        assert_eq!(write(&named(&["a"])), [2, 2, b'a', 2, b'1', 0]);
        assert_eq!(write(&[Tag::new("a", "")]), [2, 2, b'a', 0, 0]);
        assert_eq!(write(&[]), Vec::<u8>::new());
    }

    #[test]
    fn lengths_from_64_on_take_two_bytes() {
        let value = "v".repeat(64);
        let expected = [&[2, 2, b'a', 0x80, 0x01], value.as_bytes(), &[0]].concat();
        assert_eq!(write(&[Tag::new("a", value.clone())]), expected);
        assert_eq!(read_all(&expected), Ok((vec![Tag::new("a", value)], 0)));
    }

    #[test]
    fn a_zero_length_name_ends_the_list_and_the_block_still_ends_with_zero() {
        let block = [4, 2, b'a', 2, b'1', 0, 0, b'D'];
        assert_eq!(read_all(&block), Ok((named(&["a"]), 1)));
        assert!(read_all(&block[..6]).is_err());
    }

    #[test]
    fn a_count_that_is_wrong_is_refused() {
        let few = [2, 2, b'a', 2, b'1', 2, b'b', 2, b'1', 0];
        assert_eq!(read_all(&few), Err(ItemError::UnendedTags { offset: 5 }));
        let negative = [1, 2, b'a', 2, b'1', 0];
        assert_eq!(read_all(&negative), Err(ItemError::Length { part: "tag count", offset: 0 }));
    }

    #[test]
    fn more_tags_than_the_limit_are_not_read() {
        let at_the_limit = named(&["a"; MAX_TAGS_READ]);
        assert_eq!(read_all(&write(&at_the_limit)), Ok((at_the_limit, 0)));
        let over = named(&["a"; MAX_TAGS_READ + 1]);
        let expected = ItemError::TooManyTags { count: MAX_TAGS_READ + 1 };
        assert_eq!(read_all(&write(&over)), Err(expected));
    }
}
