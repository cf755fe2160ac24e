//! What a request says before its body is read: its headers, and over them its query.

use std::collections::BTreeMap;
use std::net::IpAddr;

use actix_web::HttpRequest;
use bytes::Bytes;
use oxbeam_protocol::{Key, Value, path};

use crate::http::limits::MAX_HEAD;
use crate::http::refusal::Refusal;

const COOKIE: &[u8] = b"cookie";
const HOST: Key = Key::from_static("host");

/// An HTTP request but for its body.
#[derive(Debug)]
pub(in crate::http) struct Received {
    pub(in crate::http) method: Bytes,
    /// The path with the query, as it was sent.
    pub(in crate::http) target: Bytes,
    pub(in crate::http) headers: BTreeMap<Key, Bytes>,
    /// Whoever sent it, or the last proxy on the way.
    pub(in crate::http) peer: Option<IpAddr>,
}

impl Received {
    /// Takes up a request; headers of one name become one.
    pub(in crate::http) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let uri = request.uri();
        let target = uri.path_and_query().ok_or(Refusal::Target)?.as_str();
        let mut headers: BTreeMap<Key, Bytes> = BTreeMap::new();
        let mut size = target.len();
        for (name, value) in request.headers() {
            let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
            size += name.len() + value.len();
            let separator: &[u8] = if name == COOKIE { b"; " } else { b", " };
            headers
                .entry(Bytes::copy_from_slice(name).into())
                .and_modify(|all| *all = [&**all, separator, value].concat().into())
                .or_insert_with(|| Bytes::copy_from_slice(value));
        }
        if size > MAX_HEAD {
            return Err(Refusal::HeadTooLarge { size, limit: MAX_HEAD });
        }
        // HTTP/2 says it in another way.
        if let Some(authority) = uri.authority() {
            headers.entry(HOST).or_insert_with(|| authority.as_str().to_owned().into());
        }
        Ok(Self {
            method: request.method().as_str().to_owned().into(),
            target: target.to_owned().into(),
            headers,
            peer: request.peer_addr().map(|address| address.ip()),
        })
    }
}

/// Headers, and over them the query.
#[derive(Debug, Default)]
pub(in crate::http) struct Primitive {
    /// Texts by name.
    pub(in crate::http) texts: BTreeMap<Key, Bytes>,
    /// Names in the query without a value.
    bare: Vec<Key>,
}

impl Primitive {
    /// What a request says besides its body.
    pub(in crate::http) fn of(received: &Received) -> Result<Self, Refusal> {
        let mut primitive = Self { texts: received.headers.clone(), bare: Vec::new() };
        for (key, value) in path::query_of(&received.target)? {
            match value {
                Value::Bytes(text) => {
                    primitive.bare.retain(|bare| *bare != key);
                    primitive.texts.insert(key, text);
                }
                _ => {
                    primitive.texts.remove(&key);
                    primitive.bare.push(key);
                }
            }
        }
        Ok(primitive)
    }

    /// The headers alone, where the query cannot be read.
    pub(in crate::http) fn of_headers(received: &Received) -> Self {
        Self { texts: received.headers.clone(), bare: Vec::new() }
    }

    /// The text under a name; a bare name is `true`.
    pub(in crate::http) fn text(&self, name: &str) -> Option<Bytes> {
        let bare = || self.bare.iter().any(|bare| *bare == name);
        let text = self.texts.get(name.as_bytes()).cloned();
        text.or_else(|| bare().then(|| Bytes::from_static(b"true")))
    }
}
