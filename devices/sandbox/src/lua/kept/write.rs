//! Writes what changed in a table into its value, a list or map that may become the other.

use std::cmp::Reverse;

use super::*;

/// The value of a table, with the keys that the table has otherwise.
pub(super) struct Writing<'a> {
    pub(super) value: &'a mut Value,
    pub(super) odd: &'a mut Odd,
}

impl Writing<'_> {
    /// Writes entries; those without a value are gone.
    ///
    /// # Errors
    /// The value cannot have all keys of the table: two are the same in a message, or one is private.
    pub(super) fn all(
        mut self,
        entries: Vec<(Key, Option<Value>)>,
        in_list: bool,
    ) -> Result<(), Shared> {
        let mut gone = Vec::new();
        let mut set = Vec::new();
        for (key, value) in entries {
            match value {
                Some(value) => set.push((key, value)),
                None => gone.push(key),
            }
        }
        // From the end, and to it, so that what shrinks or grows there stays a list.
        gone.sort_by_key(|key| Reverse(key.place()));
        set.sort_by_key(|(key, _)| key.place());
        gone.iter().for_each(|key| self.remove(key));
        for (key, entry) in set {
            self.insert(&key, entry)?;
        }
        self.settle(in_list);
        Ok(())
    }

    /// Removes a key, if the table has it: its value may be there for another.
    fn remove(&mut self, key: &Key) {
        if !self.odd.is_own(key, matches!(self.value, Value::List(_))) {
            return;
        }
        if let Value::List(list) = self.value {
            match key.place() {
                Some(place) if place == list.len() => {
                    list.make_mut().pop();
                    self.odd.forget(key);
                    return;
                }
                Some(place) if place < list.len() => self.make_map(),
                _ => return,
            }
        }
        if let Value::Map(map) = self.value {
            map.remove(key.to_message_key());
            self.odd.forget(key);
        }
    }

    fn insert(&mut self, key: &Key, entry: Value) -> Result<(), Shared> {
        if let Value::List(list) = self.value {
            let length = list.len();
            match key.place() {
                Some(place) if place <= length => {
                    let element = list.make_mut().get_mut(place - 1).ok_or(Shared)?;
                    *element = values::settled(entry, true);
                    return if self.odd.is_own(key, true) { Ok(()) } else { Err(Shared) };
                }
                Some(place) if place == length + 1 => {
                    list.make_mut().push(values::settled(entry, true));
                    self.odd.note(key, true);
                    return Ok(());
                }
                _ => self.make_map(),
            }
        }
        let Value::Map(map) = self.value else { return Err(Shared) };
        let name = key.to_message_key();
        match map.contains(&name) {
            true if !self.odd.is_own(key, false) => return Err(Shared),
            true => {}
            false if name.is_private() => return Err(Shared),
            false => self.odd.note(key, false),
        }
        map.insert(name, values::settled(entry, false));
        Ok(())
    }

    fn make_map(&mut self) {
        if let Value::List(list) = self.value {
            self.odd.list_became_map(list.len());
            *self.value = Value::Map(values::as_map(list));
        }
    }

    /// Makes a list of a map that is one now, and of nothing what nothing is at its place.
    fn settle(&mut self, in_list: bool) {
        let length = match self.value {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            _ => return,
        };
        if length == 0 {
            *self.value = values::empty(in_list);
        } else if let Value::Map(map) = self.value
            && let Some(list) = values::as_list(map)
        {
            self.odd.map_became_list(map.keys());
            *self.value = Value::List(list);
        }
    }
}
