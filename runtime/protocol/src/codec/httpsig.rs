//! `httpsig@1.0`: a message as the headers and body of an HTTP message.
//!
//! | Part of the message                      | Where it goes                                   |
//! |------------------------------------------|-------------------------------------------------|
//! | values of up to 4096 bytes               | headers                                         |
//! | the inline key (`body`, `data`, or what `ao-body-key` names) | the body                    |
//! | nested messages, longer values           | parts of a multipart body, named by their path  |
//! | top-level keys of 32, 42 or 43 bytes     | one header, `ao-ids`                            |
//! | `commitments`                            | headers `signature` and `signature-input`       |
//!
//! Source: spec 02, sections 2 to 5.

mod decode;
mod encode;
mod fit;
mod multipart;

use std::collections::BTreeMap;

use bytes::Bytes;

pub(crate) use encode::{content_digest, signed_surface, surface};
pub use fit::{fits_header, is_header};

use super::{DecodeError, EncodeError, Links, Structured};
use crate::commitment::{COMMITMENTS, Forms, headers};
use crate::{Key, Value};

/// Longest value that travels as a header, in bytes.
pub const MAX_HEADER_VALUE: usize = 4096;

pub(crate) const BODY: Key = Key::from_static("body");
pub(crate) const AO_BODY_KEY: Key = Key::from_static("ao-body-key");
pub(crate) const CONTENT_DIGEST: Key = Key::from_static("content-digest");
pub(crate) const CONTENT_TYPE: Key = Key::from_static("content-type");
const AO_IDS: Key = Key::from_static("ao-ids");
const DATA: Key = Key::from_static("data");
const SIGNATURE: Key = Key::from_static("signature");
const SIGNATURE_INPUT: Key = Key::from_static("signature-input");

/// The headers and body of an HTTP message.
///
/// Names are as the message has them; an HTTP/2 transport that lowers their case breaks signatures
/// over keys with capitals. Values may hold any bytes: what a transport cannot carry it must refuse.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpMessage {
    /// Header values by name.
    pub headers: BTreeMap<Key, Bytes>,
    /// The body. An empty one differs from none.
    pub body: Option<Bytes>,
}

/// The codec between messages and HTTP.
#[derive(Debug, Clone, Copy)]
pub struct HttpSig<'a> {
    /// What becomes of nested messages: parts of the body, or headers with their ids.
    pub links: Links<'a>,
}

impl HttpSig<'_> {
    /// Writes a message, with its commitments as signatures.
    ///
    /// # Errors
    /// A message that is nested too deep, lacks a message that it links and must embed, or has a
    /// commitment that headers cannot carry.
    pub fn encode(&self, message: &Value) -> Result<HttpMessage, EncodeError> {
        self.encode_fitting(message, |_, _| true)
    }

    /// Writes a message for a transport that cannot carry every header. What `fits` says no to becomes
    /// a part of the body, where whoever reads the message, and its signatures, finds it as well.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_fitting(
        &self,
        message: &Value,
        fits: fn(&Key, &Bytes) -> bool,
    ) -> Result<HttpMessage, EncodeError> {
        let tabm = match (Structured { links: self.links }).encode_readable(message)? {
            Value::Map(tabm) => tabm,
            Value::Bytes(body) => {
                return Ok(HttpMessage { body: Some(body), ..Default::default() });
            }
            _ => return Err(EncodeError::Unsupported("only a map or a byte string has headers")),
        };
        let mut http = encode::fitting(&tabm, fits)?;
        if let (Value::Map(rich), Some(Value::Map(commitments))) = (message, tabm.get(COMMITMENTS))
        {
            let forms = Forms::new(rich, self.links.content());
            let [signature, input] = headers::encode(commitments, &forms)?;
            if !signature.is_empty() {
                http.headers.extend([(SIGNATURE, signature), (SIGNATURE_INPUT, input)]);
            }
        }
        Ok(http)
    }

    /// Reads a message, with its signatures as commitments. None of them has been verified.
    ///
    /// # Errors
    /// A body, a type, a signature or an id dictionary that is malformed, and anything past a limit.
    pub fn decode(http: &HttpMessage) -> Result<Value, DecodeError> {
        Structured::decode(&decode::tabm(http)?.into())
    }
}

/// The key whose value is the raw body, and whether the headers must say so.
struct Inline {
    key: Key,
    announced: bool,
}

impl Inline {
    /// Chooses it from the keys of a message. Source: spec 02, section 2.
    fn of<'a>(value: impl Fn(&Key) -> Option<&'a Bytes>, has: impl Fn(&Key) -> bool) -> Self {
        if let Some(key) = value(&AO_BODY_KEY) {
            Self { key: key.clone().into(), announced: false }
        } else if !has(&BODY) && has(&DATA) {
            Self { key: DATA, announced: true }
        } else {
            Self { key: BODY, announced: false }
        }
    }
}
