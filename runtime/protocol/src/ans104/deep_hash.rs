//! The deep hash: SHA-384 over nested lists of byte strings. Source: spec 03, section 5.3.
//!
//! ```text
//! blob  H( H("blob" ‖ decimal length) ‖ H(bytes) )
//! list  acc = H("list" ‖ decimal count); for each element acc = H( acc ‖ deep hash of element )
//! ```

use aws_lc_rs::digest::{Context, SHA384};

/// A deep hash, in bytes.
pub type DeepHash = [u8; 48];

/// The deep hash of a byte string.
#[must_use]
pub fn blob(bytes: &[u8]) -> DeepHash {
    hash([hash([b"blob".as_slice(), bytes.len().to_string().as_bytes()]), hash([bytes])])
}

/// The deep hash of a list, from those of its elements.
#[must_use]
pub fn list(elements: &[DeepHash]) -> DeepHash {
    let start = hash([b"list".as_slice(), elements.len().to_string().as_bytes()]);
    elements.iter().fold(start, |acc, element| hash([acc, *element]))
}

fn hash<Part: AsRef<[u8]>>(parts: impl IntoIterator<Item = Part>) -> DeepHash {
    let mut context = Context::new(&SHA384);
    parts.into_iter().for_each(|part| context.update(part.as_ref()));
    let mut hash = [0; 48];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64::encode_url;

    #[test]
    fn blobs_and_nested_lists_have_their_known_hashes() {
        for (hash, expected) in [
            (
                list(&[blob(b"")]),
                "u_5kojLZOEwkWFm_IWBZj3H4Siy7Ube_IHQ24xCtpQksil7tglh4W8BIHE3aCEOK",
            ),
            (
                list(&[blob(b"hello")]),
                "W81wSjrr1jeIefABNiNlbtY-ehtz8aseqO64BT5-raWb07KZw7yqi0HjU8tuiq8d",
            ),
            (
                list(&[list(&[blob(b"a")]), blob(b"b")]),
                "6-YsPXmBVfd4ayDRYljgicHDTgyPy3FPGP7cXLg5yxhwITeH6_fMfLzET23lZcYc",
            ),
            (
                list(&[list(&[]), list(&[list(&[])])]),
                "AV3k4SShh0QesxjKt2mof9zGawpIJ-n-0WDNfApzquG71VEm1aOJoLolUJGpmG7V",
            ),
        ] {
            assert_eq!(encode_url(&hash), expected);
        }
    }
}
