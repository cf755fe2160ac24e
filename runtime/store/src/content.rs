//! Messages by id, other ids of the same message, and paths that lead to each other.
//!
//! What an id names does not change, but what is known about it may: a message gains commitments.
//! So [`Content::put_content`] keeps the first message it is given under an id, and
//! [`Content::replace_content`] replaces exactly the one that the caller has merged into. Merging is
//! done by the caller: the writer's thread, which all wait for, decodes no messages.
//!
//! Source: spec 26, sections 1 and 2.

use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::batch::Batch;
use crate::engine::{Family, Reader};
use crate::error::StoreError;
use crate::keys::{self, ALIAS, MESSAGE};
use crate::local::LocalStore;
use crate::log::check_size;
use crate::page::{Limit, Page};
use crate::record;
use crate::writer::How;

mod list;

/// Most links that one path is led through.
pub const MAX_LINK_HOPS: usize = 100;

/// Nearly what a record takes up besides what it keeps.
const RECORD_BYTES: usize = 80;

/// When a write is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persist {
    /// When it is on disk, as far as [`crate::Durability`] asks for that.
    Synced,
    /// When it is written. A power cut may take it, and then takes all that was written after it.
    Buffered,
}

impl Persist {
    pub(crate) fn how(self, bytes: usize) -> How {
        match self {
            Self::Synced => How::synced(bytes),
            Self::Buffered => How::buffered(bytes),
        }
    }
}

/// Messages, aliases and links.
pub trait Content: Send + Sync {
    /// The message with this id, or that this alias stands for.
    ///
    /// # Errors
    /// Errors of reading.
    fn content(&self, id: Id) -> Answer<Option<Bytes>>;

    /// The id that an alias stands for.
    ///
    /// # Errors
    /// Errors of reading.
    fn alias(&self, alias: Id) -> Answer<Option<Id>>;

    /// Keeps messages that are not there yet, and replaces aliases and links.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::InvalidPath`]; errors of writing.
    fn put_content(&self, batch: ContentBatch, persist: Persist) -> Answer<()>;

    /// Replaces the message under `id`, if it still is `expected`.
    ///
    /// # Errors
    /// [`StoreError::ContentChanged`] if it is not; errors of writing.
    fn replace_content(
        &self,
        id: Id,
        expected: Option<Bytes>,
        message: Bytes,
        persist: Persist,
    ) -> Answer<()>;

    /// The path with its links replaced, segment by segment: `a/b/c` with `a/b` leading to `x` is
    /// `x/c`. A path without links is itself.
    ///
    /// # Errors
    /// [`StoreError::InvalidPath`], [`StoreError::TooManyLinks`]; errors of reading.
    fn resolve(&self, path: String) -> Answer<String>;

    /// Names of what lies directly in the group at `path`, in byte order, from behind `after` on.
    ///
    /// # Errors
    /// [`StoreError::InvalidPath`]; errors of reading.
    fn list(
        &self,
        path: String,
        after: Option<String>,
        limit: Limit,
    ) -> Answer<Page<String, String>>;
}

/// What is kept in one piece: all of it or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentBatch {
    /// Encoded messages by id, each of at most [`crate::MAX_VALUE_BYTES`].
    pub messages: Vec<(Id, Bytes)>,
    /// Alias and the id it stands for: those of signed forms, for example.
    pub aliases: Vec<(Id, Id)>,
    /// Path and the path it leads to.
    pub links: Vec<(String, String)>,
}

impl ContentBatch {
    /// Nearly what it takes up as records.
    pub(crate) fn bytes(&self) -> usize {
        let messages = self.messages.iter().map(|(_, message)| message.len() + RECORD_BYTES);
        let links =
            self.links.iter().map(|(path, target)| path.len() + target.len() + RECORD_BYTES);
        messages.chain(links).sum::<usize>() + self.aliases.len() * RECORD_BYTES
    }
}

/// What came with an assignment or a result, so that an export of the process finds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CameWith {
    pub(crate) messages: Vec<Bytes>,
    pub(crate) aliases: Vec<Bytes>,
    pub(crate) links: Vec<String>,
}

impl From<&ContentBatch> for CameWith {
    fn from(batch: &ContentBatch) -> Self {
        let id = |id: &Id| Bytes::copy_from_slice(id.as_bytes());
        Self {
            messages: batch.messages.iter().map(|(message, _)| id(message)).collect(),
            aliases: batch.aliases.iter().map(|(alias, _)| id(alias)).collect(),
            links: batch.links.iter().map(|(path, _)| path.clone()).collect(),
        }
    }
}

/// A batch whose records are encoded.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Kept unless there is one.
    messages: Vec<(Bytes, Bytes)>,
    /// Written anyhow.
    others: Vec<(Bytes, Bytes)>,
}

impl Prepared {
    pub(crate) fn new(batch: ContentBatch) -> Result<Self, StoreError> {
        let mut prepared = Self::default();
        for (id, message) in batch.messages {
            check_size("a message", message.len())?;
            let key = keys::of_process(MESSAGE, &id);
            let record = record::seal(&key, &message);
            prepared.messages.push((key, record));
        }
        for (alias, id) in batch.aliases.into_iter().filter(|(alias, id)| alias != id) {
            let key = keys::of_process(ALIAS, &alias);
            let record = record::seal(&key, &Bytes::copy_from_slice(id.as_bytes()));
            prepared.others.push((key, record));
        }
        for (path, target) in batch.links.into_iter().filter(|(path, target)| path != target) {
            keys::path(&target)?;
            let key = keys::path(&path)?;
            let record = record::seal(&key, &target);
            prepared.others.push((key, record));
        }
        Ok(prepared)
    }

    pub(crate) fn plan(self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        for (key, record) in self.messages {
            if batch.get(Family::Content, &key)?.is_none() {
                batch.put(Family::Content, key, record);
            }
        }
        for (key, record) in self.others {
            batch.put(Family::Content, key, record);
        }
        Ok(())
    }
}

fn read_alias(reader: &(impl Reader + ?Sized), alias: &Id) -> Result<Option<Id>, StoreError> {
    let key = keys::of_process(ALIAS, alias);
    let Some(sealed) = reader.get(Family::Content, &key)? else { return Ok(None) };
    let id: Bytes = record::unseal(Family::Content, &key, &sealed)?;
    let id = <[u8; 32]>::try_from(&*id).map_err(|_| StoreError::Corrupt {
        family: Family::Content,
        key: record::hex(&key),
        reason: "an alias does not name an id".into(),
    })?;
    Ok(Some(id.into()))
}

fn read_message(reader: &(impl Reader + ?Sized), id: &Id) -> Result<Option<Bytes>, StoreError> {
    let key = keys::of_process(MESSAGE, id);
    let sealed = reader.get(Family::Content, &key)?;
    sealed.map(|sealed| record::unseal(Family::Content, &key, &sealed)).transpose()
}

fn read_content(reader: &(impl Reader + ?Sized), id: &Id) -> Result<Option<Bytes>, StoreError> {
    match read_message(reader, id)? {
        Some(message) => Ok(Some(message)),
        None => match read_alias(reader, id)? {
            Some(id) => read_message(reader, &id),
            None => Ok(None),
        },
    }
}

fn resolve(reader: &(impl Reader + ?Sized), path: String) -> Result<String, StoreError> {
    keys::path(&path)?;
    let mut at = path.clone();
    let mut hops = 0;
    // A link may stand for the whole path so far or for any group it passes, the shortest first.
    let mut end = at.find('/').unwrap_or(at.len());
    loop {
        let (group, rest) = at.split_at(end);
        let key = keys::path(group)?;
        let link = reader.get(Family::Content, &key)?;
        match link {
            Some(sealed) => {
                hops += 1;
                if hops > MAX_LINK_HOPS {
                    return Err(StoreError::TooManyLinks { path });
                }
                let target: String = record::unseal(Family::Content, &key, &sealed)?;
                at = target + rest;
                end = at.find('/').unwrap_or(at.len());
            }
            None if rest.is_empty() => return Ok(at),
            None => {
                let next = rest.get(1..).and_then(|rest| rest.find('/'));
                end = next.map_or(at.len(), |next| end + 1 + next);
            }
        }
    }
}

impl Content for LocalStore {
    fn content(&self, id: Id) -> Answer<Option<Bytes>> {
        self.read(move |reader| read_content(reader, &id))
    }

    fn alias(&self, alias: Id) -> Answer<Option<Id>> {
        self.read(move |reader| read_alias(reader, &alias))
    }

    fn put_content(&self, batch: ContentBatch, persist: Persist) -> Answer<()> {
        let how = persist.how(batch.bytes());
        self.writer().submit_encoded(how, || Prepared::new(batch), Prepared::plan)
    }

    fn replace_content(
        &self,
        id: Id,
        expected: Option<Bytes>,
        message: Bytes,
        persist: Persist,
    ) -> Answer<()> {
        let how = persist.how(message.len() + RECORD_BYTES);
        let key = keys::of_process(MESSAGE, &id);
        let at = key.clone();
        let encode = move || {
            check_size("a message", message.len())?;
            Ok(record::seal(&at, &message))
        };
        self.writer().submit_encoded(how, encode, move |sealed, batch| {
            let found: Option<Bytes> = batch.record(Family::Content, &key)?;
            if found != expected {
                return Err(StoreError::ContentChanged { id });
            }
            batch.put(Family::Content, key, sealed);
            Ok(())
        })
    }

    fn resolve(&self, path: String) -> Answer<String> {
        self.readers().run(move |engine| resolve(engine, path))
    }

    fn list(
        &self,
        path: String,
        after: Option<String>,
        limit: Limit,
    ) -> Answer<Page<String, String>> {
        self.readers().run(move |engine| list::list(engine, &path, after.as_deref(), limit))
    }
}
