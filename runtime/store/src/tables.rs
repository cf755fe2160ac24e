//! Names, ledgers and what the node knows of itself: values with a version, changed only by who has
//! seen the last one.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, fail};
use crate::batch::Batch;
use crate::content::Persist;
use crate::engine::Family;
use crate::error::StoreError;
use crate::keys;
use crate::local::LocalStore;
use crate::log::check_size;
use crate::page::{Limit, Page, page};
use crate::record;

/// Which values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Local names.
    Names,
    /// Balances.
    Ledgers,
    /// The node's own facts.
    Node,
}

impl Table {
    fn family(self) -> Family {
        match self {
            Self::Names => Family::Names,
            Self::Ledgers => Family::Ledgers,
            Self::Node => Family::Node,
        }
    }
}

/// A value and how often it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// Counts changes from 1, also across removals. A value that never was has 0.
    pub version: u64,
    /// The value; `None` if there is none.
    pub value: Option<Bytes>,
}

/// A change of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name. At most [`crate::MAX_NAME_BYTES`].
    pub name: Bytes,
    /// The version that it must have now; `None` changes any.
    pub expected: Option<u64>,
    /// The new value, of at most [`crate::MAX_VALUE_BYTES`]; `None` removes it.
    pub value: Option<Bytes>,
}

/// Tables of named values.
pub trait Tables: Send + Sync {
    /// A value and its version.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; errors of reading.
    fn value(&self, table: Table, name: Bytes) -> Answer<Versioned>;

    /// Values whose names begin with `prefix`, in byte order, from behind `after` on, which need not
    /// begin with it.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; errors of reading.
    fn values(
        &self,
        table: Table,
        prefix: Bytes,
        after: Option<Bytes>,
        limit: Limit,
    ) -> Answer<Page<(Bytes, Versioned), Bytes>>;

    /// Makes all of the changes or, if any value has another version than expected, none. Answers
    /// with the new versions.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::TooLarge`]; errors of writing.
    fn change(&self, table: Table, changes: Vec<Change>, persist: Persist) -> Answer<Vec<u64>>;

    /// Removes values together with their versions, as if they had never been: for names without end,
    /// whose owners bear that a value has the version of one before it. Not synced.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; errors of writing.
    fn forget(&self, table: Table, names: Vec<Bytes>) -> Answer<()>;
}

/// A removed value stays as a version, so that nobody takes its successor for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ValueRecord {
    version: u64,
    value: Option<Bytes>,
}

impl From<ValueRecord> for Versioned {
    fn from(ValueRecord { version, value }: ValueRecord) -> Self {
        Self { version, value }
    }
}

/// Changes of a table that are made together, and with whatever else is in the same batch.
pub(crate) struct Changes {
    family: Family,
    keyed: Vec<(Bytes, Change)>,
}

impl Changes {
    pub(crate) fn new(table: Table, changes: Vec<Change>) -> Result<Self, StoreError> {
        let keyed = changes.into_iter().map(|change| {
            check_size("a value", change.value.as_ref().map_or(0, Bytes::len))?;
            Ok((keys::name(&change.name)?, change))
        });
        Ok(Self { family: table.family(), keyed: keyed.collect::<Result<_, _>>()? })
    }

    /// About how many bytes they write.
    pub(crate) fn bytes(&self) -> usize {
        let size = |change: &Change| change.value.as_ref().map_or(0, Bytes::len) + 64;
        self.keyed.iter().map(|(key, change)| key.len() + size(change)).sum()
    }

    /// Makes them; answers with the new versions.
    pub(crate) fn made(self, batch: &mut Batch<'_>) -> Result<Vec<u64>, StoreError> {
        let family = self.family;
        let mut versions = Vec::with_capacity(self.keyed.len());
        for (key, Change { expected, value, .. }) in self.keyed {
            let found: Option<ValueRecord> = batch.record(family, &key)?;
            let found = found.unwrap_or_default().version;
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                return Err(StoreError::Conflict { family, expected, found });
            }
            let version = found.checked_add(1).ok_or_else(|| StoreError::Corrupt {
                family,
                key: record::hex(&key),
                reason: "no version comes after it".into(),
            })?;
            batch.put_record(family, key, &ValueRecord { version, value });
            versions.push(version);
        }
        Ok(versions)
    }
}

impl Tables for LocalStore {
    fn value(&self, table: Table, name: Bytes) -> Answer<Versioned> {
        let family = table.family();
        match keys::name(&name) {
            Ok(key) => {
                let found = self.record::<ValueRecord>(family, key);
                Box::pin(async move { Ok(found.await?.unwrap_or_default().into()) })
            }
            Err(error) => fail(error),
        }
    }

    fn values(
        &self,
        table: Table,
        prefix: Bytes,
        after: Option<Bytes>,
        limit: Limit,
    ) -> Answer<Page<(Bytes, Versioned), Bytes>> {
        let family = table.family();
        self.readers().run(move |engine| {
            let prefix = keys::name(&prefix)?;
            let end = keys::after(&prefix);
            let first = match after {
                Some(name) => keys::just_after(&keys::name(&name)?).max(prefix),
                None => prefix,
            };
            page(engine, family, &first, &end, limit, |key, value| {
                let record: ValueRecord = record::unseal(family, key, value)?;
                let name = Bytes::copy_from_slice(key.get(1..).unwrap_or_default());
                Ok(((name.clone(), record.into()), name))
            })
        })
    }

    fn change(&self, table: Table, changes: Vec<Change>, persist: Persist) -> Answer<Vec<u64>> {
        let changes = match Changes::new(table, changes) {
            Ok(changes) => changes,
            Err(error) => return fail(error),
        };
        let bytes = changes.bytes();
        self.writer().submit(persist.how(bytes), move |batch| changes.made(batch))
    }

    fn forget(&self, table: Table, names: Vec<Bytes>) -> Answer<()> {
        let keys: Vec<Bytes> = match names.iter().map(|name| keys::name(name)).collect() {
            Ok(keys) => keys,
            Err(error) => return fail(error),
        };
        let bytes = keys.iter().map(Bytes::len).sum();
        self.writer().submit(Persist::Buffered.how(bytes), move |batch| {
            keys.into_iter().for_each(|key| batch.delete(table.family(), key));
            Ok(())
        })
    }
}
