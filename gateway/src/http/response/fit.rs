//! What an HTTP header can carry, and what belongs to the connection instead.

use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use oxbeam_protocol::Key;

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
pub(super) fn is_header(name: &[u8], value: &[u8]) -> bool {
    HeaderName::from_lowercase(name).is_ok() && HeaderValue::from_bytes(value).is_ok()
}

/// Whether a key of a message may be a header. What may not is sent in the body.
pub(super) fn fits(key: &Key, value: &Bytes) -> bool {
    let name = key.as_bytes();
    is_header(name, value) && !OF_CONNECTION.contains(&name) && value.trim_ascii() == *value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(name: &'static str, value: &'static str) -> bool {
        super::fits(&Key::from_static(name), &Bytes::from_static(value.as_bytes()))
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
