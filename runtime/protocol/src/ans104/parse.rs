//! The bytes of an item. Source: spec 02, section 8.1.
//!
//! ```text
//! signature type  2 bytes, little-endian
//! signature       as long as the type says; all zero: unsigned
//! owner           as long as the type says; all zero: none
//! target          flag 0 or 1, then 32 bytes if 1
//! anchor          flag 0 or 1, then 32 bytes if 1
//! tag count       8 bytes, little-endian
//! tags length     8 bytes, little-endian
//! tags            as in tags.rs; nothing if count and length are zero
//! data            the rest
//! ```
//!
//! Count and length of the tags are not part of what is signed. Both zero mean no tags; else they
//! are ignored, for the tags tell their own count.

use bytes::Bytes;

use crate::Id;
use crate::ans104::reader::Reader;
use crate::ans104::{Item, ItemError, SignatureType, tags};

impl Item {
    /// Reads an item; signature, owner, tags and data share `bytes`.
    ///
    /// # Errors
    /// The bytes are not an item. Says nothing about the signature: see [`verify`](Self::verify).
    pub fn parse(bytes: Bytes) -> Result<Self, ItemError> {
        let mut reader = Reader::new(bytes);
        let number = u16::from_le_bytes(reader.array("signature type")?);
        let signature_type =
            SignatureType::from_number(number).ok_or(ItemError::SignatureType { number })?;
        let signature = reader.take("signature", signature_type.signature_length())?;
        let owner = reader.take("owner", signature_type.owner_length())?;
        let target = reader.optional_32("target")?.map(Id::from);
        let anchor = reader.optional_32("anchor")?;
        let count_and_length = u128::from_le_bytes(reader.array("tag count")?);
        let tags = if count_and_length == 0 { Vec::new() } else { tags::read(&mut reader)? };
        Ok(Self { signature_type, signature, owner, target, anchor, tags, data: reader.rest() })
    }

    /// Writes the item.
    ///
    /// # Errors
    /// A tag has no name or is too long, or signature and owner do not fit their type.
    pub fn to_bytes(&self) -> Result<Bytes, ItemError> {
        self.check_fields()?;
        let tags = tags::write(&self.tags);
        let mut bytes = Vec::with_capacity(
            84 + self.signature.len() + self.owner.len() + tags.len() + self.data.len(),
        );
        bytes.extend_from_slice(&self.signature_type.number().to_le_bytes());
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&self.owner);
        write_optional(&mut bytes, self.target.as_ref().map(Id::as_bytes));
        write_optional(&mut bytes, self.anchor.as_ref());
        bytes.extend_from_slice(&(self.tags.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&(tags.len() as u64).to_le_bytes());
        bytes.extend(tags);
        bytes.extend_from_slice(&self.data);
        Ok(bytes.into())
    }

    fn check_fields(&self) -> Result<(), ItemError> {
        for (part, length, expected) in [
            ("signature", self.signature.len(), self.signature_type.signature_length()),
            ("owner", self.owner.len(), self.signature_type.owner_length()),
        ] {
            if length != expected {
                return Err(ItemError::FieldLength { part, length });
            }
        }
        match self.tags.iter().position(|tag| !tag.is_writable()) {
            Some(index) => Err(ItemError::Unwritable { index }),
            None => Ok(()),
        }
    }
}

fn write_optional(bytes: &mut Vec<u8>, field: Option<&[u8; 32]>) {
    bytes.push(u8::from(field.is_some()));
    bytes.extend(field.into_iter().flatten());
}
