//! How values lie on disk.
//!
//! ```text
//! version, 1 byte ‖ CRC-32 of key and body, 4 bytes big-endian ‖ body, MessagePack
//! ```
//!
//! The checksum covers the key, so that a record under a wrong key is found as well. A struct is
//! written as the array of its fields; fields are added at the end, with a default, or the version
//! is raised. Pages are the exception: their key is their hash.
//!
//! From version 2 on the checksum begins with the version, so that a record of a newer version is told
//! from one whose version is damaged.

use std::fmt::Write;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Family;
use crate::error::StoreError;

/// The version of every record that this crate writes.
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 5;
/// Room for most records without growing.
const USUAL_BYTES: usize = 192;

/// The bytes under which `value` is kept at `key`.
pub(crate) fn seal(key: &[u8], value: &impl Serialize) -> Bytes {
    let mut sealed = Vec::with_capacity(USUAL_BYTES);
    sealed.resize(HEADER_BYTES, 0);
    #[expect(clippy::expect_used, reason = "our own structs are of types that MessagePack has")]
    rmp_serde::encode::write(&mut sealed, value).expect("a record can be written");
    let checksum = checksum(&[key, sealed.get(HEADER_BYTES..).unwrap_or_default()]);
    let header = std::iter::once(VERSION).chain(checksum.to_be_bytes());
    for (place, byte) in sealed.iter_mut().zip(header) {
        *place = byte;
    }
    sealed.into()
}

/// What was kept at `key` as `sealed`.
pub(crate) fn unseal<T: DeserializeOwned>(
    family: Family,
    key: &[u8],
    sealed: &[u8],
) -> Result<T, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt { family, key: hex(key), reason };
    let Some((&[version, a, b, c, d], body)) = sealed.split_first_chunk::<HEADER_BYTES>() else {
        return Err(corrupt(format!("{} bytes are no record", sealed.len())));
    };
    let found = u32::from_be_bytes([a, b, c, d]);
    if version > VERSION && found == checksum(&[&[version], key, body]) {
        let (key, supported) = (hex(key), VERSION);
        return Err(StoreError::RecordTooNew { family, key, found: version, supported });
    }
    if version != VERSION {
        return Err(corrupt(format!("it has version {version}, not {VERSION}")));
    }
    if found != checksum(&[key, body]) {
        return Err(corrupt("the checksum does not match".into()));
    }
    rmp_serde::from_slice(body).map_err(|error| corrupt(error.to_string()))
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// Bytes as an error names them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Ids as 32 bytes of MessagePack, for `#[serde(with = …)]`.
pub(crate) mod id {
    use oxbeam_protocol::Id;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(id: &Id, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(id.as_bytes())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Id, D::Error> {
        let bytes = bytes::Bytes::deserialize(from)?;
        <[u8; 32]>::try_from(&*bytes).map(Id::from).map_err(D::Error::custom)
    }
}

/// Ids that may be absent, likewise.
pub(crate) mod maybe_id {
    use bytes::Bytes;
    use oxbeam_protocol::Id;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(id: &Option<Id>, to: S) -> Result<S::Ok, S::Error> {
        id.map(|id| Bytes::copy_from_slice(id.as_bytes())).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Id>, D::Error> {
        let Some(bytes) = Option::<Bytes>::deserialize(from)? else { return Ok(None) };
        <[u8; 32]>::try_from(&*bytes).map(|id| Some(id.into())).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back() {
        let sealed = seal(b"key", &(7_u64, "text"));
        assert_eq!(
            unseal::<(u64, String)>(Family::Log, b"key", &sealed).unwrap(),
            (7, "text".into())
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found_and_named() {
        let sealed = seal(b"key", &(7_u64, "text"));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = unseal::<(u64, String)>(Family::Log, b"key", &flipped).unwrap_err();
            assert!(error.to_string().starts_with("record 6b6579 of log is corrupt"), "{error}");
        }
        for length in 0..sealed.len() {
            assert!(unseal::<(u64, String)>(Family::Log, b"key", &sealed[..length]).is_err());
        }
    }

    #[test]
    fn a_record_of_a_newer_version_says_so() {
        let body = b"whatever";
        let mut sealed = vec![2];
        sealed.extend(checksum(&[&[2], b"key", body]).to_be_bytes());
        sealed.extend(body);
        let error = unseal::<u64>(Family::Log, b"key", &sealed).unwrap_err();
        assert!(
            matches!(error, StoreError::RecordTooNew { found: 2, supported: 1, .. }),
            "{error}"
        );
        assert!(error.to_string().starts_with("record 6b6579 of log has version 2"), "{error}");
    }

    #[test]
    fn a_record_under_another_key_is_found() {
        assert!(unseal::<u64>(Family::Log, b"other", &seal(b"key", &7_u64)).is_err());
    }

    #[test]
    fn the_form_on_disk_does_not_change() {
        // Version, CRC-32 of "k" and the body, an array of 1 and "a".
        assert_eq!(hex(&seal(b"k", &(1_u64, "a"))), "01b3e22e3f9201a161");
    }
}
