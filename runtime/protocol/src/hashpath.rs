//! Hashpaths: messages named by how they were computed. Source: spec 04.
//!
//! A hashpath is the id of a message that was not computed, or `LEFT/RIGHT`: the base and the
//! request that were last applied. With every further step what lay before is hashed into `LEFT`,
//! so that the chain of all steps can be checked from the text of the last.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use crate::codec::EncodeError;
use crate::commitment::full_id;
use crate::{Id, Key, Message, Value};

/// The private key under which a computed message carries its hashpath.
pub const HASHPATH: &str = "hashpath";
/// The key by which a message chooses the algorithm of its next step.
pub const ALGORITHM: &str = "hashpath-alg";
/// Keys that do not make a request more than its path.
const NOT_EXTRA: [&str; 2] = ["path", HASHPATH];

/// The name of a message by its computation: text of one id, or of an id and a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hashpath {
    left: Bytes,
    right: Option<Request>,
}

/// A request as a hashpath names it: a bare key, or the id of a request message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request(Bytes);

/// How a step is hashed into the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// `sha-256-chain`: SHA-256 of what lay before, then the request.
    #[default]
    Sha256Chain,
    /// `accumulate-256`: the sum modulo 2^256; requests must be ids.
    Accumulate256,
}

/// A hashpath that cannot be read, extended or confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashpathError {
    /// Not one or two components.
    #[error("a hashpath has one or two components, this has {components}")]
    Components {
        /// How many there are.
        components: usize,
    },
    /// What lies before the last request is not 32 bytes.
    #[error("the left side of the hashpath is not an id")]
    Left,
    /// A bare key cannot be added to an id.
    #[error("request {request} is not an id and cannot be accumulated")]
    NotAnId {
        /// The request at fault.
        request: Key,
    },
    /// No algorithm has this name.
    #[error("unknown hashpath algorithm {name}")]
    UnknownAlgorithm {
        /// The name.
        name: String,
    },
    /// A request without a path and without anything else.
    #[error("the request has neither a path nor other keys")]
    EmptyRequest,
    /// The message cannot be written, so that it has no id.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A step of a history does not lead to the message that follows it.
    #[error("step {step} leads to {computed}, not to {claimed}")]
    WrongStep {
        /// Which step, from 0.
        step: usize,
        /// What the step leads to.
        computed: String,
        /// What the history claims.
        claimed: String,
    },
}

impl Hashpath {
    /// The base value of a message: the hashpath that it carries, or its full id.
    ///
    /// # Errors
    /// A hashpath that is malformed, or a message that cannot be written.
    pub fn of(message: &Value) -> Result<Self, HashpathError> {
        if let Value::Map(map) = message
            && let Some(Value::Bytes(hashpath)) = map.private(HASHPATH)
        {
            return Self::parse(hashpath);
        }
        Ok(Self { left: full_id(message)?.to_string().into(), right: None })
    }

    /// Reads a hashpath.
    ///
    /// # Errors
    /// More than two components.
    pub fn parse(text: &Bytes) -> Result<Self, HashpathError> {
        let mut slashes = text.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        match (slashes.next(), slashes.count()) {
            (None, _) => Ok(Self { left: text.clone(), right: None }),
            (Some((at, _)), 0) => {
                Ok(Self { left: text.slice(..at), right: Some(Request(text.slice(at + 1..))) })
            }
            (Some(_), more) => Err(HashpathError::Components { components: more + 2 }),
        }
    }

    /// The hashpath of what `request` makes of the message with this one.
    ///
    /// # Errors
    /// A left side that is no id, or a bare key where ids are added up.
    pub fn extend(&self, request: Request, algorithm: Algorithm) -> Result<Self, HashpathError> {
        let left = match &self.right {
            None => self.left.clone(),
            Some(last) => algorithm.chain(&self.left, last)?.to_string().into(),
        };
        Ok(Self { left, right: Some(request) })
    }

    /// The hashpath of the result of one step.
    ///
    /// # Errors
    /// As [`of`](Self::of), [`Request::of`] and [`extend`](Self::extend), and an algorithm that is
    /// unknown.
    pub fn of_step(base: &Message, request: &Message) -> Result<Self, HashpathError> {
        Self::of(&base.clone().into())?.extend(Request::of(request)?, Algorithm::of(base)?)
    }

    /// Confirms that each request leads from one base to the next.
    ///
    /// `bases` are messages with their hashpaths, the first before any step; `requests` are applied
    /// between them, one fewer.
    ///
    /// # Errors
    /// The first step that leads elsewhere, or whose hashpath cannot be computed.
    pub fn verify(bases: &[Message], requests: &[Message]) -> Result<(), HashpathError> {
        for (step, (pair, request)) in bases.windows(2).zip(requests).enumerate() {
            let [base, next] = pair else { continue };
            let computed = Self::of_step(base, request)?;
            let claimed = Self::of(&next.clone().into())?;
            if computed != claimed {
                let (computed, claimed) = (computed.to_string(), claimed.to_string());
                return Err(HashpathError::WrongStep { step, computed, claimed });
            }
        }
        Ok(())
    }
}

impl Request {
    /// The request value of a request: its path's first component if it has nothing else, its full
    /// id otherwise.
    ///
    /// # Errors
    /// A request without any key, or one that cannot be written.
    pub fn of(request: &Message) -> Result<Self, HashpathError> {
        if request.keys().any(|key| NOT_EXTRA.iter().all(|name| *key != *name)) {
            return Ok(Self(full_id(&request.clone().into())?.to_string().into()));
        }
        let path = request.get_exact("path").and_then(Value::as_name);
        let mut components = path.iter().flat_map(|path| path.split(|byte| *byte == b'/'));
        let first = components.find(|component| !component.is_empty());
        first.map(|key| Self(Bytes::copy_from_slice(key))).ok_or(HashpathError::EmptyRequest)
    }

    /// A request of this text: a bare key or an id.
    #[must_use]
    pub fn new(text: impl Into<Bytes>) -> Self {
        Self(text.into())
    }

    /// The 32 bytes of an id. A bare key that is as long as one is taken for one.
    fn id(&self) -> Option<Id> {
        (self.0.len() == crate::ID_TEXT_LENGTH)
            .then(|| Id::from_native_or_text(&self.0).ok())
            .flatten()
    }
}

impl Algorithm {
    /// The algorithm that a base asks for.
    ///
    /// # Errors
    /// A name that is unknown.
    pub fn of(base: &Message) -> Result<Self, HashpathError> {
        match base.get(ALGORITHM) {
            None => Ok(Self::default()),
            Some(value) => match value.as_name() {
                Some(name) => String::from_utf8_lossy(name).parse(),
                None => Err(HashpathError::UnknownAlgorithm { name: format!("{value:?}") }),
            },
        }
    }

    fn chain(self, left: &[u8], request: &Request) -> Result<Id, HashpathError> {
        let left = str::from_utf8(left).ok().and_then(|text| text.parse::<Id>().ok());
        let left = left.ok_or(HashpathError::Left)?;
        match (self, request.id()) {
            (Self::Sha256Chain, Some(id)) => {
                Ok(Id::of(&[*left.as_bytes(), *id.as_bytes()].concat()))
            }
            (Self::Sha256Chain, None) => {
                Ok(Id::of(&[left.as_bytes(), request.0.as_ref()].concat()))
            }
            (Self::Accumulate256, Some(id)) => Ok(Id::sum([left, id])),
            (Self::Accumulate256, None) => {
                Err(HashpathError::NotAnId { request: request.0.clone().into() })
            }
        }
    }
}

impl FromStr for Algorithm {
    type Err = HashpathError;

    fn from_str(name: &str) -> Result<Self, HashpathError> {
        match name {
            "sha-256-chain" => Ok(Self::Sha256Chain),
            "accumulate-256" => Ok(Self::Accumulate256),
            name => Err(HashpathError::UnknownAlgorithm { name: name.to_owned() }),
        }
    }
}

impl fmt::Display for Hashpath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.left))?;
        match &self.right {
            Some(Request(right)) => write!(f, "/{}", String::from_utf8_lossy(right)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "_yWoYJmJVaz2wbDqp_a6K0fzJS_tRp9DFzjh0SX5POw";

    fn nested() -> Message {
        let c = Message::from([("c", "x")]);
        Message::from([("a", Message::from([("b", c)]))])
    }

    fn step(base: &Message, key: &str, hashpath: &Hashpath) -> Message {
        let mut child = base.get(key).and_then(Value::as_map).cloned().unwrap_or_default();
        child.set_private(HASHPATH, hashpath.to_string());
        child
    }

    #[test]
    fn each_step_hashes_the_one_before_into_the_left_side() {
        let base = nested();
        let [a, b] = ["a", "b"].map(|key| Message::from([("path", key)]));
        let first = Hashpath::of_step(&base, &a).unwrap();
        assert_eq!(first.to_string(), format!("{BASE}/a"));
        let child = step(&base, "a", &first);
        let second = Hashpath::of_step(&child, &b).unwrap();
        assert_eq!(second.to_string(), "xvfLQcvPdjEnm0uOqx96F1er2H3evYKr5HO2R9lGXfc/b");

        let grandchild = step(&child, "b", &second);
        let history = [base, child, grandchild];
        assert_eq!(Hashpath::verify(&history, &[a.clone(), b.clone()]), Ok(()));
        let forged = Hashpath::verify(&history, &[b, a]);
        assert!(matches!(forged, Err(HashpathError::WrongStep { step: 0, .. })), "{forged:?}");
    }

    #[test]
    fn a_request_with_other_keys_is_named_by_its_id() {
        let request = Message::from([("path", "a"), ("p", "1")]);
        let hashpath = Hashpath::of_step(&nested(), &request).unwrap().to_string();
        assert_eq!(hashpath, format!("{BASE}/Lc16JP2T6QIYy6AxB2rkctv8UrSHs2bwcFuN4ThRNAc"));
    }

    #[test]
    fn what_cannot_be_chained_is_an_error() {
        let text = Bytes::from(format!("{BASE}/a"));
        let hashpath = Hashpath::parse(&text).unwrap();
        let bare = hashpath.extend(Request::new("b"), Algorithm::Accumulate256);
        assert_eq!(bare, Err(HashpathError::NotAnId { request: "a".into() }));
        assert_eq!(
            Hashpath::parse(&Bytes::from("a/b/c")),
            Err(HashpathError::Components { components: 3 })
        );
        assert!("md5".parse::<Algorithm>().is_err());
        let short = Hashpath::parse(&Bytes::from("short/a")).unwrap();
        assert_eq!(short.extend(Request::new("b"), Algorithm::default()), Err(HashpathError::Left));
    }
}
