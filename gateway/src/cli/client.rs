//! A node, asked by the commands.
//!
//! What is signed travels as a data item if its values are text, which every node and bundler of the
//! network reads, and else as an HTTP message signature. A write carries an `idempotency-key`: it is sent
//! again when the answer was lost, and takes effect once.

mod events;
mod sign;

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use oxbeam_kernel::Startup;
use oxbeam_protocol::codec::{Ans104, HttpMessage, HttpSig};
use oxbeam_protocol::{Id, Key, Message, Value};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

pub(super) use events::{Event, Events};
pub(super) use sign::{Signed, message, own_wallet, signed};

use super::arguments::Configured;
use super::arguments::agent::At;
use super::failure::Failure;

/// How long a node may take to answer: a push follows messages, and a state may have to be computed.
const PATIENCE: Duration = Duration::from_secs(330);
/// How long it may take to be reached.
const REACHED_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const MAX_ANSWER: u64 = 512 << 20;
/// Pauses before a write is sent again.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// Headers that belong to the connection.
const OF_CONNECTION: [&str; 7] = [
    "content-length",
    "date",
    "connection",
    "transfer-encoding",
    "keep-alive",
    "server",
    "incident",
];

/// A node.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    url: String,
}

/// What a node has answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) message: Message,
}

impl Client {
    /// The node that the options name.
    pub(super) fn of(at: &At) -> Result<Self, Failure> {
        Self::at(at.node.as_deref(), &Configured::default())
    }

    /// The node at a URL, else the one of this machine.
    pub(super) fn at(url: Option<&str>, configured: &Configured) -> Result<Self, Failure> {
        match url {
            Some(url) => Ok(Self::new(url)),
            None => {
                let startup = Startup::read(&configured.load([])?.message);
                Ok(Self::new(&format!("http://{}", super::start::reachable(startup.listen))))
            }
        }
    }

    /// The node at a URL.
    pub(super) fn new(url: &str) -> Self {
        let agent = Agent::config_builder()
            .timeout_connect(Some(REACHED_WITHIN))
            .timeout_recv_response(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Self { agent: agent.into(), url: url.trim_end_matches('/').to_owned() }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The node's address.
    pub(super) fn address(&self) -> Result<String, Failure> {
        match self.value("/~meta@1.0/info/address", "its address")? {
            Value::Bytes(address) => Ok(String::from_utf8_lossy(&address).trim().to_owned()),
            _ => Err(self.strange("its address")),
        }
    }

    /// The last slot of a process; none if it has none.
    pub(super) fn head(&self, process: Id) -> Result<Option<u64>, Failure> {
        let what = format!("the last slot of {process}");
        match self.value(&format!("/{process}~process@1.0/slot/current"), &what)? {
            Value::Integer(slot) => Ok(u64::try_from(slot).ok()),
            _ => Err(self.strange(&what)),
        }
    }

    /// What lies at a path. `what` is said if it cannot be had.
    pub(super) fn value(&self, path: &str, what: &str) -> Result<Value, Failure> {
        Ok(self.get(path)?.ok(self, what)?.into_value())
    }

    /// The answer to a request that reads.
    pub(super) fn get(&self, path: &str) -> Result<Answered, Failure> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let response = request.header("accept-bundle", "true").call();
        self.read(response.map_err(|error| self.gone(&error))?)
    }

    /// A message as the data item that it came as; none if it came as none.
    pub(super) fn item(&self, id: Id) -> Result<Option<Message>, Failure> {
        let body = self.raw(&format!("/{id}?require-codec=application/ans104"))?;
        match body.map(|body| Ans104::decode(&body)) {
            Some(Ok(Value::Map(item))) => Ok(Some(item)),
            _ => Ok(None),
        }
    }

    /// The bytes of this hash; none if it is that of a message.
    pub(super) fn bytes(&self, hash: Id) -> Result<Option<Bytes>, Failure> {
        let body = self.raw(&format!("/{hash}"))?;
        Ok(body.filter(|body| Id::of(body) == hash))
    }

    /// The body of an answer; none if it is none of success.
    fn raw(&self, path: &str) -> Result<Option<Bytes>, Failure> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let response = request.header("accept-bundle", "true").call();
        let mut response = response.map_err(|error| self.gone(&error))?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = body.map_err(|error| self.gone(&error))?;
        Ok((response.status() == StatusCode::OK).then(|| body.into()))
    }

    /// The answer to a signed message, which is sent again with the same key if the node goes away.
    pub(super) fn post(&self, path: &str, signed: &Signed) -> Result<Answered, Failure> {
        let key = format!("{:032x}", fastrand::u128(..));
        let mut pauses = PAUSES.into_iter();
        loop {
            match (self.post_once(path, signed, &key), pauses.next()) {
                (Err(Failure::NoNode { .. }), Some(pause)) => sleep(pause),
                (Ok(answered), Some(pause)) if answered.status == 503 => sleep(pause),
                (answered, _) => return answered,
            }
        }
    }

    fn post_once(&self, path: &str, signed: &Signed, key: &str) -> Result<Answered, Failure> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in &signed.headers {
            request = request.header(name, &value[..]);
        }
        let request = request.header("accept-bundle", "true").header("idempotency-key", key);
        self.read(request.send(&signed.body[..]).map_err(|error| self.gone(&error))?)
    }

    /// The events at a path, behind the last that was received.
    pub(super) fn events(&self, path: &str, last: Option<u64>) -> Result<Events, Failure> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let mut request = request.header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.call().map_err(|error| self.gone(&error))?;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        match (response.status(), kind) {
            (StatusCode::OK, Some("text/event-stream")) => {
                Ok(Events::new(self.url.clone(), response.into_body().into_reader()))
            }
            (StatusCode::OK, _) => Err(self.strange("a stream of events")),
            _ => Err(self.read(response)?.refused(self, "the log")),
        }
    }

    fn read(&self, mut response: Response<Body>) -> Result<Answered, Failure> {
        let status = response.status().as_u16();
        let mut headers: BTreeMap<Key, Bytes> = BTreeMap::new();
        for (name, value) in response.headers() {
            let name = name.as_str();
            if !OF_CONNECTION.contains(&name) && !name.starts_with("access-control-") {
                let value = Bytes::copy_from_slice(value.as_bytes());
                headers.insert(Key::from(name.to_owned()), value);
            }
        }
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = Bytes::from(body.map_err(|error| self.gone(&error))?);
        let text = body.clone();
        match HttpSig::decode(&HttpMessage { headers, body: Some(body) }) {
            Ok(Value::Map(message)) => Ok(Answered { status, message }),
            // A proxy's page, or another program's.
            _ => Ok(Answered { status, message: Message::new().with("body", text) }),
        }
    }

    fn gone(&self, error: &ureq::Error) -> Failure {
        Failure::NoNode { url: self.url.clone(), reason: error.to_string() }
    }

    /// The node answers something else than it should.
    pub(super) fn strange(&self, what: &str) -> Failure {
        Failure::Strange { url: self.url.clone(), what: what.to_owned() }
    }
}

impl Answered {
    /// The message, if it is one of success.
    pub(super) fn ok(self, client: &Client, what: &str) -> Result<Self, Failure> {
        match self.status {
            200..=299 => Ok(self),
            _ => Err(self.refused(client, what)),
        }
    }

    /// Why it is none.
    pub(super) fn refused(&self, client: &Client, what: &str) -> Failure {
        let said = |key| self.message.get(key).and_then(Value::as_name);
        let said = ["reason", "body", "error", "details"].into_iter().find_map(said);
        let said = said.map(|text| String::from_utf8_lossy(text).trim().to_owned());
        Failure::Refused {
            url: client.url.clone(),
            what: what.to_owned(),
            status: self.status,
            said: said.filter(|said| !said.is_empty()).unwrap_or_else(|| "no reason".to_owned()),
        }
    }

    /// What is answered, without what HTTP needs.
    pub(super) fn into_value(self) -> Value {
        let message = self.message;
        let result = message.get("ao-result").and_then(Value::as_name).cloned();
        match result.and_then(|key| message.get(&*key).cloned()) {
            Some(value) => value,
            None => message.without(&["status", "commitments"]).into(),
        }
    }
}
