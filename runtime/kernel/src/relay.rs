//! Requests that the node passes on for others, to any HTTP server.
//!
//! Whoever asks chooses the address, so the same rules hold as for other nodes: nothing is sent to
//! what is not public unless the operator wants it, the name is resolved once and the connection made
//! to the address that was looked at, and redirects are shown and not followed. Size and time of an
//! answer and the number of requests under way are bounded by [`RelayLimits`](crate::RelayLimits).
//! Source: spec 22, sections 1 and 2.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};
use std::time::Duration;

use bytes::Bytes;
use oxbeam_protocol::codec::{DecodeError, HttpMessage, HttpSig};
use oxbeam_protocol::{Key, Message, Value};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Url};

use crate::error::CallError;
use crate::node::Node;
use crate::remote::{self, Networks, RemoteError};

/// How soon it makes sense to ask again when too many are under way.
const RETRY: Duration = Duration::from_secs(1);
/// By how much the client's own limit is longer than that of the whole exchange, which is to end it.
const GRACE: Duration = Duration::from_secs(1);

/// Headers of a connection, in either direction. Source: RFC 9110, section 7.6.1.
const OF_CONNECTION: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-connection",
];
/// Headers that tell a browser something about the server it talks to. That is this node, of which
/// others must not speak.
const OF_ORIGIN: [&str; 9] = [
    "alt-svc",
    "clear-site-data",
    "date",
    "nel",
    "report-to",
    "server",
    "service-worker-allowed",
    "set-cookie",
    "strict-transport-security",
];

/// What is passed on.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// The method, in capitals.
    pub method: String,
    /// Where to, with path and query.
    pub url: String,
    /// A URL of the operator's. A request to its scheme, host and port is sent whatever address that
    /// has.
    pub configured: Option<String>,
    /// What is sent: as headers and body.
    pub message: Message,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Its HTTP code.
    pub status: u16,
    /// Its headers and body, as far as they may be believed.
    pub message: Message,
}

/// A request that may be sent: it counts among those under way.
#[derive(Debug)]
pub struct Passage {
    node: Arc<Node>,
    method: Method,
    url: Url,
    networks: Networks,
    wire: HttpMessage,
    max_bytes: usize,
    timeout: Duration,
    _under_way: UnderWay,
}

/// Why nothing is passed on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotRelayed {
    /// What is asked for is no request that can be passed on.
    #[error("{0}")]
    Malformed(String),
    /// Nothing is sent there.
    #[error("{url} is no address that this node passes requests on to: see option relay_networks")]
    Forbidden {
        /// Where to.
        url: String,
    },
    /// The node passes on as many as it may.
    #[error("this node passes on {limit} requests already")]
    Full {
        /// How many it may.
        limit: usize,
    },
    /// The server did not answer in time.
    #[error("no answer within {limit:?}")]
    Timeout {
        /// How long it may take.
        limit: Duration,
    },
    /// The server cannot be reached, or what it answers cannot be used.
    #[error("{0}")]
    Unanswered(String),
    /// The node cannot go on.
    #[error(transparent)]
    Failed(#[from] CallError),
}

impl NotRelayed {
    /// When to ask again, if that may help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Full { .. }).then_some(RETRY)
    }
}

/// How many requests are under way.
#[derive(Debug, Default, Clone)]
pub(crate) struct Traffic(Arc<AtomicUsize>);

impl Traffic {
    fn enter(&self, limit: usize) -> Result<UnderWay, NotRelayed> {
        let entered = UnderWay(self.0.clone());
        match self.0.fetch_add(1, AcqRel) < limit {
            true => Ok(entered),
            false => Err(NotRelayed::Full { limit }),
        }
    }
}

/// One of them, until it is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, AcqRel);
    }
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnderWay").finish_non_exhaustive()
    }
}

impl Node {
    /// Prepares to pass on a request.
    ///
    /// # Errors
    /// [`NotRelayed`], before anything is sent.
    pub async fn relay(self: &Arc<Self>, outbound: Outbound) -> Result<Passage, NotRelayed> {
        let limits = self.configuration().settings.relay;
        let Outbound { method, url, configured, message } = outbound;
        let method = method_of(&method)?;
        let malformed = |_| NotRelayed::Malformed(format!("{url:.200} is no URL"));
        let parsed: Url = url.parse().map_err(malformed)?;
        let networks = match configured.is_some_and(|text| is_origin(&text, &parsed)) {
            true => Networks::Any,
            false => limits.networks(),
        };
        if !networks.allow(&parsed) {
            return Err(NotRelayed::Forbidden { url });
        }
        let under_way = self.remote().traffic().enter(limits.requests)?;
        let written = self.pool().run("the writer", move || remote::written(message)).await?;
        Ok(Passage {
            node: self.clone(),
            method,
            url: parsed,
            networks,
            wire: written.map_err(CallError::from)?,
            max_bytes: limits.bytes,
            timeout: limits.time,
            _under_way: under_way,
        })
    }
}

/// A method that asks for an answer, and not for a tunnel.
fn method_of(text: &str) -> Result<Method, NotRelayed> {
    let method = Method::from_bytes(text.as_bytes()).ok();
    let method = method.filter(|method| *method != Method::CONNECT);
    method.ok_or_else(|| NotRelayed::Malformed(format!("{text:.20} is no method to pass on")))
}

/// Whether a URL leads to the scheme, host and port that a text names.
fn is_origin(text: &str, url: &Url) -> bool {
    text.parse::<Url>().is_ok_and(|named| named.origin() == url.origin())
}

impl Passage {
    /// Sends the request, and reads what is answered.
    ///
    /// # Errors
    /// [`NotRelayed`].
    pub async fn send(self) -> Result<Inbound, NotRelayed> {
        let limit = self.timeout;
        let exchanged = tokio::time::timeout(limit, self.exchange()).await;
        exchanged.map_err(|_| NotRelayed::Timeout { limit })?
    }

    async fn exchange(self) -> Result<Inbound, NotRelayed> {
        let host = self.url.host_str().unwrap_or_default().to_owned();
        let client = self.node.remote().client(self.networks).await.map_err(unanswered)?;
        let request = request(client, &self.method, &self.url, self.wire, self.timeout + GRACE);
        let answer = request
            .send()
            .await
            .map_err(|source| unanswered(RemoteError::Unreachable { url: host.clone(), source }))?;
        let status = answer.status().as_u16();
        let has_length = answer.headers().contains_key(CONTENT_LENGTH);
        let headers = headers(&answer);
        let body = remote::read(&host, answer, self.max_bytes).await.map_err(unanswered)?;
        let wire = HttpMessage { headers, body: Some(body) };
        let decoded = self.node.pool().run("the reader", move || decode(&wire, has_length)).await?;
        let message = decoded.map_err(|error| {
            NotRelayed::Unanswered(format!("the answer of {host} cannot be read: {error}"))
        })?;
        let message = self.node.authenticate(message).await.map_err(|error| match error {
            CallError::Verify(error) => {
                NotRelayed::Unanswered(format!("the answer of {host} is not believed: {error}"))
            }
            error => error.into(),
        })?;
        Ok(Inbound { status, message: message.into_message() })
    }
}

fn request(
    client: &Client,
    method: &Method,
    url: &Url,
    wire: HttpMessage,
    timeout: Duration,
) -> reqwest::RequestBuilder {
    let mut headers = HeaderMap::with_capacity(wire.headers.len());
    for (name, value) in &wire.headers {
        // What fits into no header has been put into the body.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
            && !OF_CONNECTION.contains(&name.as_str())
        {
            headers.append(name, value);
        }
    }
    let request = client.request(method.clone(), url.clone()).headers(headers).timeout(timeout);
    match wire.body {
        Some(body) if !body.is_empty() => request.body(body),
        _ => request,
    }
}

/// The headers of an answer that say something about it. Those that come more than once are joined.
/// Source: RFC 9110, section 5.3.
fn headers(answer: &Response) -> BTreeMap<Key, Bytes> {
    let all = answer.headers();
    let is_kept = |name: &&HeaderName| {
        let name = name.as_str();
        !OF_CONNECTION.contains(&name)
            && !OF_ORIGIN.contains(&name)
            && !name.starts_with("access-control-")
    };
    let joined = |name: &HeaderName| {
        let values: Vec<&[u8]> = all.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        values.join(&b", "[..]).into()
    };
    all.keys().filter(is_kept).map(|name| (name.as_str().into(), joined(name))).collect()
}

/// The answer as a message. Of one that is a body and headers, `content-length` is a key, as on the
/// reference node; of one that has other parts it would be wrong.
fn decode(wire: &HttpMessage, has_length: bool) -> Result<Message, DecodeError> {
    let Value::Map(message) = HttpSig::decode(wire)? else { return Ok(Message::new()) };
    let length = wire.body.as_ref().map_or(0, Bytes::len);
    let is_plain = message.get_exact("body").and_then(Value::as_bytes) == wire.body.as_ref();
    Ok(match has_length && is_plain && !message.contains("commitments") {
        true => message.with("content-length", length.to_string()),
        false => message,
    })
}

fn unanswered(error: RemoteError) -> NotRelayed {
    NotRelayed::Unanswered(error.with_causes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_operator_wrote_is_a_configured_address() {
        let is = |text: &str, url: &str| is_origin(text, &url.parse().unwrap());
        assert!(is("http://10.0.0.1:81/a", "http://10.0.0.1:81/b?c"));
        assert!(!is("http://10.0.0.1:81", "http://10.0.0.1:8181/"));
        assert!(!is("http://10.0.0.1:81", "http://10.0.0.1:81@other.example/"));
        assert!(!is("http://\\1.internal/", "http://x.internal/"));
        assert!(!is("http://$1.internal/", "http://x.internal/"));
        assert!(!is("no url", "http://x.internal/"));
    }

    #[test]
    fn no_more_requests_are_under_way_than_may_be() {
        let traffic = Traffic::default();
        let first = traffic.enter(1).unwrap();
        assert!(matches!(traffic.enter(1), Err(NotRelayed::Full { limit: 1 })));
        drop(first);
        assert!(traffic.enter(1).is_ok());
    }

    #[test]
    fn a_tunnel_is_no_request() {
        assert!(method_of("GET").is_ok() && method_of("PURGE").is_ok());
        assert!(method_of("CONNECT").is_err() && method_of("GET /").is_err());
    }
}
