//! Keys that a table has and that would come back to the script as others: text in a list, and what
//! is no text in a map.

use super::*;

/// The odd keys of a table, each by the key that the value has for it.
#[derive(Debug)]
pub(super) struct Odd(BTreeMap<oxbeam_protocol::Key, Key>);

impl Odd {
    pub(super) const fn none() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this key is the one that the table has for the value's.
    pub(super) fn is_own(&self, key: &Key, in_list: bool) -> bool {
        match self.0.get(key.to_message_key().as_bytes()) {
            Some(odd) => odd == key,
            None => !is_odd(key, in_list),
        }
    }

    /// Notes a key that the table has now.
    pub(super) fn note(&mut self, key: &Key, in_list: bool) {
        if is_odd(key, in_list) {
            self.0.insert(key.to_message_key(), key.clone());
        }
    }

    /// Forgets a key that the table has no more.
    pub(super) fn forget(&mut self, key: &Key) {
        self.0.remove(key.to_message_key().as_bytes());
    }

    /// The list of so many elements is a map now: what was odd is not, and the other way round.
    pub(super) fn list_became_map(&mut self, length: usize) {
        let numbers = (1..=length).map(values::number).map(|key| (key.to_message_key(), key));
        self.0 = numbers.filter(|(name, _)| !self.0.contains_key(name)).collect();
    }

    /// The map of these keys is a list now.
    pub(super) fn map_became_list<'a>(
        &mut self,
        keys: impl Iterator<Item = &'a oxbeam_protocol::Key>,
    ) {
        let texts = keys.filter(|name| !self.0.contains_key(*name));
        self.0 = texts.map(|name| (name.clone(), Key::Text(name.to_bytes()))).collect();
    }
}

/// The keys of a table that may be odd, before it is known what it becomes.
pub(super) struct Keys {
    /// How many keys the table has in all.
    count: usize,
    /// Keys that it has as an array, from 1 on.
    array: usize,
    rest: Vec<Key>,
}

impl Keys {
    pub(super) fn of(table: &Table) -> Self {
        let may_be = |key: &&Key| !matches!(key, Key::Text(_)) || key.place().is_some();
        let rest = table.rest.iter().map(|(key, _)| key).filter(may_be).cloned().collect();
        let array = table.array.len();
        Self { count: array + table.rest.len(), array, rest }
    }

    /// The odd ones of a table that became this value.
    ///
    /// # Errors
    /// The value does not have all of its keys: two are the same in a message, or one is private.
    pub(super) fn odd_in(self, value: &Value) -> Result<Odd, Shared> {
        let mut odd = Odd::none();
        let (in_list, array) = match value {
            Value::Map(map) if map.len() != self.count => return Err(Shared),
            Value::Map(_) => (false, self.array),
            _ => (true, 0),
        };
        for key in (1..=array).map(values::number).chain(self.rest) {
            odd.note(&key, in_list);
        }
        Ok(odd)
    }
}

const fn is_odd(key: &Key, in_list: bool) -> bool {
    match key {
        Key::Number(_) => !in_list,
        Key::Boolean(_) => true,
        Key::Text(_) => in_list,
    }
}
