//! Brings the copy up to date.

use std::cmp::Reverse;

use super::*;

impl Kept {
    /// Takes over what the guest says has changed.
    ///
    /// # Errors
    /// A table lies in two places now; the copy is of no use any more.
    pub(in super::super) fn apply(&mut self, mut changes: Vec<Change>) -> Result<(), Shared> {
        changes.retain(|change| self.tables.contains_key(&change.id));
        // Outer tables first, so that inner ones are where they will be when they are written to.
        changes.sort_by_key(|change| self.tables.get(&change.id).map(|known| known.depth));
        let mut moved = self.moved(&changes)?;
        let before: Vec<_> = moved.keys().map(|id| (*id, self.place(*id))).collect();
        let mut displaced = Vec::new();
        for change in changes {
            self.change(change, &mut moved, &mut displaced)?;
        }
        for (id, place) in before {
            self.check_moved(id, place)?;
        }
        for (id, place) in displaced {
            self.drop_if_gone(id, &place);
        }
        Ok(())
    }

    fn place(&self, id: u64) -> Option<(u64, Key)> {
        self.tables.get(&id).map(|known| known.place.clone())
    }

    /// The known tables that were put somewhere, as they are now.
    fn moved(&self, changes: &[Change]) -> Result<HashMap<u64, Value>, Shared> {
        let mut ids = Vec::new();
        for change in changes {
            change.entries.iter().for_each(|(_, raw)| references(raw, &mut ids));
        }
        let mut moved = HashMap::new();
        for id in ids {
            let mut value = &self.value;
            for key in self.path(id)? {
                value = look(value, &key).ok_or(Shared)?;
            }
            // Named twice, it lies in two places.
            if id == self.root || moved.insert(id, value.clone()).is_some() {
                return Err(Shared);
            }
        }
        Ok(moved)
    }

    /// Whether a table that was put somewhere is no longer where it was.
    fn check_moved(&self, id: u64, before: Option<(u64, Key)>) -> Result<(), Shared> {
        let Some((parent, key)) = before else { return Ok(()) };
        let is_there =
            self.tables.get(&parent).and_then(|known| known.tables.get(&key)) == Some(&id);
        if is_there && self.place(id) != Some((parent, key)) { Err(Shared) } else { Ok(()) }
    }

    /// Forgets a table, with all that it holds, if nothing put it elsewhere.
    fn drop_if_gone(&mut self, id: u64, place: &(u64, Key)) {
        let Some(known) = self.tables.get(&id).filter(|known| known.place == *place) else {
            return;
        };
        let holder = self.tables.get(&place.0);
        let is_there = holder.and_then(|holder| holder.tables.get(&place.1)) == Some(&id);
        if is_there {
            return;
        }
        let inner: Vec<_> =
            known.tables.iter().map(|(key, inner)| (*inner, (id, key.clone()))).collect();
        self.tables.remove(&id);
        self.altered.remove(&id);
        for (inner, place) in inner {
            self.drop_if_gone(inner, &place);
        }
    }

    /// Changes one table.
    fn change(
        &mut self,
        change: Change,
        moved: &mut HashMap<u64, Value>,
        displaced: &mut Vec<(u64, (u64, Key))>,
    ) -> Result<(), Shared> {
        let id = change.id;
        let path = self.path(id)?;
        let Some(known) = self.tables.get_mut(&id) else { return Err(Shared) };
        let depth = known.depth;
        for (key, _) in &change.entries {
            if let Some(old) = known.tables.remove(key) {
                displaced.push((old, (id, key.clone())));
            }
        }
        let mut entries = Vec::with_capacity(change.entries.len());
        for (key, raw) in change.entries {
            let value = match raw {
                Raw::Nil => None,
                // Whether it lies in a list is known only when all is written.
                raw => Some(self.child(id, key.clone(), raw, depth, false, moved)?),
            };
            entries.push((key, value));
        }
        if change.has_metatable
            || entries.iter().any(|(key, value)| value.is_some() && does_not_come_back(key))
        {
            self.altered.insert(id);
        }
        let in_list = self.lies_in_list(&path);
        let mut value = &mut self.value;
        for key in &path {
            value = step(value, key).ok_or(Shared)?;
        }
        if write(value, entries, in_list) {
            self.altered.insert(id);
        }
        Ok(())
    }

    fn lies_in_list(&self, path: &[Key]) -> bool {
        let Some((_, outer)) = path.split_last() else { return false };
        let holder = outer.iter().try_fold(&self.value, look);
        matches!(holder, Some(Value::List(_)))
    }
}

/// The numbers of known tables in a value.
fn references(raw: &Raw, ids: &mut Vec<u64>) {
    match raw {
        Raw::Known(id) => ids.push(*id),
        Raw::Table(table) => {
            table.array.iter().for_each(|raw| references(raw, ids));
            table.rest.iter().for_each(|(_, raw)| references(raw, ids));
        }
        _ => {}
    }
}

/// Writes entries into a list or map, which may become the other. Answers whether a key is of the
/// kind that would come back otherwise: text in a list, a number in a map.
fn write(value: &mut Value, entries: Vec<(Key, Option<Value>)>, in_list: bool) -> bool {
    let (gone, set): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(_, value)| value.is_none());
    let mut gone: Vec<Key> = gone.into_iter().map(|(key, _)| key).collect();
    // From the end, so that what shrinks at its end stays a list.
    gone.sort_by_key(|key| Reverse(key.place()));
    let numbers = set.iter().filter(|(key, _)| matches!(key, Key::Number(_))).count();
    let texts = set.iter().any(|(key, _)| matches!(key, Key::Text(_)));
    let was_list = matches!(value, Value::List(_));
    for key in gone {
        remove(value, &key);
    }
    for (key, entry) in set {
        if let Some(entry) = entry {
            insert(value, &key, entry);
        }
    }
    settle(value, in_list);
    match value {
        Value::List(list) => texts || (!was_list && numbers < list.len()),
        Value::Map(map) => numbers > 0 || (was_list && !map.is_empty()),
        _ => false,
    }
}

fn remove(value: &mut Value, key: &Key) {
    if let Value::List(list) = value {
        match key.place() {
            Some(place) if place == list.len() => {
                list.make_mut().pop();
                return;
            }
            Some(place) if place < list.len() => *value = Value::Map(values::as_map(list)),
            _ => return,
        }
    }
    if let Value::Map(map) = value {
        map.remove(key.to_message_key());
    }
}

fn insert(value: &mut Value, key: &Key, entry: Value) {
    if let Value::List(list) = value {
        let length = list.len();
        match key.place() {
            Some(place) if place <= length => {
                if let Some(element) = list.make_mut().get_mut(place - 1) {
                    *element = values::settled(entry, true);
                }
                return;
            }
            Some(place) if place == length + 1 => {
                list.make_mut().push(values::settled(entry, true));
                return;
            }
            _ => *value = Value::Map(values::as_map(list)),
        }
    }
    if let Value::Map(map) = value {
        map.insert(key.to_message_key(), entry);
    }
}

/// Makes a list of a map that is one now, and of nothing what nothing is at its place.
fn settle(value: &mut Value, in_list: bool) {
    let length = match value {
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return,
    };
    if length == 0 {
        *value = values::empty(in_list);
    } else if let Value::Map(map) = value
        && let Some(list) = values::as_list(map)
    {
        *value = Value::List(list);
    }
}
