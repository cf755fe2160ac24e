//! Messages by id: what is kept of them, and how they are found again.
//!
//! A message lies under its unsigned id, with links in place of the messages nested in it, which lie
//! under theirs. The ids of its commitments, and the sum of those with a committer, are aliases. Who
//! keeps a message again adds its commitments to those that are known; beside each alias lie those
//! that it stood for at first. Source: spec 26, section 2.
//!
//! Ids follow from commitments, so what is kept is [`Proven`], or verified here.

mod named;
mod offloaded;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::commitment::{COMMITMENTS, Commitment, Proven, signed_id, unsigned_id};
use oxbeam_protocol::limits::{MAX_DEPTH, MAX_VALUES};
use oxbeam_protocol::{Id, Link, Message, Value};
use oxbeam_store::{ContentBatch, Persist, Store, StoreError};

pub use self::named::as_asked;
use self::named::{asked_by, form_key, forms, named_by, with_commitments};
pub use self::offloaded::Offloaded;
use crate::error::CallError;
use crate::pool::Pool;
use crate::record;

/// How often a message is merged anew, if others change it meanwhile.
const MERGES: usize = 8;

/// Most commitments that are shown of one message. Who signs one that has as many finds it by his own
/// id, as he signed it.
const MAX_KNOWN: usize = 64;

/// The messages that a node keeps.
#[derive(Clone)]
pub struct Contents {
    store: Arc<dyn Store>,
    pool: Pool,
}

impl Contents {
    /// Messages in a store, verified by this pool.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, pool: Pool) -> Self {
        Self { store, pool }
    }

    /// The message of this id, or that this alias stands for, with all commitments that are known of
    /// it. Nested messages are links.
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

    /// The same, with the commitments that the id stands for: whoever else signs the message, what
    /// is read by this id stays the same.
    ///
    /// # Errors
    /// As [`Contents::read`].
    pub async fn read_named(&self, id: Id) -> Result<Option<Value>, CallError> {
        match self.read(id).await? {
            Some(Value::Map(message)) => Ok(Some(self.named_by(message, id).await?.into())),
            value => Ok(value),
        }
    }

    /// A message with those of its commitments that one of its ids stands for.
    async fn named_by(&self, message: Message, id: Id) -> Result<Message, CallError> {
        if !message.contains(COMMITMENTS) {
            return Ok(message);
        }
        match self.read(form_key(id)).await? {
            Some(Value::Map(form)) => Ok(with_commitments(message, form)),
            _ => Ok(named_by(&message, id)),
        }
    }

    /// What a link leads to.
    ///
    /// # Errors
    /// [`CallError::Missing`] if it is not kept here; errors of reading.
    pub async fn follow(&self, link: &Link) -> Result<Value, CallError> {
        let missing =
            || CallError::Missing { id: String::from_utf8_lossy(link.text()).into_owned() };
        let id = link.id().map_err(|_| missing())?;
        self.read_named(id).await?.ok_or_else(missing)
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
                // Commitments lie in their message. Elsewhere, nobody has verified them.
                if let Some(Value::Link(_)) = message.get_exact(COMMITMENTS) {
                    message.remove(COMMITMENTS);
                }
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
    /// # Errors
    /// A message that cannot be written; errors of the store.
    pub async fn keep(&self, message: &Proven, persist: Persist) -> Result<Id, CallError> {
        let offloaded = Offloaded::default();
        let linked = linked(message, &offloaded)?;
        for (id, value) in offloaded.into_written().all {
            self.keep_nested(id, value).await?;
        }
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

    /// Keeps what writing a message with links has taken out of it, but for commitments that do not
    /// hold. It can be computed again, and so is not synced.
    ///
    /// # Errors
    /// As [`Contents::keep`].
    pub async fn keep_offloaded(&self, offloaded: Offloaded) -> Result<(), CallError> {
        let mut claiming = Vec::new();
        let written = Arc::new(offloaded.into_written());
        for (id, value) in &written.all {
            match value {
                Value::Map(message) if message.contains(COMMITMENTS) => {
                    if !self.knows(message).await? {
                        claiming.push(message.clone());
                    }
                }
                value => self.keep_nested(*id, value.clone()).await?,
            }
        }
        if claiming.is_empty() {
            return Ok(());
        }
        let prove = move || -> Vec<Proven> {
            claiming.iter().map(|message| Proven::of_made(message, &*written)).collect()
        };
        for proven in self.pool.run("the verifier", prove).await? {
            let value = Value::from(proven);
            self.keep_one(unsigned_id(&value)?, value, Persist::Buffered).await?;
        }
        Ok(())
    }

    /// Whether a message is kept with all of its commitments: then they have been verified.
    async fn knows(&self, message: &Message) -> Result<bool, CallError> {
        let Some(Value::Map(known)) = self.read(unsigned_id(&message.clone().into())?).await?
        else {
            return Ok(false);
        };
        let bare = |message: &Message| message.clone().without(&["commitments"]);
        let has = |one: Commitment<'_>| {
            Commitment::all(&known).any(|other| (other.id, other.fields) == (one.id, one.fields))
        };
        Ok(bare(&known) == bare(message) && Commitment::all(message).all(has))
    }

    async fn keep_nested(&self, id: Id, value: Value) -> Result<(), CallError> {
        let id = match &value {
            Value::Map(_) => unsigned_id(&value)?,
            _ => id,
        };
        self.keep_one(id, value, Persist::Buffered).await
    }

    async fn keep_one(&self, id: Id, value: Value, persist: Persist) -> Result<(), CallError> {
        let mut names = self.names(&value, id).await?;
        for _ in 0..MERGES {
            let Some(bytes) = self.store.content(id).await? else {
                let mut batch = std::mem::take(&mut names);
                let has_names = !batch.aliases.is_empty();
                batch.messages.push((id, write_record(&value)?));
                self.store.put_content(batch, persist).await?;
                if !has_names {
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
            }
            if names != ContentBatch::default() {
                self.store.put_content(names, persist).await?;
            }
            return Ok(());
        }
        Err(StoreError::ContentChanged { id }.into())
    }

    /// The other ids of a message and its forms under them, but for those that are there.
    async fn names(&self, value: &Value, id: Id) -> Result<ContentBatch, CallError> {
        let mut batch = ContentBatch::default();
        let Value::Map(message) = value else { return Ok(batch) };
        let aliases = aliases(value, id)?;
        for (alias, form) in forms(message, aliases.iter().map(|(alias, _)| *alias)) {
            let key = form_key(alias);
            // Whose id it is already, it stays.
            let is_free = self.store.alias(alias).await?.is_none_or(|known| known == id);
            if is_free && self.store.content(key).await?.is_none() {
                batch.messages.push((key, write_record(&form.into())?));
                batch.aliases.push((alias, id));
            }
        }
        Ok(batch)
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
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
    let mut commitments = match known.get_exact(COMMITMENTS) {
        Some(Value::Map(commitments)) => commitments.clone(),
        _ => Message::new(),
    };
    for (id, one) in more.iter() {
        // Those that are known stay as they are.
        if commitments.len() < MAX_KNOWN && !commitments.contains(id) {
            commitments.insert(id.clone(), one.clone());
        }
    }
    known.clone().with(COMMITMENTS, commitments).into()
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
