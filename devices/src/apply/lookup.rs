//! Messages that are named by paths. Source: spec 15, section 6.

use oxbeam_kernel::{Call, CallError, Context, Outcome};
use oxbeam_protocol::{Key, Message, Value};

use crate::read;

/// Longest path that an answer repeats, in characters.
const MAX_SHOWN: usize = 256;

/// Where names are looked up.
pub(super) struct Places<'a> {
    context: &'a Context,
    request: &'a Message,
    base: &'a Message,
}

/// What was not found.
pub(super) enum NotFound {
    /// The key that was to hold a path.
    Name(&'static str),
    /// What the path leads to.
    Source(String),
    /// The path is none.
    Invalid(String),
}

impl<'a> Places<'a> {
    /// The request of a call, and a base.
    pub(super) fn of(call: &'a Call, base: &'a Message) -> Self {
        Self { context: &call.context, request: &call.request, base }
    }

    /// What the path under a key leads to.
    pub(super) async fn named(
        &self,
        key: &'static str,
    ) -> Result<Result<Value, NotFound>, CallError> {
        for message in [self.request, self.base] {
            if let Some(path) = self.context.get(message, key).await? {
                return self.at(&path).await;
            }
        }
        Ok(Err(NotFound::Name(key)))
    }

    /// What a path leads to.
    pub(super) async fn at(&self, path: &Value) -> Result<Result<Value, NotFound>, CallError> {
        let Some(parts) = read::path(path) else {
            return Ok(Err(NotFound::Invalid("that is no text".into())));
        };
        let Some((places, keys)) = self.start(parts) else {
            return Ok(Err(NotFound::Invalid(shown(path))));
        };
        for message in places {
            if let Some(value) = self.walk(message, &keys).await? {
                return Ok(Ok(value));
            }
        }
        Ok(Err(NotFound::Source(shown(path))))
    }

    /// The messages in which a path begins, and the path there.
    fn start(&self, mut parts: Vec<Key>) -> Option<(Vec<&'a Message>, Vec<Key>)> {
        let first = parts.first()?.to_bytes();
        let Some(colon) = first.iter().position(|byte| *byte == b':') else {
            return Some((vec![self.request, self.base], parts));
        };
        let message = match first.get(..colon)? {
            b"base" => self.base,
            b"request" | b"req" => self.request,
            _ => return None,
        };
        let key = first.slice(colon + 1..);
        match parts.first_mut() {
            Some(first) if !key.is_empty() => *first = key.into(),
            _ => drop(parts.remove(0)),
        }
        Some((vec![message], parts))
    }

    async fn walk(&self, message: &Message, keys: &[Key]) -> Result<Option<Value>, CallError> {
        let mut at = Value::Map(message.clone());
        for key in keys {
            let message = match at {
                Value::Map(message) => message,
                Value::List(list) => list.to_map(),
                _ => return Ok(None),
            };
            let Some(value) = message.get(key) else { return Ok(None) };
            at = self.context.load(value.clone()).await?;
        }
        Ok(Some(at))
    }
}

fn shown(path: &Value) -> String {
    let text = path.as_name().map(|text| String::from_utf8_lossy(text).into_owned());
    text.unwrap_or_else(|| "that is a list".into()).chars().take(MAX_SHOWN).collect()
}

impl NotFound {
    /// What is said about it: 400.
    pub(super) fn outcome(self) -> Outcome {
        let sentence = match self {
            Self::Name(key) => format!("Path `{key}` to apply not found."),
            Self::Source(path) => format!("Source path `{path}` to apply not found."),
            Self::Invalid(path) => format!("Path `{path}` is invalid."),
        };
        Outcome::error(Message::new().with("body", sentence))
    }
}
