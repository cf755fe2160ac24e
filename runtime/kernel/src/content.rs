//! Messages by id: what is kept of them, and how they are found again.
//!
//! A message lies under its unsigned id, with links in place of the messages nested in it, which lie
//! under theirs. The ids of its commitments, and the sum of those with a committer, are aliases. Who
//! keeps a message again adds its commitments to those that are known. Source: spec 26, section 2.

mod named;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::commitment::{COMMITMENTS, Commitment, signed_id, unsigned_id};
use oxbeam_protocol::limits::{MAX_DEPTH, MAX_VALUES};
use oxbeam_protocol::{Content, ContentError, Id, Link, Message, Value};
use oxbeam_store::{ContentBatch, Persist, Store, StoreError};

pub use self::named::as_asked;
use self::named::asked_by;
pub(crate) use self::named::named_by;
use crate::error::CallError;
use crate::record;

/// How often a message is merged anew, if others change it meanwhile.
const MERGES: usize = 8;

/// The messages that a node keeps.
#[derive(Clone)]
pub struct Contents {
    store: Arc<dyn Store>,
}

impl Contents {
    /// Messages in a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The message of this id, or that this alias stands for. Nested messages are links.
    ///
    /// # Errors
    /// The store fails, or holds what is no message.
    pub async fn read(&self, id: Id) -> Result<Option<Value>, CallError> {
        match self.store.content(id).await? {
            Some(bytes) => Ok(Some(read_record(&bytes)?)),
            None => Ok(None),
        }
    }

    /// The same, keeping to itself by which id it was asked for: see [`as_asked`].
    ///
    /// # Errors
    /// As [`Contents::read`].
    pub async fn read_as(&self, id: Id) -> Result<Option<Value>, CallError> {
        Ok(match self.read(id).await? {
            Some(Value::Map(message)) => Some(asked_by(message, id).into()),
            value => value,
        })
    }

    /// What a link leads to.
    ///
    /// # Errors
    /// [`CallError::Missing`] if it is not kept here; errors of reading.
    pub async fn follow(&self, link: &Link) -> Result<Value, CallError> {
        let missing =
            || CallError::Missing { id: String::from_utf8_lossy(link.text()).into_owned() };
        let id = link.id().map_err(|_| missing())?;
        self.read(id).await?.ok_or_else(missing)
    }

    /// A value with all of its links, at any depth, replaced by what they lead to.
    ///
    /// # Errors
    /// As [`Contents::follow`]; more than [`MAX_VALUES`] values or [`MAX_DEPTH`] levels.
    pub async fn load_all(&self, value: Value) -> Result<Value, CallError> {
        let mut left = MAX_VALUES;
        if !has_links(&value, MAX_DEPTH) {
            return Ok(value);
        }
        self.load(value, MAX_DEPTH, &mut left).await
    }

    async fn load(&self, value: Value, depth: usize, left: &mut usize) -> Result<Value, CallError> {
        *left = left.checked_sub(1).filter(|_| depth > 0).ok_or_else(|| {
            CallError::Raised("the message and what it links are too large to be loaded".into())
        })?;
        match value {
            Value::Link(link) => {
                let value = self.follow(&link).await?;
                Box::pin(self.load(value, depth - 1, left)).await
            }
            Value::Map(mut message) => {
                let nested = message.iter().filter(|(_, value)| has_links(value, depth));
                let nested: Vec<_> =
                    nested.map(|(key, value)| (key.clone(), value.clone())).collect();
                for (key, value) in nested {
                    let value = Box::pin(self.load(value, depth - 1, left)).await?;
                    message.insert(key, value);
                }
                Ok(message.into())
            }
            Value::List(mut list) => {
                for item in list.make_mut() {
                    if has_links(item, depth) {
                        let value = std::mem::replace(item, Value::from_static(""));
                        *item = Box::pin(self.load(value, depth - 1, left)).await?;
                    }
                }
                Ok(list.into())
            }
            value => Ok(value),
        }
    }

    /// Keeps a message, and all that are nested in it, under all of their ids. Answers with the
    /// unsigned id.
    ///
    /// What came from outside must have come out of
    /// [`authenticate`](oxbeam_protocol::commitment::authenticate).
    ///
    /// # Errors
    /// A message that cannot be written; errors of the store.
    pub async fn keep(&self, message: &Message, persist: Persist) -> Result<Id, CallError> {
        let offloaded = Offloaded::default();
        let linked = linked(message, &offloaded)?;
        self.keep_offloaded(offloaded).await?;
        let id = unsigned_id(&linked)?;
        self.keep_one(id, linked, persist).await?;
        Ok(id)
    }

    /// Keeps a byte string under the hash of it.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn keep_bytes(&self, bytes: Bytes, persist: Persist) -> Result<Id, CallError> {
        let id = Id::of(&bytes);
        let messages = vec![(id, write_record(&bytes.into())?)];
        self.store.put_content(ContentBatch { messages, ..Default::default() }, persist).await?;
        Ok(id)
    }

    /// Keeps what writing a message with links has taken out of it. It can be computed again, and
    /// so is not synced.
    ///
    /// # Errors
    /// As [`Contents::keep`].
    pub async fn keep_offloaded(&self, offloaded: Offloaded) -> Result<(), CallError> {
        for (id, value) in offloaded.0.into_inner() {
            let id = match &value {
                Value::Map(_) => unsigned_id(&value)?,
                _ => id,
            };
            self.keep_one(id, value, Persist::Buffered).await?;
        }
        Ok(())
    }

    async fn keep_one(&self, id: Id, value: Value, persist: Persist) -> Result<(), CallError> {
        let aliases = aliases(&value, id)?;
        for _ in 0..MERGES {
            let Some(bytes) = self.store.content(id).await? else {
                let messages = vec![(id, write_record(&value)?)];
                let batch = ContentBatch { messages, aliases: aliases.clone(), links: Vec::new() };
                self.store.put_content(batch, persist).await?;
                if aliases.is_empty() {
                    return Ok(());
                }
                // Somebody else may have kept it first, with other commitments: look again.
                continue;
            };
            let known = read_record(&bytes)?;
            let merged = with_commitments_of(&known, &value);
            if merged != known {
                let record = write_record(&merged)?;
                match self.store.replace_content(id, Some(bytes), record, persist).await {
                    Err(StoreError::ContentChanged { .. }) => continue,
                    replaced => replaced?,
                }
                let batch = ContentBatch { aliases, ..ContentBatch::default() };
                self.store.put_content(batch, persist).await?;
            }
            return Ok(());
        }
        Err(StoreError::ContentChanged { id }.into())
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
    }
}

/// Takes up the nested messages of one that is written with links, until they are kept.
#[derive(Debug, Default)]
pub struct Offloaded(RefCell<Vec<(Id, Value)>>);

impl Content for Offloaded {
    fn read(&self, _: &Id) -> Result<Option<Value>, ContentError> {
        Ok(None)
    }

    fn write(&self, id: &Id, message: &Value) -> Result<(), ContentError> {
        self.0.borrow_mut().push((*id, message.clone()));
        Ok(())
    }
}

/// A message with links in place of those nested in it, which `offloaded` takes up.
fn linked(message: &Message, offloaded: &Offloaded) -> Result<Value, CallError> {
    let written =
        Structured { links: Links::Offload(offloaded) }.encode(&message.clone().into())?;
    Ok(Structured::decode(&written)?)
}

/// Under which other ids a message is found.
fn aliases(value: &Value, id: Id) -> Result<Vec<(Id, Id)>, CallError> {
    let Value::Map(message) = value else { return Ok(Vec::new()) };
    let ids = Commitment::all(message).map(|one| Id::from_native_or_text(one.id.as_bytes()));
    let mut all: Vec<Id> = ids.filter_map(Result::ok).collect();
    if !all.is_empty() {
        all.push(signed_id(value)?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all.into_iter().map(|alias| (alias, id)).filter(|(alias, id)| alias != id).collect())
}

/// A message with its own commitments and those of another copy of it.
fn with_commitments_of(known: &Value, other: &Value) -> Value {
    let (Value::Map(known), Value::Map(other)) = (known, other) else { return known.clone() };
    let Some(Value::Map(more)) = other.get_exact(COMMITMENTS) else { return known.clone().into() };
    let mut merged = known.clone();
    let commitments = match known.get_exact(COMMITMENTS) {
        Some(Value::Map(commitments)) => commitments.clone(),
        _ => Message::new(),
    };
    // Those that are known stay as they are.
    let all = more.iter().chain(commitments.iter()).map(|(id, one)| (id.clone(), one.clone()));
    merged.insert(COMMITMENTS, all.collect::<Message>());
    merged.into()
}

fn has_links(value: &Value, depth: usize) -> bool {
    match value {
        Value::Link(_) => true,
        Value::Map(map) if depth > 0 => map.iter().any(|(_, value)| has_links(value, depth - 1)),
        Value::List(list) if depth > 0 => list.iter().any(|value| has_links(value, depth - 1)),
        _ => false,
    }
}

fn read_record(bytes: &[u8]) -> Result<Value, CallError> {
    Ok(record::decode(bytes)?)
}

fn write_record(value: &Value) -> Result<Bytes, CallError> {
    Ok(record::encode(value)?)
}
