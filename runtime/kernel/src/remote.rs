//! Other nodes, asked over HTTP.
//!
//! Where to ask is said by location records and definitions, which anybody can write. So nothing is
//! sent to a private address unless the operator wants it, redirects are not followed, and what
//! comes back is bounded in size and time.

mod network;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use oxbeam_protocol::codec::{DecodeError, EncodeError, HttpMessage, HttpSig, Links};
use oxbeam_protocol::{Key, Message, NoContent, Value};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::sync::OnceCell;

pub(crate) use self::network::Networks;
use crate::relay::Traffic;

/// How long another node may take to answer, from the first byte that is sent.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Largest answer, in bytes. Assignments hold the message that was sent.
const MAX_ANSWER: usize = 32 << 20;
/// What of an answer that is an error is repeated, in bytes.
const MAX_SAID: usize = 200;

/// Asks other nodes.
#[derive(Debug)]
pub(crate) struct Remote {
    networks: Networks,
    /// Made when they are used first: a node that asks nobody needs no certificates.
    public: OnceCell<Client>,
    any: OnceCell<Client>,
    traffic: Traffic,
}

/// Why another node has not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RemoteError {
    /// Nothing is sent there.
    #[error("{url} is no address that this node sends to: see option remote_networks")]
    Forbidden { url: String },
    /// The system has no certificates by which others could be known.
    #[error("failed to make the client that asks other nodes")]
    NoClient { source: Option<reqwest::Error> },
    /// It cannot be reached, or breaks off.
    #[error("{url} does not answer")]
    Unreachable { url: String, source: reqwest::Error },
    /// The answer is too large.
    #[error("the answer of {url} has more than {limit} bytes")]
    TooLarge { url: String, limit: usize },
    /// The answer is an error.
    #[error("{url} answers {status}: {said}")]
    Status { url: String, status: u16, said: String },
    /// The answer is no message.
    #[error("the answer of {url} cannot be read")]
    Decode { url: String, source: DecodeError },
}

impl RemoteError {
    /// What went wrong, and why.
    pub(crate) fn with_causes(&self) -> String {
        let mut reason = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        reason
    }
}

impl Remote {
    pub(crate) fn new(networks: Networks) -> Self {
        let traffic = Traffic::default();
        Self { networks, public: OnceCell::new(), any: OnceCell::new(), traffic }
    }

    /// What is passed on for others.
    pub(crate) const fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The client for these addresses. Each has connections of its own, so that none that may lead to
    /// any address is used again for what must not.
    pub(crate) async fn client(&self, networks: Networks) -> Result<&Client, RemoteError> {
        let made = async move {
            // It reads the system's certificates.
            let made = tokio::task::spawn_blocking(move || client(networks)).await;
            made.map_err(|_| RemoteError::NoClient { source: None })?
                .map_err(|source| RemoteError::NoClient { source: Some(source) })
        };
        match networks {
            Networks::Public => self.public.get_or_try_init(|| made).await,
            Networks::Any => self.any.get_or_try_init(|| made).await,
        }
    }

    /// Posts a message, and answers with the message that comes back with a 2xx code.
    pub(crate) async fn post(
        &self,
        node: &str,
        path: &str,
        HttpMessage { headers, body }: HttpMessage,
    ) -> Result<Message, RemoteError> {
        let url = self.url(node, path)?;
        let unreachable =
            |source: reqwest::Error| RemoteError::Unreachable { url: node.into(), source };
        let mut request =
            self.client(self.networks).await?.post(url).header("accept-bundle", "true");
        for (name, value) in &headers {
            // What fits into no header has been put into the body.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
            {
                request = request.header(name, value);
            }
        }
        let answer = request.body(body.unwrap_or_default()).send().await.map_err(unreachable)?;
        let status = answer.status();
        let headers: Vec<(Key, Bytes)> = answer
            .headers()
            .iter()
            .filter(|(name, _)| !is_of_transport(name.as_str()))
            .map(|(name, value)| (name.as_str().into(), Bytes::copy_from_slice(value.as_bytes())))
            .collect();
        let body = read(node, answer, MAX_ANSWER).await?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body).chars().take(MAX_SAID).collect();
            return Err(RemoteError::Status { url: node.into(), status: status.as_u16(), said });
        }
        let answer = HttpMessage { headers: headers.into_iter().collect(), body: Some(body) };
        match HttpSig::decode(&answer) {
            Ok(Value::Map(message)) => Ok(message),
            Ok(_) => Ok(Message::new()),
            Err(source) => Err(RemoteError::Decode { url: node.into(), source }),
        }
    }

    /// The address of a path on a node. What follows the node's own name and port is not of use.
    fn url(&self, node: &str, path: &str) -> Result<Url, RemoteError> {
        let forbidden = || RemoteError::Forbidden { url: node.into() };
        let mut url: Url = node.parse().map_err(|_| forbidden())?;
        if !self.networks.allow(&url) {
            return Err(forbidden());
        }
        url.set_path(path);
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    }
}

/// A message as it is sent. Takes long if it is large.
pub(crate) fn written(message: Message) -> Result<HttpMessage, EncodeError> {
    HttpSig { links: Links::Embed(&NoContent) }.encode(&message.into())
}

fn client(networks: Networks) -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(concat!("oxbeam/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT)
        .dns_resolver(networks)
        .build()
}

/// The body of an answer, of so many bytes at most.
pub(crate) async fn read(
    url: &str,
    mut answer: reqwest::Response,
    limit: usize,
) -> Result<Bytes, RemoteError> {
    let mut body = BytesMut::new();
    loop {
        let chunk = answer.chunk().await;
        let chunk = chunk.map_err(|source| RemoteError::Unreachable { url: url.into(), source })?;
        let Some(chunk) = chunk else { return Ok(body.freeze()) };
        if body.len() + chunk.len() > limit {
            return Err(RemoteError::TooLarge { url: url.into(), limit });
        }
        body.extend_from_slice(&chunk);
    }
}

/// Headers of the connection, which are no keys.
fn is_of_transport(name: &str) -> bool {
    matches!(name, "content-length" | "transfer-encoding" | "connection" | "date" | "server")
        || name.starts_with("access-control-")
}
