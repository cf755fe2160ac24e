//! Brings the copy up to date.

use super::write::Writing;
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
        // The tables around it have been changed: one that none of them holds any more is gone.
        if !self.is_held(id) {
            return Ok(());
        }
        let path = self.path(id)?;
        let Some(known) = self.tables.get_mut(&id) else { return Err(Shared) };
        let depth = known.depth;
        known.has_metatable = change.has_metatable;
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
        let in_list = self.lies_in_list(&path);
        let mut value = &mut self.value;
        for key in &path {
            value = step(value, key).ok_or(Shared)?;
        }
        let odd = &mut self.tables.get_mut(&id).ok_or(Shared)?.odd;
        Writing { value, odd }.all(entries, in_list)?;
        self.note_altered(id);
        Ok(())
    }

    /// Whether a table lies where it is noted to lie, with all tables around it.
    fn is_held(&self, mut id: u64) -> bool {
        while id != self.root {
            let Some(Known { place: (holder, key), .. }) = self.tables.get(&id) else {
                return false;
            };
            let known = self.tables.get(holder);
            if known.and_then(|known| known.tables.get(key)) != Some(&id) {
                return false;
            }
            id = *holder;
        }
        true
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
