//! ANS-104: signed items and bundles of them, as bytes. Source: spec 02, section 8; spec 03,
//! sections 5.3 and 8.4; the public ANS-104 standard.

mod bundle;
pub mod deep_hash;
mod item;
mod parse;
mod reader;
mod signature_type;
mod tags;
#[cfg(test)]
mod tests;

pub use bundle::{Bundle, BundleError, BundleForm, Entry};
pub use item::{Item, ItemError, VerifyError};
pub use signature_type::SignatureType;
pub use tags::{
    MAX_NAME_LENGTH, MAX_TAGS, MAX_TAGS_READ, MAX_VALUE_LENGTH, MAX_WRITTEN_LENGTH, Tag,
};
