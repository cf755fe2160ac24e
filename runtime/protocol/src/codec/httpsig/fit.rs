//! What an HTTP header can carry, and what belongs to the connection instead.

use bytes::Bytes;

use crate::Key;

/// Names that say something about the connection, not about the message.
const OF_CONNECTION: [&[u8]; 11] = [
    b"connection",
    b"content-length",
    b"http2-settings",
    b"incident",
    b"keep-alive",
    b"proxy-connection",
    b"retry-after",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];

/// Whether a header of this name and value is one: in lower case, as HTTP/2 has it, and without
/// line breaks and other control characters. Source: RFC 9110, section 5; RFC 9113, section 8.2.
#[must_use]
pub fn is_header(name: &[u8], value: &[u8]) -> bool {
    let of_value = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    !name.is_empty() && name.iter().all(is_of_name) && value.iter().all(of_value)
}

fn is_of_name(byte: &u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// Whether a key of a message may be a header of HTTP. What may not is sent in the body, see
/// [`HttpSig::encode_fitting`](super::HttpSig::encode_fitting).
#[must_use]
pub fn fits_header(key: &Key, value: &Bytes) -> bool {
    let name = key.as_bytes();
    is_header(name, value) && !OF_CONNECTION.contains(&name) && value.trim_ascii() == *value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(name: &'static str, value: &'static str) -> bool {
        fits_header(&Key::from_static(name), &Bytes::from_static(value.as_bytes()))
    }

    #[test]
    fn what_would_be_another_header_is_none() {
        assert!(fits("a", "1") && fits("k+link", "x") && fits("a", "ü"));
        assert!(!fits("a", "1\r\nset-cookie: x=1") && !fits("a", "1\n") && !fits("a", "\0"));
        assert!(!fits("a b", "1") && !fits("a:b", "1") && !fits("a\r\n", "1") && !fits("", "1"));
    }

    #[test]
    fn what_would_come_back_changed_is_none() {
        assert!(!fits("Upper", "1") && !fits("a", " 1") && !fits("a", "1\t"));
    }

    #[test]
    fn what_belongs_to_the_connection_is_none() {
        assert!(!fits("transfer-encoding", "chunked") && !fits("content-length", "5"));
    }
}
